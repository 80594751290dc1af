"""What is drawn of a model's answers: scikit-learn's and NumPy's counts, the same in any pieces."""

import json
from dataclasses import replace

import numpy as np
import pytest
from helpers import InPieces, make_recipe, shards_of
from scipy.special import expit, softmax
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from nnspark.data.plan import Scaling
from nnspark.evaluation import importance as importance_module
from nnspark.evaluation.evaluate import evaluate_model
from nnspark.evaluation.importance import importance
from nnspark.evaluation.plots import plots
from nnspark.net import weights as weights_module
from nnspark.net.network import Network
from nnspark.objective.decision import Decision
from nnspark.objective.objective import Objective
from nnspark.training import decide as decide_module

ROWS = 900


def scored(z, y, *, task="classification", output="sigmoid", scaling=None, decision=None, dtype="float64"):
    """A network that passes its features to its output function; objective, shards and theta."""
    units = z.shape[1]
    loss = "squared_error" if task == "regression" else "cross_entropy"
    network = Network((units, units), "identity", output, loss)
    theta = weights_module.flatten([np.hstack([np.zeros((units, 1)), np.eye(units)])]).astype(dtype)
    shards = shards_of(z, y, task=task, part="test", block_rows=64, dtype=dtype)
    objective = Objective(network, task, dtype, shards.plan.terms, target_scaling=scaling)
    return replace(objective, decision=decision or Decision()), shards, theta


def points(curve):
    """False positive rate, recall and precision of each point, rounded to be compared."""
    true, false, (negatives, positives) = np.array(curve["true"]), np.array(curve["false"]), curve["rows"]
    rates = (false / negatives, true / positives, true / (true + false))
    return [np.round(one, 12).tolist() for one in rates]


def binary(rows=ROWS, seed=0):
    """Scores z (n, 1) and classes."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(rows, 1)) * 2
    return z, (rng.random(rows) < expit(z[:, 0] / 2)).astype(int)


def test_calibration_is_scikit_learns_curve():
    """Bins of equal width, the empty ones left out."""
    z, y = binary()
    found = plots(*scored(z, y), "test", ["no", "yes"]).figures["calibration"]
    share, said = calibration_curve(y, expit(z[:, 0]), n_bins=10)
    np.testing.assert_allclose([one["share"] for one in found["bins"]], share, rtol=1e-14)
    np.testing.assert_allclose([one["mean_probability"] for one in found["bins"]], said, rtol=1e-14)
    rows = np.array([one["rows"] for one in found["bins"]])
    assert (rows.sum(), found["of"]) == (ROWS, "second class")
    assert found["error"] == pytest.approx((rows * np.abs(share - said)).sum() / ROWS, rel=1e-12)


def test_of_several_classes_it_is_how_often_the_predicted_one_is_right():
    """Said by its own probability."""
    rng = np.random.default_rng(1)
    z = rng.normal(size=(ROWS, 4)) * 2
    y = rng.integers(0, 4, ROWS)
    found = plots(*scored(z, y, output="softmax"), "test", list("abcd")).figures
    p = softmax(z, axis=1)
    share, said = calibration_curve(p.argmax(axis=1) == y, p.max(axis=1), n_bins=10)
    np.testing.assert_allclose([one["share"] for one in found["calibration"]["bins"]], share, rtol=1e-14)
    np.testing.assert_allclose(
        [one["mean_probability"] for one in found["calibration"]["bins"]], said, rtol=1e-13
    )
    assert "thresholds" not in found


@pytest.mark.parametrize(
    "decision", [Decision(), Decision(threshold=0.37), Decision(0.25, 1.6, -0.3)], ids=str
)
def test_each_threshold_gives_what_scikit_learn_says(decision):
    """The model's own is among them, and its probabilities are the calibrated ones."""
    z, y = binary()
    found = plots(*scored(z, y, decision=decision), "test", ["no", "yes"]).figures["thresholds"]
    p = expit(decision.slope * z[:, 0] + decision.offset)
    for line in found:
        guess = (p >= line["threshold"]).astype(int)
        (tn, fp), (fn, tp) = sk.confusion_matrix(y, guess, labels=[0, 1]).tolist()
        counts = [line[f"{kind}s"] for kind in
                  ("true_negative", "false_positive", "false_negative", "true_positive")]  # fmt: skip
        assert counts == [tn, fp, fn, tp]
        assert line["precision"] == (pytest.approx(tp / (tp + fp)) if tp + fp else None)
        assert line["recall"] == pytest.approx(sk.recall_score(y, guess))
        assert line["f1"] == pytest.approx(sk.f1_score(y, guess))
    chosen = 0.5 if decision.threshold is None else decision.threshold
    assert chosen in [line["threshold"] for line in found]


