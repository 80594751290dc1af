"""The figures of a finished model and of its baseline equal scikit-learn's on the same scores."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import fit, one_line_error, shards_of, table_of
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.preprocessing import label_binarize

import nnspark
from nnspark.data.plan import Scaling
from nnspark.net import weights as weights_module
from nnspark.net.activations import OUTPUTS
from nnspark.net.network import Network
from nnspark.objective import tally as tally_module
from nnspark.objective.class_metrics import RANKED_CLASSES
from nnspark.objective.metrics import MAJORITY, METRICS, metrics_of
from nnspark.objective.objective import Objective
from nnspark.objective.problems import shares_of
from nnspark.objective.tally import SCORES as KEYS
from nnspark.objective.tally import Downwards, Tally, areas, keys_of_magnitudes, keys_of_scores, median
from nnspark.training import measure as measure_module
from nnspark.training.measure import AT_ONCE, measure

ROWS = 600
EXACT = {"rel": 1e-9, "abs": 1e-12}
NEW = {
    "classification": [
        *("log_loss", "roc_auc", "pr_auc", "brier", "balanced_accuracy"),
        *("f1_macro", "f1_weighted", "mcc", "top_k"),
    ],
    "regression": ["rmse", "mae", "mape", "r2", "explained_variance", "median_absolute_error"],
    "multilabel": ["log_loss", "roc_auc", "pr_auc", "brier", "f1_macro", "f1_weighted"],
}


def scored(
    scores, y, *, task="classification", output="softmax", weight=None, block_rows=64, dtype="float64"
):
    """A network that passes its features through its output function, its shards, and theta."""
    units = scores.shape[1]
    loss = "squared_error" if task == "regression" else "cross_entropy"
    network = Network((units, units), "identity", output, loss)
    theta = weights_module.flatten([np.hstack([np.zeros((units, 1)), np.eye(units)])])
    shards = shards_of(scores, y, task=task, weight=weight, block_rows=block_rows, part="test", dtype=dtype)
    return Objective(network, task, dtype, shards.plan.terms), shards, theta.astype(dtype)


def flat(figures):
    """The figures of the test part and of its baseline in one dictionary."""
    own = {name: value for name, value in figures["test"].items() if name != "baseline"}
    return own | {f"baseline {name}": value for name, value in figures["test"]["baseline"].items()}


def few_values(rng, rows, columns):
    """Scores with many ties, at float32's own values."""
    return np.round(rng.normal(size=(rows, columns)), 1).astype(np.float32).astype(np.float64)


def float32(p):
    """Scores as they are ranked: the smaller of p and 1 - p to 24 bits."""
    return np.where(p <= 0.5, p.astype(np.float32), 1.0 - (1.0 - p).astype(np.float32).astype(np.float64))


def classes_by_sklearn(p, y):
    """Each figure from probabilities (n, classes), all classes being there."""
    classes, guess = p.shape[1], p.argmax(axis=1)
    one_hot = label_binarize(y, classes=range(classes)) if classes > 2 else y
    ranked = float32(p) if classes > 2 else float32(p[:, 1])
    one_by_one = ranked if classes > 2 else ranked[:, None]
    columns = one_hot if classes > 2 else y[:, None]
    return {
        "log_loss": sk.log_loss(y, p / p.sum(axis=1, keepdims=True)),
        "brier": np.square(p - np.eye(classes)[y]).sum(axis=1).mean() / (2 if classes == 2 else 1),
        "roc_auc": np.mean([sk.roc_auc_score(c, s) for c, s in zip(columns.T, one_by_one.T, strict=True)]),
        "pr_auc": sk.average_precision_score(one_hot, ranked, average="macro"),
        "balanced_accuracy": sk.balanced_accuracy_score(y, guess),
        "f1_macro": sk.f1_score(y, guess, average="macro"),
        "f1_weighted": sk.f1_score(y, guess, average="weighted"),
        "mcc": sk.matthews_corrcoef(y, guess),
        "top_k": sk.top_k_accuracy_score(y, p, k=5 if classes > 10 else 2) if classes > 2 else math.nan,
    }


