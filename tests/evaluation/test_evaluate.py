"""nnspark.evaluation.evaluate against scikit-learn's metrics, without Spark."""

import json
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report.reading import words
from sklearn import metrics as sk

from nnspark import recipe as recipe_module
from nnspark.data.dataset import make_dataset
from nnspark.data.rows import Block
from nnspark.engines.layout import make_shards
from nnspark.errors import DataError, ShapeError
from nnspark.evaluation import counts as counts_module
from nnspark.evaluation.counts import Counts, averages, per_class
from nnspark.evaluation.evaluate import evaluate_model
from nnspark.evaluation.text import as_text
from nnspark.evaluation.text import number as shown
from nnspark.model import Model
from nnspark.recipe import dumps
from nnspark.report.text import number
from nnspark.runs.run import run
from nnspark.sources import load_table
from nnspark.training.loop import train

IRIS = '[data]\nsource = "iris"\nscale = "standard"\n[training]\nengine = "local"\nepochs = 20\nl2 = 0.1\n'


def trained(text, *overrides):
    """The recipe, its model and what training says of it."""
    recipe = recipe_module.loads(text, overrides)
    dataset = make_dataset(load_table(recipe.data), recipe)
    result = train(recipe, make_shards(dataset, None))
    return recipe, Model.of(dataset.plan, result.network, result.theta, dumps(recipe)), result.metrics


def csv_recipe(path, rows, *, task="classification", label="label", names="abc"):
    """A recipe for a CSV file of these rows, whose last columns are labels."""
    labels = label if isinstance(label, list) else [label]
    path.write_text("\n".join(",".join(map(str, row)) for row in [[*names, *labels], *rows]) + "\n")
    shown = "[" + ", ".join(f'"{name}"' for name in labels) + "]" if isinstance(label, list) else f'"{label}"'
    return (
        f'[data]\nsource = "csv"\npath = "{path}"\nlabel = {shown}\ntask = "{task}"\nscale = "standard"\n'
        '[training]\nengine = "local"\nepochs = 30\nlearning_rate = 0.1\nl2 = 0.0\n'
    )


def problem(rows, seed=3):
    """Random features of three very different columns."""
    return np.random.default_rng(seed).normal(size=(rows, 3)) * [1, 100, 0.01] + [0, 50, 1]


def test_nothing_is_shown_as_less_than_nothing():
    """The mean predictor's r2 is 0 but for rounding."""
    assert [shown(value) for value in (-2.2e-16, -0.0, 0.00004, -0.00006, None)] == [
        "0.0000", "0.0000", "0.0000", "-0.0001", "n/a",
    ]  # fmt: skip


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_figures_are_scikit_learns(pairs):
    """Precision, recall, F1, support and their averages, also for classes that never occur."""
    true, guess = zip(*pairs, strict=True)
    confusion = sk.confusion_matrix(true, guess, labels=range(5))
    figures = per_class(confusion, "abcde")
    expected = sk.precision_recall_fscore_support(true, guess, labels=range(5), zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        np.testing.assert_allclose([row[name] for row in figures], values, rtol=1e-14)
    for average in ("macro", "weighted"):
        wanted = sk.precision_recall_fscore_support(
            true, guess, labels=range(5), average=average, zero_division=0
        )
        np.testing.assert_allclose(list(averages(figures)[average].values()), wanted[:3], rtol=1e-12)


def test_a_class_that_a_part_lacks_is_in_no_mean(tmp_path):
    """The macro averages are scikit-learn's of the labels there are, and one with the metric f1_macro."""
    X = problem(90)
    text = csv_recipe(tmp_path / "d.csv", np.column_stack([X, np.arange(90) % 4]).tolist())
    _, model, _ = trained(text, 'training.optimizer="lbfgs"')
    rows = np.flatnonzero((np.arange(90) % 4 != 3) & (model.predict(X) != 3))
    other = csv_recipe(tmp_path / "e.csv", np.column_stack([X, np.arange(90) % 4])[rows].tolist())
    figures, y = evaluate_model(model, recipe_module.loads(other), part="all"), rows % 4
    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        y, model.predict(X[rows]), average="macro", zero_division=0
    )
    assert len(figures["per_class"]) == 4
    assert list(figures["macro"].values()) == pytest.approx([precision, recall, f1], rel=1e-12)
    assert figures["macro"]["f1"] == pytest.approx(figures["f1_macro"], rel=1e-14)