def test_the_curves_points_are_scikit_learns_and_their_areas_the_metrics():
    """Of two classes those of the second."""
    z, y = binary(5_000)
    z = np.round(z, 2)
    (curve,) = plots(*scored(z, y), "test", ["no", "yes"]).drawn["curves"]
    p = expit(z[:, 0])
    fpr, tpr, _ = sk.roc_curve(y, p, drop_intermediate=False)
    known = set(zip(fpr.round(12).tolist(), tpr.round(12).tolist(), strict=True))
    rate, found, precise = points(curve)
    assert set(zip(rate, found, strict=True)) <= known
    assert 100 < len(found) < 300
    precision, recall, _ = sk.precision_recall_curve(y, p)
    known = set(zip(precision.round(12).tolist(), recall.round(12).tolist(), strict=True))
    assert set(zip(precise, found, strict=True)) <= known
    assert curve["roc_auc"] == pytest.approx(sk.roc_auc_score(y, p), abs=1e-6)
    assert (curve["class"], curve["rows"]) == ("yes", np.bincount(y).tolist())


def test_every_class_has_its_curve_and_every_label():
    """Each against the rest."""
    rng = np.random.default_rng(2)
    z = rng.normal(size=(ROWS, 3))
    y = rng.integers(0, 3, ROWS)
    curves = plots(*scored(z, y, output="softmax"), "test", list("abc")).drawn["curves"]
    p = softmax(z, axis=1)
    for k, curve in enumerate(curves):
        assert curve["roc_auc"] == pytest.approx(sk.roc_auc_score(y == k, p[:, k]), abs=1e-5)
    Y = (rng.random(z.shape) < expit(z)).astype(float)
    found = plots(*scored(z, Y, task="multilabel"), "test", list("abc"))
    for k, curve in enumerate(found.drawn["curves"]):
        assert curve["pr_auc"] == pytest.approx(sk.average_precision_score(Y[:, k], expit(z[:, k])), abs=1e-5)
    share, _ = calibration_curve(Y.ravel(), expit(z).ravel(), n_bins=10)
    np.testing.assert_allclose([one["share"] for one in found.figures["calibration"]["bins"]], share)


SCALING = Scaling(np.array([100.0, -5.0]), np.array([20.0, 3.0]))


def regression():
    """Outputs and targets as the plan holds them, and in their own units."""
    rng = np.random.default_rng(3)
    z = rng.normal(size=(ROWS, 2))
    y = z + rng.normal(size=z.shape) * [0.2, 0.6]
    return z, y, SCALING.undo(z), SCALING.undo(y)


def test_predicted_against_true_is_numpys_histogram():
    """In the target's own units; rows beyond the ends are in the cells there."""
    z, y, answers, targets = regression()
    found = plots(*scored(z, y, task="regression", output="identity", scaling=SCALING), "test", ["u", "v"])
    for k, one in enumerate(found.drawn["targets"]):
        ends = [np.quantile(values[:, k], (0.001, 0.999), method="inverted_cdf")
                for values in (targets, answers)]  # fmt: skip
        low, high = min(ends[0][0], ends[1][0]), max(ends[0][1], ends[1][1])
        assert (one["from"], one["to"]) == pytest.approx((low, high), rel=1e-12)
        clipped = [np.clip(values[:, k], low, high) for values in (targets, answers)]
        expected, _, _ = np.histogram2d(*clipped, bins=40, range=[[low, high], [low, high]])
        cells = np.array(one["cells"])
        assert cells.sum() == ROWS
        assert np.abs(cells - expected).sum() <= 4  # values on an edge
        assert one["target"] == "uv"[k]