@pytest.mark.parametrize(
    ("classes", "output"), [(2, "softmax"), (3, "softmax"), (3, "sigmoid"), (12, "softmax")]
)
def test_classes_are_judged_as_scikit_learn_does(classes, output):
    """Ties of scores included; the classes are of very different sizes."""
    rng = np.random.default_rng(classes)
    scores = few_values(rng, ROWS, classes)
    y = np.minimum(rng.geometric(0.4, ROWS) - 1, classes - 1)
    y = np.where(rng.random(ROWS) < 0.5, scores.argmax(axis=1), y)
    y[:classes] = np.arange(classes)
    objective, shards, theta = scored(scores, y, output=output)
    found = measure(objective, shards, theta, ["test"])["test"]
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = shares_of(1 / (1 + np.exp(-scores))) if output == "sigmoid" else e / e.sum(axis=1, keepdims=True)
    for name, value in classes_by_sklearn(p, y).items():
        assert found[name] == (None if math.isnan(value) else pytest.approx(value, **EXACT)), name


def test_one_unit_for_two_classes_is_judged_by_its_probability():
    """97 to 3: the baseline's accuracy is 0.97, its ROC-AUC one half, its PR-AUC the share of positives."""
    rng = np.random.default_rng(1)
    y = (rng.random(ROWS) < 0.03).astype(int)
    scores = np.round(rng.normal(size=(ROWS, 1)) + 2 * y[:, None] - 3, 1)
    objective, shards, theta = scored(scores, y, output="sigmoid")
    found = measure(objective, shards, theta, ["test"])["test"]
    p = 1 / (1 + np.exp(-scores[:, 0]))
    for name, value in classes_by_sklearn(np.column_stack([1 - p, p]), y).items():
        assert found[name] == (None if math.isnan(value) else pytest.approx(value, **EXACT)), name
    assert found["brier"] == pytest.approx(sk.brier_score_loss(y, p), **EXACT)
    baseline, dummy = found["baseline"], DummyClassifier(strategy="prior").fit(scores, y)
    prior = dummy.predict_proba(scores)
    assert baseline["accuracy"] == pytest.approx(1 - y.mean(), **EXACT)
    assert (baseline["roc_auc"], baseline["balanced_accuracy"], baseline["mcc"]) == (0.5, 0.5, 0.0)
    assert baseline["pr_auc"] == pytest.approx(y.mean(), **EXACT)
    assert baseline["log_loss"] == pytest.approx(sk.log_loss(y, prior), **EXACT)
    assert baseline["f1_macro"] == pytest.approx(
        sk.f1_score(y, dummy.predict(scores), average="macro"), **EXACT
    )
    assert "loss" not in baseline


