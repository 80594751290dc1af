"""Targets and metrics of each task against scikit-learn."""

import math

import numpy as np
import pytest
from sklearn import metrics as oracle

from nnspark.objective.problems import TASKS, predicted_classes
from nnspark.sums.exact import exact

WEIGHT = np.random.default_rng(9).uniform(0.1, 3.0, 40)


def metrics_of(task, outputs, y, weight):
    """The task's metrics of rows that came in three blocks."""
    sums = {"weight": 0}
    for rows in (slice(0, 7), slice(7, 30), slice(30, None)):
        values = {"weight": weight[rows].sum(), **TASKS[task].sums(outputs[rows], y[rows], weight[rows])}
        for name, value in values.items():
            sums[name] = sums.get(name, 0) + exact(value)
    return TASKS[task].metrics(sums)


@pytest.mark.parametrize("units", [1, 4])
def test_classification_metrics_equal_scikit_learns(units):
    """Weighted accuracy, and the mean of |a_true - 1|."""
    rng = np.random.default_rng(units)
    outputs, y = rng.random((40, units)), rng.integers(0, max(units, 2), 40)
    found = metrics_of("classification", outputs, y, WEIGHT)
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
    found = metrics_of("regression", outputs, y, WEIGHT)
    assert found["rmse"] == pytest.approx(
        math.sqrt(oracle.mean_squared_error(y, outputs, sample_weight=WEIGHT))
    )
    assert found["mae"] == pytest.approx(oracle.mean_absolute_error(y, outputs, sample_weight=WEIGHT))
    expected = oracle.r2_score(y, outputs, sample_weight=WEIGHT)
    assert found["r2"] == pytest.approx(expected, abs=1e-6)  # sums of squares around 1e12 keep 4 digits fewer


def test_r2_of_a_constant_target_is_not_a_number():
    """There is nothing to explain."""
    assert math.isnan(metrics_of("regression", np.zeros((40, 1)), np.full((40, 1), 0.3), np.ones(40))["r2"])


def test_regression_metrics_of_a_diverging_run_are_numbers():
    """Errors near the end of the range never raise: the loop has to see the cost and say so."""
    y = np.linspace(0.0, 1e-3, 40)[:, None]
    found = metrics_of("regression", np.full((40, 1), 1e153), y, np.ones(40))
    assert found["r2"] == -math.inf or found["r2"] < -1e300


def test_multilabel_metrics_equal_scikit_learns():
    """Rows with every label right, and single labels right."""
    rng = np.random.default_rng(2)
    outputs = rng.random((40, 3))
    y = np.where(rng.random((40, 3)) < 0.8, outputs >= 0.5, outputs < 0.5).astype(float)
    found = metrics_of("multilabel", outputs, y, WEIGHT)
    answers = (outputs >= 0.5).astype(int)
    assert found["accuracy"] == pytest.approx(oracle.accuracy_score(y, answers, sample_weight=WEIGHT))
    expected = 1 - np.average((y != answers).mean(axis=1), weights=WEIGHT)
    assert found["label_accuracy"] == pytest.approx(expected)


def test_targets_are_one_hot_and_smoothed_towards_equal_shares():
    """(1 - s)·Y + s / classes."""
    targets = TASKS["classification"].targets
    Y = targets(np.array([2, 0]), np.empty((2, 4)), 0.0)
    assert Y.tolist() == [[0, 0, 1, 0], [1, 0, 0, 0]]
    smoothed = targets(np.array([2]), np.empty((1, 4)), 0.2)
    np.testing.assert_allclose(smoothed, [[0.05, 0.05, 0.85, 0.05]], rtol=1e-15)
    np.testing.assert_allclose(smoothed.sum(), 1.0, rtol=1e-15)


def test_a_single_unit_is_smoothed_like_two():
    """Targets 0.1 and 0.9 at s = 0.2; every label of many likewise."""
    Y = TASKS["classification"].targets(np.array([0, 1]), np.empty((2, 1)), 0.2)
    np.testing.assert_allclose(Y, [[0.1], [0.9]], rtol=1e-15)
    Y = TASKS["multilabel"].targets(np.array([[0.0, 1.0]]), np.empty((1, 2)), 0.2)
    np.testing.assert_allclose(Y, [[0.1, 0.9]], rtol=1e-15)


def test_predicted_classes():
    """The largest output, the first of equals; a single unit from one half up."""
    assert predicted_classes(np.array([[0.1, 0.7, 0.7], [0.9, 0.0, 0.0]])).tolist() == [1, 0]
    assert predicted_classes(np.array([[0.49], [0.5]])).tolist() == [0, 1]