@pytest.mark.parametrize("weighted", [False, True])
def test_class_weights_are_in_the_figures_of_the_training_part_alone(tmp_path, weighted):
    """What metrics.json says of validation and test is what an evaluation says."""
    X, rng = problem(120), np.random.default_rng(5)
    y = (X[:, 0] + rng.normal(size=120) > 0.9).astype(int)
    rows = np.column_stack([X, rng.integers(1, 4, 120), y]).tolist()
    text = csv_recipe(tmp_path / "d.csv", rows, names=("a", "b", "c", "w"))
    options = ["data.split={train = 0.4, validation = 0.3, test = 0.3}", 'training.class_weight="balanced"']
    options.append('training.optimizer="lbfgs"')
    options += ['data.weight="w"'] if weighted else ['data.exclude=["w"]']
    recipe, model, metrics = trained(text, *options)
    for part in ("validation", "test"):
        figures = evaluate_model(model, recipe, part=part)
        for name in ("loss", "accuracy", "mean_error", "log_loss", "brier", "roc_auc", "f1_macro"):
            assert figures[name] == pytest.approx(metrics[part][name], rel=1e-12), name
    figures = evaluate_model(model, recipe, part="train")
    assert abs(figures["loss"] / metrics["train"]["loss"] - 1) > 1e-3


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_a_part_gets_the_figures_that_training_reported(part):
    """The model's own recipe gives metrics.json's numbers, to the last bit."""
    recipe, model, reported = trained(IRIS)
    figures = evaluate_model(model, recipe, part=part)
    assert {name: figures[name] for name in reported[part]} == reported[part]
    assert np.trace(figures["confusion"]) == round(figures["accuracy"] * figures["num_samples"])


def test_all_rows_give_the_confusion_matrix_of_predict():
    """Counted block by block, as scikit-learn counts what Model.predict says."""
    recipe, model, _ = trained(IRIS, "training.block_rows=7")
    table = load_table(recipe.data)
    figures = evaluate_model(model, recipe, part="all")
    expected = sk.confusion_matrix(table.target, model.predict(table.features))
    assert figures["confusion"] == expected.tolist()
    assert figures["num_samples"] == 150
    assert figures["classes"] == [0, 1, 2]


def test_two_classes_with_one_output_unit_are_counted(tmp_path):
    """The single sigmoid unit stands for the second of two string classes."""
    X = problem(80)
    rows = [[*x, "no" if x[0] + x[1] / 100 < 0.5 else "yes"] for x in X.tolist()]
    recipe, model, _ = trained(csv_recipe(tmp_path / "d.csv", rows))
    assert model.network.layers[-1] == 1
    figures = evaluate_model(model, recipe, part="all")
    expected = sk.confusion_matrix([row[-1] for row in rows], model.predict(X))
    assert (figures["classes"], figures["confusion"]) == (["no", "yes"], expected.tolist())


def test_other_data_are_scaled_as_the_model_says(tmp_path):
    """Rows of other mean and spread, columns in another order, fewer rows than training would take."""
    X = problem(90)
    y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 50)
    text = csv_recipe(tmp_path / "d.csv", np.column_stack([X, y]).tolist())
    _, model, _ = trained(text, 'training.optimizer="lbfgs"')
    few = X[:40] * [1, 0.5, 1] + [0, 20, 0]
    other = csv_recipe(tmp_path / "e.csv", [[*x[::-1], 1] for x in few.tolist()], names="cba")
    figures = evaluate_model(model, recipe_module.loads(other), part="all")
    guesses = np.bincount(model.predict(few), minlength=3)
    assert figures["confusion"] == [[0, 0, 0], guesses.tolist(), [0, 0, 0]]
    assert len(np.flatnonzero(guesses)) > 1


def test_weights_of_rows_count_and_class_weights_do_not(tmp_path):
    """As scikit-learn's sample_weight in the accuracy; the confusion matrix has whole rows."""
    X, rng = problem(60), np.random.default_rng(5)
    y, weight = rng.integers(0, 3, 60), rng.integers(0, 4, 60)
    rows = np.column_stack([X, weight, y]).tolist()
    text = csv_recipe(tmp_path / "d.csv", rows, names=("a", "b", "c", "w"))
    recipe, model, _ = trained(text, 'data.weight="w"', 'training.class_weight="balanced"')
    figures = evaluate_model(model, recipe, part="all")
    expected = sk.accuracy_score(y, model.predict(X), sample_weight=weight)
    assert figures["accuracy"] == pytest.approx(expected, rel=1e-14)
    assert np.sum(figures["confusion"]) == np.sum(weight > 0)