@pytest.mark.parametrize("rows", [ROWS, ROWS + 1])
def test_regressions_are_judged_as_scikit_learn_does(rows):
    """Two targets of different units, an even and an odd number of rows, and the mean predictor."""
    rng = np.random.default_rng(2)
    guess = rng.normal(size=(rows, 2)) * [1.0, 5e4] + [3.0, 1e5]
    Y = guess + rng.normal(size=(rows, 2)) * [0.5, 1e4] + [0.3, 0.0]
    objective, shards, theta = scored(guess, Y, task="regression", output="identity")
    found = measure(objective, shards, theta, ["test"])["test"]
    dummy = DummyRegressor().fit(guess, Y).predict(guess)
    for figures, answers in ((found, guess), (found["baseline"], dummy)):
        for name, value in {
            "rmse": math.sqrt(sk.mean_squared_error(Y, answers)),
            "mae": sk.mean_absolute_error(Y, answers),
            "mape": sk.mean_absolute_percentage_error(Y, answers),
            "r2": sk.r2_score(Y, answers),
            "explained_variance": sk.explained_variance_score(Y, answers),
            "median_absolute_error": sk.median_absolute_error(Y, answers),
        }.items():
            assert figures[name] == pytest.approx(value, **EXACT), name
    assert (found["baseline"]["r2"], found["baseline"]["explained_variance"]) == (0.0, 0.0)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_scaled_target_of_0_is_0_again_in_mape(dtype):
    """So it is scikit-learn's, huge as that is; undone as it comes, 0 would be 1e-8 or 1e-16, by chance."""
    rng, center, divide = np.random.default_rng(12), np.array([7.1, 1e5]), np.array([0.3, 5.8e3])
    Y = np.round(rng.normal(center, divide, size=(ROWS, 2)), 1)
    Y[::7] = 0.0
    scaling = Scaling(center, divide)
    scaled = scaling.apply(Y)
    assert (scaling.undo(scaled[0]) != 0.0).all()
    objective, shards, theta = scored(scaled + 0.5, scaled, task="regression", output="identity", dtype=dtype)
    objective = replace(objective, target_scaling=scaling)
    found = measure(objective, shards, theta, ["test"])["test"]
    expected = sk.mean_absolute_percentage_error(Y, Y + 0.5 * scaling.divide)
    assert (objective.own_targets(shards.blocks[0].y) == 0.0).all(axis=1).sum() == len(Y[::7])
    assert found["mape"] == pytest.approx(expected, rel=1e-9 if dtype == "float64" else 1e-5)
    expected = sk.mean_absolute_percentage_error(Y, np.broadcast_to(Y.mean(axis=0), Y.shape))
    assert found["baseline"]["mape"] == pytest.approx(expected, rel=1e-6)


def test_rmse_of_several_targets_is_one_root_as_the_page_says():
    """Errors of 3 and 4: the root of 12.5, not the mean of two roots; of one target they are one."""
    errors = np.tile([[3.0, 4.0]], (8, 1))
    for columns, expected in ((errors, math.sqrt(12.5)), (errors[:, :1], 3.0)):
        objective, shards, theta = scored(columns, 0 * columns, task="regression", output="identity")
        assert measure(objective, shards, theta, ["test"])["test"]["rmse"] == pytest.approx(expected, **EXACT)
    assert sk.root_mean_squared_error(0 * errors, errors) == pytest.approx(3.5)
    page = (Path(__file__).parents[2] / "conf/README.md").read_text()
    assert "of several targets, the root of the mean over rows and targets" in page


@pytest.mark.parametrize(("units", "output"), [(3, "softmax"), (2, "softmax"), (1, "sigmoid")])
def test_log_loss_of_float32_outputs_is_not_cut_at_float32s_epsilon(units, output):
    """Sure answers, some of them wrong: 1 - p is below 6e-8, which float32 does not have beside 1."""
    rng = np.random.default_rng(units)
    scores = np.round(rng.normal(size=(ROWS, units)) * 12, 1)
    y = rng.integers(0, max(units, 2), ROWS)
    objective, shards, theta = scored(scores, y, output=output, dtype="float32")
    found = measure(objective, shards, theta, ["test"])["test"]
    p = shares_of(OUTPUTS[output](scores.copy()))
    assert found["log_loss"] == pytest.approx(sk.log_loss(y, p), rel=1e-6)


def test_log_loss_of_float32_labels_is_not_cut_at_float32s_epsilon():
    """Of several labels a row."""
    rng = np.random.default_rng(11)
    scores, Y = np.round(rng.normal(size=(ROWS, 3)) * 12, 1), rng.integers(0, 2, (ROWS, 3)).astype(float)
    objective, shards, theta = scored(scores, Y, task="multilabel", output="sigmoid", dtype="float32")
    found, p = measure(objective, shards, theta, ["test"])["test"], OUTPUTS["sigmoid"](scores.copy())
    assert found["log_loss"] == pytest.approx(
        np.mean([sk.log_loss(Y[:, k], p[:, k]) for k in range(3)]), rel=1e-6
    )


