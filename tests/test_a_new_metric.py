"""A metric added to the registry, and nowhere else, is measured, shown and watched everywhere."""

import json
import re

import numpy as np
import pytest
from helpers import make_recipe, outcome
from report.reading import words
from sklearn.datasets import load_digits

from nnspark.evaluation.evaluate import evaluate_model
from nnspark.evaluation.text import as_text
from nnspark.model import Model
from nnspark.objective.metrics import METRICS, Metric
from nnspark.runs.run import run
from nnspark.training.choices import check_choices

NET = ["data.scale={center = 8, divide = 8}", "network.hidden=[5]", "training.epochs=3", "report.every=1"]


def brier(outputs, y, w):
    """The squared distance of the outputs from the one-hot classes."""
    errors = outputs - np.eye(outputs.shape[1])[y]
    return {"brier": float(np.square(errors).sum(axis=1) @ w)}


@pytest.fixture
def new_metric(monkeypatch):
    """A figure of classification, a share of which more is better."""
    entry = Metric(
        "Brier skill",
        ("classification",),
        (brier,),
        lambda sums: 1.0 - sums["brier"] / sums["weight"],
        format="share",
        higher_is_better=True,
        headline=True,
    )
    monkeypatch.setitem(METRICS, "brier_skill", entry)


@pytest.fixture
def finished(new_metric, tmp_path, capsys):
    """The folder of a run that monitors it, and what was printed."""
    recipe = make_recipe(*NET, 'stopping.monitor="validation_brier_skill"', "stopping.patience=2")
    run(recipe, str(tmp_path / "run"), title="digits")
    return tmp_path / "run", capsys.readouterr().err, recipe


def test_it_is_in_the_history_and_in_metrics_json(finished):
    """Of both parts that are measured every epoch, and of all three at the end."""
    folder, _, _ = finished
    for line in (folder / "history.jsonl").read_text().splitlines():
        row = json.loads(line)
        assert isinstance(row["brier_skill"], float)
        assert isinstance(row["validation_brier_skill"], float)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert all("brier_skill" in metrics[part] for part in ("train", "validation", "test"))


def test_it_is_in_the_progress_lines(finished):
    """With the loss and the accuracy."""
    folder, printed, _ = finished
    value = json.loads((folder / "history.jsonl").read_text().splitlines()[-1])["validation_brier_skill"]
    assert f"val brier_skill {value:.4f}" in printed


def test_it_is_on_the_reports_cards_curves_and_tables(finished):
    """Under its label, in percent as its format asks."""
    folder, _, _ = finished
    page = (folder / "report.html").read_text()
    value = 100 * json.loads((folder / "metrics.json").read_text())["test"]["brier_skill"]
    card = page[page.index('class="card lead"') :].split("</div>")[0]
    assert f"Brier skill {value:.1f} %" in card
    assert "<figure><h3>Brier skill</h3>" in page
    heads = re.findall(r'<th scope="col">([^<]*)</th>', page)
    assert heads.count("Brier skill") == 1
    assert re.findall(r'<th scope="row">([^<]*)</th>', page).count("Brier skill") == 1
    assert heads.count("validation Brier skill") == 1
    assert f"{value:.1f} %" in words(page)


def test_it_is_in_the_text_of_an_evaluation(finished):
    """On the first line, before what is no headline; its value by hand from the model's outputs."""
    folder, _, recipe = finished
    model = Model.from_bytes((folder / "model.safetensors").read_bytes())
    figures = evaluate_model(model, recipe, part="all")
    X, y = load_digits(return_X_y=True)
    errors = model.outputs(X) - np.eye(10)[y]
    assert figures["brier_skill"] == pytest.approx(1 - np.square(errors).sum(axis=1).mean(), rel=1e-12)
    first = as_text(figures).splitlines()[0]
    assert first.index(f"brier_skill {figures['brier_skill']:.4f}") < first.index("mean_error")


def test_it_may_be_monitored_and_more_is_better(finished):
    """The best epoch is the one with the largest value, and its weights are the result."""
    folder, _, _ = finished
    history = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    values = [row["validation_brier_skill"] for row in history]
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["best_epoch"] in (None, int(np.argmax(values)) + 1)
    assert metrics["validation"]["brier_skill"] >= max(values)


@pytest.mark.parametrize("monitor", ["brier_skill", "validation_brier_skill"])
def test_it_is_refused_for_a_problem_it_is_no_figure_of(new_metric, monitor):
    """The error names the key and what that problem can be watched by."""
    check_choices(make_recipe(f'stopping.monitor="{monitor}"'))
    recipe = make_recipe('data.task="regression"', f'stopping.monitor="{monitor}"')
    _, message = outcome(check_choices, recipe)
    assert message.startswith("stopping.monitor: expected one of cost, loss, rmse, ")
    assert message.endswith(f"validation_r2, got '{monitor}'")
