"""Metrics of each problem against scikit-learn, and what the registry promises of all of them."""

import math
from fractions import Fraction

import numpy as np
import pytest
from sklearn import metrics as oracle

from nnspark.objective.metrics import (
    METRICS,
    Metric,
    by_worth,
    metric_sums,
    metric_values,
    metrics_of,
    summed,
)
from nnspark.objective.problems import PROBLEMS
from nnspark.objective.totals import Totals

WEIGHT = np.random.default_rng(9).uniform(0.1, 3.0, 40)


def sums_of(problem, outputs, y, weight):
    """The sums of rows that came in three blocks."""
    totals = Totals()
    for rows in (slice(0, 7), slice(7, 30), slice(30, None)):
        (own,) = metric_sums(summed(problem), outputs[rows], y[rows], weight[rows])
        totals.add_sums("train", {"weight": weight[rows].sum(), "loss": 0.0, **own})
    return totals.sums["train"]


def values_of(problem, outputs, y, weight):
    """The problem's metrics of rows that came in three blocks."""
    return metric_values(problem, sums_of(problem, outputs, y, weight))


@pytest.mark.parametrize("units", [1, 4])
def test_classification_metrics_equal_scikit_learns(units):
    """Weighted accuracy, and the mean of |a_true - 1|."""
    rng = np.random.default_rng(units)
    outputs, y = rng.random((40, units)), rng.integers(0, max(units, 2), 40)
    found = values_of("classification", outputs, y, WEIGHT)
    full = np.hstack([1 - outputs, outputs]) if units == 1 else outputs
    expected = oracle.accuracy_score(y, full.argmax(axis=1), sample_weight=WEIGHT)
    assert found["accuracy"] == pytest.approx(expected, rel=1e-14)
    assert found["mean_error"] == pytest.approx(
        np.average(1 - full[np.arange(40), y], weights=WEIGHT), rel=1e-13
    )


def test_regression_metrics_equal_scikit_learns():
    """RMSE over all outputs, MAE, and the mean R² of the outputs."""
    rng = np.random.default_rng(1)
    y = rng.normal(size=(40, 3)) + np.array([0.0, 1e6, 5.0])
    outputs = y + rng.normal(size=(40, 3)) * 0.3
    found = values_of("regression", outputs, y, WEIGHT)
    assert found["rmse"] == pytest.approx(
        math.sqrt(oracle.mean_squared_error(y, outputs, sample_weight=WEIGHT))
    )
    assert found["mae"] == pytest.approx(oracle.mean_absolute_error(y, outputs, sample_weight=WEIGHT))
    expected = oracle.r2_score(y, outputs, sample_weight=WEIGHT)
    assert found["r2"] == pytest.approx(expected, rel=1e-9)


def test_r2_keeps_its_digits_far_from_zero():
    """Targets of 1e9 that spread by 1, against the sums of squares in fractions."""
    rng = np.random.default_rng(2)
    y = rng.normal(size=(40, 1)) + 1e9
    outputs = y + rng.normal(size=(40, 1)) * 0.5
    t, e, w = ([Fraction(v) for v in values] for values in (y[:, 0], (outputs - y)[:, 0], WEIGHT.tolist()))
    mean = sum(a * b for a, b in zip(w, t, strict=True)) / sum(w)
    spread = sum(a * (b - mean) ** 2 for a, b in zip(w, t, strict=True))
    expected = 1 - sum(a * b**2 for a, b in zip(w, e, strict=True)) / spread
    assert values_of("regression", outputs, y, WEIGHT)["r2"] == pytest.approx(float(expected), rel=1e-12)


def test_r2_of_a_constant_target_is_not_a_number():
    """There is nothing to explain."""
    assert math.isnan(values_of("regression", np.zeros((40, 1)), np.full((40, 1), 0.3), np.ones(40))["r2"])


def test_regression_metrics_of_a_diverging_run_are_numbers():
    """Errors near the end of the range never raise: the loop has to see the cost and say so."""
    y = np.linspace(0.0, 1e-3, 40)[:, None]
    found = values_of("regression", np.full((40, 1), 1e153), y, np.ones(40))
    assert found["r2"] == -math.inf or found["r2"] < -1e300