def test_log_loss_of_a_float32_model_is_scikit_learns_of_its_probabilities():
    """Trained until it is sure."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    y = np.where(X[:, 0] > 0.5, "a", np.where(X[:, 1] > 0, "b", "c"))
    training = {"engine": "local", "epochs": 30, "optimizer": "lbfgs", "dtype": "float32", "l2": 0.0}
    model = nnspark.train({"training": training, "network": {"hidden": [5], "output": "softmax"}}, (X, y))
    assert model.evaluate((X, y))["log_loss"] == pytest.approx(
        sk.log_loss(y, model.predict_proba(X)), rel=1e-3
    )


def test_labels_are_judged_as_scikit_learn_does():
    """Several labels a row: means over the labels."""
    rng = np.random.default_rng(3)
    scores = few_values(rng, ROWS, 3)
    Y = (scores + rng.normal(size=scores.shape) > 0.5).astype(float)
    objective, shards, theta = scored(scores, Y, task="multilabel", output="sigmoid")
    found = measure(objective, shards, theta, ["test"])["test"]
    p = 1 / (1 + np.exp(-scores))
    for name, value in {
        "log_loss": np.mean([sk.log_loss(Y[:, k], p[:, k]) for k in range(3)]),
        "brier": np.mean([sk.brier_score_loss(Y[:, k], p[:, k]) for k in range(3)]),
        "roc_auc": sk.roc_auc_score(Y, float32(p), average="macro"),
        "pr_auc": sk.average_precision_score(Y, float32(p), average="macro"),
        "f1_macro": sk.f1_score(Y, p >= 0.5, average="macro"),
        "f1_weighted": sk.f1_score(Y, p >= 0.5, average="weighted"),
    }.items():
        assert found[name] == pytest.approx(value, **EXACT), name
    assert found["baseline"]["roc_auc"] == 0.5


def test_means_count_weights_and_ranks_count_rows():
    """As scikit-learn's sample_weight, and without it."""
    rng = np.random.default_rng(4)
    scores, y, weight = few_values(rng, ROWS, 1), rng.integers(0, 2, ROWS), rng.integers(1, 4, ROWS)
    objective, shards, theta = scored(scores, y, output="sigmoid", weight=weight)
    found, p = measure(objective, shards, theta, ["test"])["test"], 1 / (1 + np.exp(-scores[:, 0]))
    assert found["log_loss"] == pytest.approx(sk.log_loss(y, p, sample_weight=weight), **EXACT)
    assert found["brier"] == pytest.approx(sk.brier_score_loss(y, p, sample_weight=weight), **EXACT)
    assert found["roc_auc"] == pytest.approx(sk.roc_auc_score(y, float32(p)), **EXACT)


@pytest.mark.parametrize("task", NEW)
@pytest.mark.parametrize("at_once", [1, 100, 5_000])
def test_a_bound_on_what_is_held_changes_no_figure(monkeypatch, task, at_once):
    """Leading bits first, then ranges: the same figures, with no more values in a tally than fit."""
    rng, rows = np.random.default_rng(5), ROWS if at_once > 1 else ROWS // 6  # with 1, a job a score
    scores = rng.normal(size=(rows, 3)) * 10.0 ** rng.integers(-3, 3, size=(rows, 1))
    y = {
        "classification": rng.integers(0, 3, rows),
        "regression": scores + rng.normal(size=scores.shape),
        "multilabel": (scores + rng.normal(size=scores.shape) > 0).astype(float),
    }[task]
    output = {"classification": "softmax", "regression": "identity", "multilabel": "sigmoid"}[task]
    objective, shards, theta = scored(scores, y, task=task, output=output)
    expected = measure(objective, shards, theta, ["test"])
    held = []
    plain = measure_module._part_of
    monkeypatch.setattr(measure_module, "AT_ONCE", at_once)
    monkeypatch.setattr(
        measure_module,
        "_part_of",
        lambda tally, wanted: held.append((wanted, plain(tally, wanted))) or held[-1][1],
    )
    found = measure(objective, shards, theta, ["test"])
    assert flat(found) == pytest.approx(flat(expected), rel=1e-14)
    assert found["test"].get("roc_auc") == expected["test"].get("roc_auc")
    exact = {}
    for wanted, tally in held:
        if wanted.shift == 0 and task != "regression":
            exact[wanted] = exact.get(wanted, 0) + tally
    assert bool(held) == (at_once < 5_000)
    if task != "regression" and held:
        assert len(exact) > 1
        assert all(len(one.read()[0]) <= max(at_once, 1 << 16) for one in exact.values())