def test_errors_are_those_of_each_tenth_of_the_predictions():
    """Sorted, cut in ten, by hand."""
    z, y, answers, targets = regression()
    found = plots(*scored(z, y, task="regression", output="identity", scaling=SCALING), "test", ["u", "v"])
    for k, one in enumerate(found.figures["errors"]):
        order = np.argsort(answers[:, k])
        for at, line in enumerate(one["tenths"]):
            rows = order[90 * at : 90 * at + 90]
            error = answers[rows, k] - targets[rows, k]
            assert line["rows"] == 90
            assert line["mean_error"] == pytest.approx(error.mean(), rel=1e-9)
            assert line["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-9)
            assert line["rmse"] == pytest.approx(np.sqrt(np.square(error).mean()), rel=1e-9)
            assert line["to"] == pytest.approx(answers[rows, k].max(), rel=1e-12)


def test_a_model_that_always_says_the_same_has_one_tenth():
    """And axes that are wider than nothing."""
    y = np.random.default_rng(4).normal(size=(50, 1))
    found = plots(*scored(0 * y, y, task="regression", output="identity"), "test", ["t"])
    (line,) = found.figures["errors"][0]["tenths"]
    assert line["rows"] == 50
    found = plots(*scored(0 * y, 0 * y, task="regression", output="identity"), "test", ["t"])
    (cells,) = found.drawn["targets"]
    assert cells["from"] < 0 < cells["to"]


CASES = {
    "binary": lambda: scored(*binary(), decision=Decision(0.3, 1.2, 0.1)),
    "binary, float32": lambda: scored(*binary(), dtype="float32"),
    "regression": lambda: scored(*regression()[:2], task="regression", output="identity", scaling=SCALING),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("at_once", [50, 1 << 22])
def test_plots_and_importance_have_the_same_bits_in_any_pieces(case, at_once, monkeypatch):
    """In 1, 2 and 7 pieces; with tallies of all scores and of their leading bits."""
    monkeypatch.setattr(decide_module, "AT_ONCE", at_once)
    monkeypatch.setattr(importance_module, "ROWS", 300)
    objective, shards, theta = CASES[case]()
    names = ["a", "b"]
    found = {
        json.dumps([
            plots(objective, InPieces(shards, pieces), theta, "test", names),
            importance(objective, InPieces(shards, pieces), theta, "test", names[: len(theta) // 2],
                       seed=3, most=9),
        ])
        for pieces in (1, 2, 7)
    }  # fmt: skip
    assert len(found) == 1


def test_leading_bits_change_no_count_of_a_threshold(monkeypatch):
    """Only the curves have fewer points to choose from, all of the curve."""
    z, y = binary()
    whole = plots(*scored(z, y), "test", ["no", "yes"])
    monkeypatch.setattr(decide_module, "AT_ONCE", 10)
    coarse = plots(*scored(z, y), "test", ["no", "yes"])
    assert coarse.figures == whole.figures
    (curve,), (fine,) = coarse.drawn["curves"], whole.drawn["curves"]
    fpr, tpr, _ = sk.roc_curve(y, expit(z[:, 0]), drop_intermediate=False)
    known = set(zip(fpr.round(12).tolist(), tpr.round(12).tolist(), strict=True))
    assert set(zip(*points(curve)[:2], strict=True)) <= known
    assert curve["rows"] == fine["rows"]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_importance_is_that_of_a_loop_over_the_models_answers(task):
    """All rows in the sample: shuffle a column, predict again, scikit-learn's error; feature by feature."""
    rng = np.random.default_rng(6)
    X = rng.normal(size=(200, 3))
    network = Network((3, 4, 1), "tanh", "identity" if task == "regression" else "sigmoid",
                      "squared_error" if task == "regression" else "cross_entropy")  # fmt: skip
    weights = [rng.normal(size=(4, 4)), rng.normal(size=(1, 5))]
    weights[0][:, 3] = 0.0
    y = X[:, :1] * 2 if task == "regression" else (X[:, 0] > 0).astype(int)
    shards = shards_of(X, y, task=task, part="validation", block_rows=32)
    objective = Objective(network, task, "float64", shards.plan.terms)
    found = importance(objective, shards, weights_module.flatten(weights), "validation", ["a", "b", "c"],
                       seed=7, most=5)  # fmt: skip
    sample = shards.run(importance_module.partial(importance_module._sample, "validation", 7, 2000), None,
                        importance_module.partial(importance_module.Sample, 2000))  # fmt: skip

    def error(rows):
        hidden = np.tanh(rows @ weights[0][:, 1:].T + weights[0][:, 0])
        z = hidden @ weights[1][:, 1:].T + weights[1][:, 0]
        if task == "regression":
            return np.sqrt(sk.mean_squared_error(sample.y, z))
        return sk.log_loss(sample.y, expit(z[:, 0]))

    assert (found["rows"], found["value"]) == (200, pytest.approx(error(sample.X), rel=1e-12))
    for feature, name in enumerate("abc"):
        risen = []
        for repeat in range(5):
            rows = sample.X.copy()
            rows[:, feature] = rows[np.random.default_rng([7, feature, repeat]).permutation(200), feature]
            risen.append(error(rows) - error(sample.X))
        own = next(one for one in found["features"] if one["feature"] == name)
        assert own["each"] == pytest.approx(risen, abs=1e-12)
        assert (own["mean"], own["std"]) == pytest.approx((np.mean(risen), np.std(risen)), abs=1e-12)
    assert {"feature": "c", "mean": 0.0, "std": 0.0, "each": [0.0] * 5} in found["features"]
    assert found["metric"] == ("rmse" if task == "regression" else "log_loss")


def test_features_of_one_column_are_shuffled_together():
    """As a loop that moves them in the same rows; a column of no feature has no figure."""
    rng = np.random.default_rng(6)
    X = rng.normal(size=(200, 4))
    network = Network((4, 1), "tanh", "sigmoid", "cross_entropy")
    theta = np.array([0.1, 2.0, -1.0, 0.7, 0.3])
    shards = shards_of(X, (X[:, 1] > X[:, 3]).astype(int), part="validation", block_rows=32)
    objective = Objective(network, "classification", "float64", shards.plan.terms)
    options = {"seed": 7, "most": 5, "places": [[0], [], [1, 2, 3]]}
    found = importance(objective, shards, theta, "validation", ["age", "none", "city"], **options)
    sample = shards.run(importance_module.partial(importance_module._sample, "validation", 7, 2000), None,
                        importance_module.partial(importance_module.Sample, 2000))  # fmt: skip

    def error(rows):
        return sk.log_loss(sample.y, expit(rows @ theta[1:] + theta[0]))

    own = {one["feature"]: one["each"] for one in found["features"]}
    assert (own.keys(), found["of"]) == ({"age", "city"}, 3)
    for name, columns in (("age", [0]), ("city", [1, 2, 3])):
        risen = []
        for repeat in range(5):
            order, rows = np.random.default_rng([7, columns[0], repeat]).permutation(200), sample.X.copy()
            rows[:, columns] = rows[order][:, columns]
            risen.append(error(rows) - error(sample.X))
        assert own[name] == pytest.approx(risen, abs=1e-12)


def test_of_too_many_features_the_heaviest_are_shuffled():
    """By their weights in the first layer and their spread."""
    rng = np.random.default_rng(8)
    X = rng.normal(size=(80, 4)) * [1, 100, 1, 1]
    network = Network((4, 1), "tanh", "sigmoid", "cross_entropy")
    theta = np.array([0.0, 1.0, 0.1, 0.5, 5.0])
    shards = shards_of(X, (X[:, 0] > 0).astype(int), part="test")
    objective = Objective(network, "classification", "float64", 1)
    found = importance(objective, shards, theta, "test", list("abcd"), seed=0, most=2)
    assert {one["feature"] for one in found["features"]} == {"b", "d"}
    assert found["of"] == 4
    assert importance(objective, shards, theta, "test", list("abcd"), seed=0, most=0) == {}


def test_an_evaluation_has_the_tables_of_the_run():
    """Of the same rows they are the same numbers."""
    from nnspark.data.dataset import make_dataset
    from nnspark.engines.local import LocalShards
    from nnspark.model import Model
    from nnspark.recipe import dumps
    from nnspark.sources import load_table
    from nnspark.training.loop import train

    recipe = make_recipe("training.epochs=3", "network.hidden=[5]")
    shards = LocalShards(make_dataset(load_table(recipe.data), recipe))
    trained = train(recipe, shards)
    model = Model.of(shards.plan, trained.network, trained.theta, dumps(recipe))
    figures = evaluate_model(model, recipe, part="test")
    objective = Objective(trained.network, "classification", "float64", shards.plan.terms)
    assert (
        plots(objective, shards, trained.theta, "test", list("0123456789")).figures["calibration"]
        == (figures["calibration"])
    )


def test_more_classes_or_targets_than_a_page_shows_have_no_curves():
    """Eleven classes have their calibration; of five targets four are drawn."""
    rng = np.random.default_rng(12)
    z, y = rng.normal(size=(300, 11)), rng.integers(0, 11, 300)
    found = plots(*scored(z, y, output="softmax"), "test", list(range(11)))
    assert found.drawn == {"curves": []}
    assert sum(one["rows"] for one in found.figures["calibration"]["bins"]) == 300
    Y = rng.normal(size=(300, 5))
    found = plots(*scored(Y, Y, task="regression", output="identity"), "test", list("abcde"))
    assert [one["target"] for one in found.drawn["targets"]] == list("abcd")
    assert [one["target"] for one in found.figures["errors"]] == list("abcd")


@pytest.mark.parametrize(
    ("bound", "value", "rows", "features"),
    [("ROWS", 40, 40, 3), ("VALUES", 60, 20, 3), ("PRODUCTS", 1, 200, 1)],
)
def test_importance_costs_no_more_than_its_bounds(bound, value, rows, features, monkeypatch):
    """Fewer rows, or fewer features: the rows with the smallest hashes, the features that weigh most."""
    rng = np.random.default_rng(13)
    X = rng.normal(size=(200, 3))
    shards = shards_of(X, (X[:, 0] > 0).astype(int), part="test", block_rows=16)
    objective = Objective(
        Network((3, 1), "tanh", "sigmoid", "cross_entropy"), "classification", "float64", 99
    )
    monkeypatch.setattr(importance_module, bound, value)
    found = importance(objective, shards, np.array([0.0, 3.0, 1.0, 0.1]), "test", list("abc"), seed=1, most=9)
    assert (found["rows"], len(found["features"])) == (rows, features)
    assert found["features"][0]["feature"] == "a"