def test_regression_is_reported_in_the_targets_own_units(tmp_path):
    """Two standardised targets of different units."""
    X = problem(70)
    Y = np.column_stack([X[:, 0] * 1000 + 5, X[:, 1] / 10])
    text = csv_recipe(
        tmp_path / "d.csv", np.column_stack([X, Y]).tolist(), task="regression", label=["u", "v"]
    )
    recipe, model, _ = trained(text, 'data.target_scale="standard"')
    figures, guess = evaluate_model(model, recipe, part="all"), model.predict(X)
    assert figures["rmse"] == pytest.approx(np.sqrt(sk.mean_squared_error(Y, guess)), rel=1e-9)
    assert figures["mae"] == pytest.approx(sk.mean_absolute_error(Y, guess), rel=1e-9)
    assert figures["r2"] == pytest.approx(sk.r2_score(Y, guess), rel=1e-9)
    assert "confusion" not in figures


def test_scaled_targets_have_one_set_of_figures_everywhere(tmp_path, capsys):
    """History, metrics.json, page and evaluation: in own units, as scikit-learn's."""
    X = problem(90)
    y = 32_000.0 * X[:, 0] + 1e5
    recipe = recipe_module.loads(
        csv_recipe(tmp_path / "d.csv", np.column_stack([X, y]).tolist(), task="regression"),
        ['data.target_scale="standard"', "report.every=1"],
    )
    run(recipe, str(tmp_path / "run"), title="houses")
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    history = [json.loads(line) for line in (tmp_path / "run/history.jsonl").read_text().splitlines()]
    model = Model.from_bytes((tmp_path / "run/model.safetensors").read_bytes())
    figures = {part: evaluate_model(model, recipe, part=part) for part in ("train", "validation", "test")}
    for part, found in figures.items():
        assert {name: metrics[part][name] for name in ("rmse", "mae", "r2", "loss")} == {
            name: found[name] for name in ("rmse", "mae", "r2", "loss")
        }
    everything = evaluate_model(model, recipe, part="all")
    assert everything["rmse"] == pytest.approx(np.sqrt(sk.mean_squared_error(y, model.predict(X))), rel=1e-9)
    start = np.sqrt(np.mean((y - y.mean()) ** 2))
    assert history[0]["rmse"] == pytest.approx(start, rel=0.2)
    assert history[0]["loss"] < 2
    assert metrics["loss_is"] == everything["loss_is"] == "squared error of the scaled target"
    assert "(squared error of the scaled target)" in as_text(everything).splitlines()[0]
    assert "the loss is of the scaled target" in capsys.readouterr().err
    page = words((tmp_path / "run/report.html").read_text())
    assert number(metrics["test"]["rmse"]) in page
    assert "Loss: squared error of the scaled target, what training minimises. RMSE, MAE" in page


def test_multilabel_has_a_table_a_label(tmp_path):
    """As scikit-learn's multilabel_confusion_matrix, under the label columns' names."""
    X = problem(70)
    Y = np.column_stack([X[:, 0] > 0, X[:, 1] > 50]).astype(int)
    text = csv_recipe(
        tmp_path / "d.csv", np.column_stack([X, Y]).tolist(), task="multilabel", label=["u", "v"]
    )
    recipe, model, _ = trained(text)
    figures = evaluate_model(model, recipe, part="all")
    expected = sk.multilabel_confusion_matrix(Y, model.predict(X))
    assert figures["confusion"] == expected.tolist()
    assert [row["class"] for row in figures["per_class"]] == ["u", "v"]
    f1 = sk.f1_score(Y, model.predict(X), average=None, zero_division=0)
    np.testing.assert_allclose([row["f1"] for row in figures["per_class"]], f1, rtol=1e-14)


def test_counts_add_up_in_any_order():
    """Merging is addition, and the zero is neutral."""
    pieces = [Counts(np.array([[i, 1], [2, 3]])) for i in range(3)]
    forward, backward = Counts(), Counts()
    for piece in pieces:
        forward.merge(Counts(piece.confusion.copy()))
    for piece in reversed(pieces):
        backward.merge(piece)
    assert forward.confusion.tolist() == backward.confusion.tolist() == [[3, 3], [6, 9]]