def test_the_training_part_has_no_ranks_where_they_would_take_many_passes(monkeypatch):
    """The other figures it has."""
    rng = np.random.default_rng(6)
    objective, shards, theta = scored(few_values(rng, 90, 1), rng.integers(0, 2, 90), output="sigmoid")
    spans = tuple(span._replace(part="train") for span in shards.blocks[0].spans)
    shards.blocks = [replace(shards.blocks[0], spans=spans)]
    shards.plan = replace(shards.plan, num_samples=(90, 0, 0))
    assert measure(objective, shards, theta, ["train"])["train"]["roc_auc"] > 0
    monkeypatch.setattr(measure_module, "AT_ONCE", 50)
    found = measure(objective, shards, theta, ["train"])["train"]
    assert found["roc_auc"] is None
    assert found["mcc"] is not None


def test_very_many_classes_have_no_areas():
    """And all other figures; the top five of them count."""
    rng = np.random.default_rng(9)
    scores, y = rng.normal(size=(202, RANKED_CLASSES + 1)), np.arange(202) % (RANKED_CLASSES + 1)
    objective, shards, theta = scored(scores, y)
    found = measure(objective, shards, theta, ["test"])["test"]
    assert (found["roc_auc"], found["pr_auc"]) == (None, None)
    assert found["top_k"] == pytest.approx(sk.top_k_accuracy_score(y, scores, k=5), **EXACT)


def test_watching_more_ranks_than_may_be_held_is_refused(monkeypatch):
    """Before the first epoch, with the key; the loss may be watched."""
    monkeypatch.setattr("nnspark.training.steps.AT_ONCE", 100)
    rng = np.random.default_rng(10)
    table = table_of(rng.normal(size=(150, 2)), rng.integers(0, 2, 150))
    fit(table, "training.epochs=1", "stopping.patience=1")
    with one_line_error("stopping.monitor", "roc_auc, which ranks 135 values an epoch; at most 100"):
        fit(table, "training.epochs=1", "stopping.patience=1", "stopping.monitor=validation_roc_auc")


def test_a_part_of_one_class_has_no_areas():
    """And nothing is divided by zero."""
    objective, shards, theta = scored(np.zeros((9, 1)), np.zeros(9, int), output="sigmoid")
    found = measure(objective, shards, theta, ["test"])["test"]
    assert found["roc_auc"] is None
    assert found["pr_auc"] is None
    assert (found["mcc"], found["f1_weighted"]) == (0.0, 0.0)


SMALL = st.floats(0, 0.5, width=32)
PROBABILITIES = SMALL | SMALL.map(lambda p: 1.0 - float(np.float32(2.0**-50 * round(p * 2.0**50))))
SCORES = st.lists(st.tuples(PROBABILITIES, st.integers(0, 1)), min_size=2, max_size=80).filter(
    lambda pairs: len({label for _, label in pairs}) == 2
)


@settings(deadline=None, max_examples=100)
@given(SCORES, st.randoms(use_true_random=False), st.integers(1, 7))
def test_areas_are_scikit_learns_in_any_order_and_any_pieces(pairs, random, pieces):
    """Scores near 0 and near 1, zeros of both signs too; merged as partitions come in."""
    scores, y = (np.array(column) for column in zip(*pairs, strict=True))
    whole = areas(Tally.of(keys_of_scores(scores), y, 2))
    assert whole.roc == pytest.approx(sk.roc_auc_score(y, scores), **EXACT)
    assert whole.pr == pytest.approx(sk.average_precision_score(y, scores), **EXACT)
    order = list(range(len(pairs)))
    random.shuffle(order)
    parts = [Tally.of(keys_of_scores(scores[at]), y[at], 2) for at in np.array_split(order, pieces)]
    assert areas(sum(parts)) == whole
    middle = int(keys_of_scores(scores[:1])[0])
    merged = sum(parts)
    split = Downwards().add(merged.within(middle, 1 << 32)).add(merged.within(0, middle))
    assert split.areas().roc == whole.roc
    assert split.areas().pr == pytest.approx(whole.pr, rel=1e-14)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=40))