def test_multilabel_metrics_equal_scikit_learns():
    """Rows with every label right, and single labels right."""
    rng = np.random.default_rng(2)
    outputs = rng.random((40, 3))
    y = np.where(rng.random((40, 3)) < 0.8, outputs >= 0.5, outputs < 0.5).astype(float)
    found = values_of("multilabel", outputs, y, WEIGHT)
    answers = (outputs >= 0.5).astype(int)
    assert found["accuracy"] == pytest.approx(oracle.accuracy_score(y, answers, sample_weight=WEIGHT))
    expected = 1 - np.average((y != answers).mean(axis=1), weights=WEIGHT)
    assert found["label_accuracy"] == pytest.approx(expected)


def test_every_metric_belongs_to_problems_there_are_and_every_problem_has_a_headline():
    """The first headline of a problem is what a model is judged by."""
    for metric in METRICS.values():
        assert metric.problems
        assert set(metric.problems) <= set(PROBLEMS)
        assert metric.format in ("share", "number")
    for problem in PROBLEMS:
        assert next(iter(metrics_of(problem))) == "loss"
        assert any(metric.headline for metric in metrics_of(problem).values())
    assert sorted(by_worth()) == sorted(METRICS)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_no_two_functions_give_a_sum_of_one_name(problem):
    """One would silently take the other's place."""
    outputs, y = np.full((5, 3), 0.25), np.zeros((5, 3)) if problem != "classification" else np.arange(5) % 3
    functions = {function for metric in metrics_of(problem).values() for function in metric.sums}
    names = [name for function in functions for name in function(outputs, y, np.ones(5))]
    assert len(names) == len(set(names))
    assert not {"num_samples", "weight", "loss"} & set(names)


def test_a_sum_that_two_metrics_share_is_taken_once(monkeypatch):
    """RMSE and R² of the same squared errors."""
    calls = []

    def shared(outputs, y, w):
        calls.append(len(y))
        return {"shared": float(w.sum())}

    for name in ("one", "two"):
        monkeypatch.setitem(METRICS, name, Metric(name, ("regression",), (shared,), lambda sums: 0.0))
    metric_sums(summed("regression"), np.zeros((5, 1)), np.zeros((5, 1)), np.ones(5))
    assert calls == [5]


def counts(outputs, y, w):
    """A confusion table: true class down, predicted class across."""
    cells = np.bincount(4 * y + outputs.argmax(axis=1), minlength=16)
    return {"confusion": cells.reshape(4, 4).astype(np.int64)}


def macro_f1(sums):
    """F1 averaged over the classes, from whole counts."""
    table = sums["confusion"]
    return float((2 * np.diagonal(table) / (table.sum(axis=0) + table.sum(axis=1))).mean())


def test_a_metric_may_ask_for_tables_of_counts(monkeypatch):
    """Macro F1, which is no mean of rows, from counts added block by block."""
    rng = np.random.default_rng(3)
    outputs, y = rng.random((40, 4)), rng.integers(0, 4, 40)
    monkeypatch.setitem(METRICS, "f1_macro", Metric("macro F1", ("classification",), (counts,), macro_f1))
    found = values_of("classification", outputs, y, np.ones(40))["f1_macro"]
    assert found == pytest.approx(oracle.f1_score(y, outputs.argmax(axis=1), average="macro"), rel=1e-14)


def test_tables_are_merged_like_sums_and_stay_whole_numbers():
    """A part that one side alone has, too; floats in a table would not add exactly."""
    one, two = Totals(), Totals()
    one.add_sums("train", {"table": np.array([1, 2])})
    two.add_sums("train", {"table": np.array([10, 20])})
    two.add_sums("test", {"table": np.array([5, 5])})
    merged = Totals().merge(one).merge(two)
    assert {part: sums["table"].tolist() for part, sums in merged.sums.items()} == {
        "train": [11, 22],
        "test": [5, 5],
    }
    assert one.sums["train"]["table"].tolist() == [1, 2]
    with pytest.raises(TypeError, match="only int64 counts add exactly"):
        one.add_sums("train", {"table": np.array([0.5, 2.0])})
