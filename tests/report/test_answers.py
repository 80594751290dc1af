"""The sections on the model's answers: the numbers of metrics.json, drawn without matplotlib."""

import json
import re

import numpy as np
import pytest
from report.reading import read, words

import nnspark
from nnspark.report.axes import Axes, nice_ticks
from nnspark.report.recipe import own_keys
from nnspark.report.text import number, percent
from nnspark.runs.rebuilding import rebuilt_page
from nnspark.runs.storage import open_folder

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 3))
BINARY = np.where(X[:, 0] + RNG.normal(size=400) > 0.8, "yes", "<no>")
SMALL = {"training": {"engine": "local", "epochs": 4, "learning_rate": 3.0}, "network": {"hidden": [3]}}


def trained(folder, y, **sections):
    """metrics.json, what it has to draw, and the page of a run on X and y."""
    recipe = {**SMALL, **sections}
    nnspark.train(recipe, (X, y), out=str(folder))
    metrics = json.loads((folder / "metrics.json").read_text())
    return metrics, metrics["plots"], (folder / "report.html").read_text()


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    """Of two classes, with a threshold and a calibration."""
    decided = {"threshold": "f1", "calibration": "platt"}
    return trained(tmp_path_factory.mktemp("binary"), BINARY, prediction=decided)


@pytest.fixture(scope="module")
def regression(tmp_path_factory):
    """Of one target."""
    data = {"task": "regression", "target_scale": "standard"}
    training = {**SMALL["training"], "optimizer": "lbfgs", "epochs": 20, "l2": 0.1}
    y = X @ [3.0, 1.0, 0.0] * 1e3 + 7e4
    return trained(tmp_path_factory.mktemp("regression"), y, data=data, training=training)


def section(page, title):
    """The part of a page under a title of the second rank."""
    return next(part for part in re.split("(?=<h2>)", page) if part.startswith(f"<h2>{title}"))


def table_rows(html):
    """The cells of each row of the first table."""
    body = html[html.index("<tbody>") : html.index("</tbody>")]
    return [re.findall(r"<t[hd][^>]*>(?:<span[^>]*>)?([^<]*)", row) for row in body.split("</tr>")[:-1]]


def test_the_thresholds_of_the_page_are_those_of_metrics_json(binary):
    """Line by line; the model's own is marked."""
    metrics, _, page = binary
    found = section(page, "Probabilities")
    expected = [
        [number(one["threshold"]), *(percent(one[key]) for key in ("precision", "recall", "f1")),
         number(one["false_positives"]), number(one["false_negatives"])]
        for one in metrics["test"]["thresholds"]
    ]  # fmt: skip
    assert table_rows(found) == expected
    own = re.findall(r'<tr class="own"><th scope="row">([^<]*)', found)
    assert own == [number(metrics["prediction"]["threshold"])]
    line = next(one for one in metrics["test"]["thresholds"] if number(one["threshold"]) == own[0])
    right = line["true_positives"] + line["true_negatives"]
    assert metrics["test"]["accuracy"] == pytest.approx(right / metrics["test"]["num_samples"])


def test_without_a_threshold_of_its_own_one_half_is_marked(tmp_path):
    """Also where the model has a calibration."""
    metrics, _, page = trained(tmp_path, BINARY, prediction={"calibration": "temperature"})
    assert metrics["prediction"]["threshold"] is None
    found = section(page, "Probabilities")
    assert re.findall(r'<tr class="own"><th scope="row">([^<]*)', found) == ["0.5"]
    assert "class yes is predicted from 0.5 on" in words(found)


def test_the_areas_and_the_calibration_error_are_those_of_metrics_json(binary):
    """Beside the plots they belong to."""
    metrics, _, page = binary
    text, test = words(section(page, "Probabilities")), metrics["test"]
    assert f"area {number(test['roc_auc'])} baseline 0.5" in text
    assert f"area {number(test['pr_auc'])} baseline {number(test['baseline']['pr_auc'])}" in text
    assert f"calibration error {percent(test['calibration']['error'])}" in text


def test_the_points_drawn_are_those_of_metrics_json(binary):
    """As many, from corner to corner, and where they should be."""
    _, curves, page = binary
    drawn = re.findall(r'<polyline class="train" points="([^"]*)"', section(page, "Probabilities"))
    (curve,) = curves["curves"]
    axes = Axes()
    negatives, positives = curve["rows"]
    true, false = np.array(curve["true"]), np.array(curve["false"])
    recall = true / positives
    roc = [",".join(axes.at(*point)) for point in zip(false / negatives, recall, strict=True)]
    assert drawn[0].split()[1:] == roc
    assert drawn[0].split()[0] == ",".join(axes.at(0, 0))
    pr = [",".join(axes.at(*point)) for point in zip(recall, true / (true + false), strict=True)]
    assert drawn[1].split()[1:] == pr


def test_a_dot_a_bin_of_the_calibration(binary):
    """Where it says what its rows were said to be, and are."""
    metrics, _, page = binary
    bins = metrics["test"]["calibration"]["bins"]
    dots = re.findall(r'<circle class="train" cx="([^"]*)" cy="([^"]*)"', section(page, "Probabilities"))
    assert dots == [Axes().at(one["mean_probability"], one["share"]) for one in bins]