@pytest.mark.parametrize("weak", [100, 2])
def test_many_classes_have_the_same_figures_without_a_matrix(monkeypatch, weak):
    """Each class's figures to the last bit, and the commonest mistakes, as the matrix has them."""
    recipe, model, _ = trained(IRIS)
    expected = evaluate_model(model, recipe, part="all")
    matrix = np.array(expected.pop("confusion"))
    monkeypatch.setattr("nnspark.evaluation.counts.MATRIX_CLASSES", 2)
    monkeypatch.setattr("nnspark.evaluation.counts.WEAK_CLASSES", weak)
    figures = evaluate_model(model, recipe, part="all")
    mistakes = figures.pop("commonest_mistakes")
    assert figures == expected
    weakest = np.argsort(np.diagonal(matrix) - matrix.sum(axis=1), kind="stable")[:weak]
    wrong = {
        (true, guess): matrix[true, guess]
        for true in weakest.tolist()
        for guess in range(3)
        if true != guess and matrix[true, guess]
    }
    assert {(m["class"], m["taken_for"]): m["rows"] for m in mistakes} == wrong
    assert [m["rows"] for m in mistakes] == sorted(wrong.values(), reverse=True)
    assert "commonest mistakes" in as_text({**figures, "commonest_mistakes": mistakes})


def test_the_counts_of_ten_thousand_classes_are_bounded():
    """Of any number of rows; a matrix would take 800 MB, and twice that while it is merged."""
    classes, rng = 10_000, np.random.default_rng(0)
    y = rng.integers(0, classes, 1_024).astype(np.int32)
    outputs = rng.random((1_024, classes), dtype=np.float32)
    block = Block("test", 0, outputs[:, :1], y, None)
    total = Counts()
    tracemalloc.start()
    for _ in range(3):
        total.merge(counts_module.COUNTED["classification"](outputs, block))
    few = counts_module._count_true_classes(np.arange(100), outputs, block)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total.confusion is None
    assert len(pickle.dumps(total, 5)) <= 24 * classes + 400
    assert len(pickle.dumps(few, 5)) <= 8 * classes * 100 + 400
    assert peak < 40e6
    assert total.margins[1].sum() == total.margins[2].sum() == 3 * 1_024


@pytest.mark.parametrize(
    ("rows", "names", "kind", "said"),
    [
        ([[1, 2, 3, 9], [1, 2, 3, 8]], "abc", DataError, "label 9 is not a class of the model, nor are 1"),
        ([[1, 2, 3, "x"]], "abc", DataError, "label 'x' is not a class"),
        ([[1, 2, 3, 0]], "abd", DataError, "no column 'c'"),
        ([[1, 2, 0]], "ab", ShapeError, "takes 3 features but the data has 2"),
    ],
)
def test_data_that_do_not_fit_the_model_are_refused(tmp_path, rows, names, kind, said):
    """One line that names the label or the column."""
    X = problem(40)
    known = np.column_stack([X, X[:, 0] > 0]).astype(float).tolist()
    _, model, _ = trained(csv_recipe(tmp_path / "d.csv", known))
    other = recipe_module.loads(csv_recipe(tmp_path / "e.csv", rows, names=names))
    with pytest.raises(kind, match=said):
        evaluate_model(model, other, part="all")


def test_an_empty_part_is_refused():
    """Nothing is divided by zero."""
    recipe, model, _ = trained(IRIS, "data.split={train=0.8,validation=0.2,test=0.0}")
    with pytest.raises(DataError, match="the test part has no rows"):
        evaluate_model(model, recipe, part="test")


def test_the_table_shows_every_class_and_every_count():
    """A line a class, the averages, and the matrix with a dot for nothing."""
    recipe, model, _ = trained(IRIS)
    figures = evaluate_model(model, recipe, part="all")
    lines = as_text(figures).splitlines()
    assert lines[0].startswith(f"all rows: 150 rows, accuracy {figures['accuracy']:.4f}, loss ")
    assert [line.split()[0] for line in lines[3:8]] == ["0", "1", "2", "macro", "weighted"]
    assert lines[9].split() == ["figure", "model", "baseline"]
    shown = {line.split()[0]: line.split()[1:] for line in lines[10:] if line}
    for name in ("log_loss", "roc_auc", "mcc"):
        assert shown[name] == [f"{figures[name]:.4f}", f"{figures['baseline'][name]:.4f}"]
    assert lines[-3].split() == ["0", *(str(n) if n else "·" for n in figures["confusion"][0])]