def test_keys_are_in_the_order_of_the_scores(scores):
    """None the other way round; equal only where the smaller of p and 1 - p is, as float32."""
    p = np.sort([*scores, 0.0, 0.5, np.nextafter(0.5, 0), np.nextafter(0.5, 1), 1.0])
    keys = keys_of_scores(p)
    assert (keys[1:] >= keys[:-1]).all()
    assert int(keys[-1]) < KEYS
    assert len(set(keys.tolist())) >= len(set(p.astype(np.float32).tolist()))
    near = np.minimum(p, 1 - p).astype(np.float32)
    same = keys[1:] == keys[:-1]
    assert (near[1:][same] == near[:-1][same]).all()
    assert keys_of_scores(np.array([-0.0]))[0] == keys_of_scores(np.array([0.0]))[0] == 0


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_scores_near_1_are_not_tied(dtype):
    """A unit that is sure: float32 has 1 for every z above 17, and they are ranked as they are."""
    rng = np.random.default_rng(13)
    y = rng.integers(0, 2, ROWS)
    scores = np.round(rng.normal(size=(ROWS, 1)) * 3 + 2 * y[:, None] + 22, 1)
    objective, shards, theta = scored(scores, y, output="sigmoid", dtype=dtype)
    found = measure(objective, shards, theta, ["test"])["test"]
    p = 1 / (1 + np.exp(-scores[:, 0]))
    assert found["roc_auc"] == pytest.approx(sk.roc_auc_score(y, p), **EXACT)
    assert found["pr_auc"] == pytest.approx(sk.average_precision_score(y, p), **EXACT)
    assert sk.roc_auc_score(y, p.astype(np.float32)) < found["roc_auc"] - 0.1


def test_pieces_wait_until_they_are_as_many_as_what_is_merged(monkeypatch):
    """Then they are merged: what is held does not grow with the pieces, and nothing is lost."""
    monkeypatch.setattr(tally_module, "WAITING", 50)
    rng, total = np.random.default_rng(8), Tally(2)
    values, labels = rng.integers(0, 40, 3_000) / 40, rng.integers(0, 2, 3_000)
    for at in np.array_split(np.arange(3_000), 300):
        total = total + Tally.of(keys_of_scores(values[at]), labels[at], 2)
        assert sum(len(keys) for keys, _ in total.pieces) <= 40 + 50 + 10
    keys, counts = total.read()
    assert counts.sum(axis=0).tolist() == np.bincount(labels).tolist()
    assert counts.sum(axis=1).tolist() == np.unique(values, return_counts=True)[1].tolist()
    assert len(keys) == 40


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(0, 1e300), min_size=1, max_size=60), st.integers(1, 7))
def test_medians_are_numpys(values, pieces):
    """To the last bit but one: the middle of two is not rounded twice."""
    tallies = [Tally.of(keys_of_magnitudes(part)) for part in np.array_split(values, pieces)]
    assert median(sum(tallies)) == pytest.approx(np.median(values), rel=1e-15)


def test_the_page_of_figures_has_every_metric():
    """conf/README.md says what each is."""
    page = (Path(__file__).parents[2] / "conf/README.md").read_text().split("## The figures")[1]
    table = page.split("## The reference")[0]
    assert [name for name in METRICS if f"`{name}`" not in table] == []
    assert f"{AT_ONCE:,} scores" in table
    assert f"more than {RANKED_CLASSES} classes" in table
    assert f"more than {100 * MAJORITY:.0f} %" in table


def test_every_name_of_the_contract_is_in_the_registry():
    """And none of the new ones is taken at every epoch."""
    for task, names in NEW.items():
        metrics = metrics_of(task)
        assert set(names) <= set(metrics)
        cheap = {"rmse", "mae", "r2"}
        assert {name for name in names if metrics[name].every_epoch} == cheap & set(names)