def test_the_errors_of_a_regression_are_those_of_metrics_json(regression):
    """In the target's own units, with their signs."""
    metrics, curves, page = regression
    found = section(page, "Targets")
    for cells, one in zip(table_rows(found), metrics["test"]["errors"][0]["tenths"], strict=True):
        assert cells[0] == f"{number(one['from'])} to {number(one['to'])}"
        assert cells[1] == number(one["rows"])
        assert cells[2].lstrip("+") == number(one["mean_error"])
        assert cells[3:] == [number(one["mae"]), number(one["rmse"])]
    assert (
        sum(one["rows"] for one in metrics["test"]["errors"][0]["tenths"]) == metrics["test"]["num_samples"]
    )
    cells = np.array(curves["targets"][0]["cells"])
    said = re.findall(r'<rect class="hit"[^>]*><title>(\d+) rows?</title>', found)
    assert sorted(map(int, said)) == sorted(cells[cells > 0].tolist())


def test_the_features_are_in_the_order_of_their_importance(regression):
    """With the spread of the five shuffles; the first target follows the first feature most."""
    metrics, _, page = regression
    found = metrics["importance"]
    rows = table_rows(section(page, "Features"))
    assert [row[0] for row in rows] == [one["feature"] for one in found["features"]] == ["0", "1", "2"]
    assert rows[0][1] == f"+{number(found['features'][0]['mean'])}"
    assert rows[0][2] == f"± {number(found['features'][0]['std'], digits=2)}"
    assert found["part"] == "validation"
    assert "RMSE rises by" in words(page)


def test_the_page_of_several_classes_names_the_one_with_the_least_area(tmp_path):
    """Names escaped, a line a class."""
    y = np.array(["<a>", "b", "c"])[np.digitize(X[:, 0], [-0.5, 0.5])]
    metrics, curves, page = trained(tmp_path, y)
    found = section(page, "Probabilities")
    least = min(curves["curves"], key=lambda one: one["roc_auc"])
    assert f"least: {least['class']} {number(least['roc_auc'])}" in words(found)
    assert found.count('<polyline class="one-of-many"') == 4
    assert found.count('<polyline class="weakest"') == 2
    assert "<table>" not in found
    assert np.mean([one["roc_auc"] for one in curves["curves"]]) == pytest.approx(metrics["test"]["roc_auc"])


def test_without_matplotlib_they_are_all_there(binary, tmp_path, monkeypatch):
    """Only the curves of training need it."""
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    _, _, page = trained(tmp_path, BINARY, prediction={"threshold": "f1", "calibration": "platt"})
    assert section(page, "Probabilities") == section(binary[2], "Probabilities")
    read(page)


def test_a_page_made_again_has_them_again(tmp_path):
    """From metrics.json; of a run of before there is less."""
    _, _, page = trained(tmp_path, BINARY)
    again = rebuilt_page(open_folder(str(tmp_path), None))
    for title in ("Probabilities", "Features"):
        assert section(again, title) == section(page, title)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    metrics.pop("plots")
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    found = section(rebuilt_page(open_folder(str(tmp_path), None)), "Probabilities")
    assert "ROC" not in found
    assert "<h3>Thresholds" in found


def test_lists_of_numbers_take_a_line_of_metrics_json(binary, tmp_path):
    """So that a person can read the rest; the content is what it was."""
    trained(tmp_path, BINARY)
    text = (tmp_path / "metrics.json").read_text()
    (line,) = [line for line in text.splitlines() if line.lstrip().startswith('"true": [')]
    metrics = json.loads(text)
    assert json.loads("{" + line.strip().rstrip(",") + "}")["true"] == metrics["plots"]["curves"][0]["true"]
    assert len(text.splitlines()) < 500


def test_without_a_report_there_are_no_plots(tmp_path):
    """They cost jobs."""
    recipe = {**SMALL, "report": {"html": False}}
    nnspark.train(recipe, (X, BINARY), out=str(tmp_path))
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert not {"importance", "prediction", "plots"} & set(metrics)


def test_only_keys_of_ones_own_are_shown_of_a_recipe(binary):
    """The rest is folded away; nested sections too."""
    page = binary[2]
    shown = re.search(r"<h3>Recipe.*?<pre>(.*?)</pre>", page, re.DOTALL)[1]
    text = re.sub("<[^>]*>", "", shown)
    assert "threshold = &quot;f1&quot;" in text
    assert "hidden = [3]" in text
    assert "momentum" not in text
    assert "min_delta" not in text
    assert "min_delta" in page
    recipe = '[data]\nsource = "digits"\nsplit = {train = 0.8, validation = 0.1, test = 0.1, seed = 7}\n'
    assert own_keys(recipe) == '[data]\nsource = "digits"\nsplit = {"seed" = 7}\n'
    assert own_keys("no recipe") is None
    assert own_keys('[data]\nsource = "digits"\n# a remark\n') is None


def test_ticks_are_round_numbers_within_the_ends():
    """Steps of 1, 2 or 5 times a power of ten, a few of them."""
    for low, high in ((0.0, 1.0), (-3.7, 912.0), (1e6, 1.3e6), (-2e-5, 7e-6)):
        ticks = nice_ticks(low, high)
        assert 3 <= len(ticks) <= 7
        span = high - low
        assert min(ticks) >= low - 1e-6 * span
        assert max(ticks) <= high + 1e-6 * span
        digits = {f"{step:.3e}"[0] for step in np.diff(ticks)}
        assert digits <= {"1", "2", "5"}
    assert nice_ticks(1.0, 1.0) == []
