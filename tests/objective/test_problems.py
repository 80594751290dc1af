"""Targets of each problem, and what outputs say."""

import numpy as np

from nnspark.objective.problems import PROBLEMS, predicted_classes


def test_targets_are_one_hot_and_smoothed_towards_equal_shares():
    """(1 - s)·Y + s / classes."""
    targets = PROBLEMS["classification"].targets
    Y = targets(np.array([2, 0]), np.empty((2, 4)), 0.0)
    assert Y.tolist() == [[0, 0, 1, 0], [1, 0, 0, 0]]
    smoothed = targets(np.array([2]), np.empty((1, 4)), 0.2)
    np.testing.assert_allclose(smoothed, [[0.05, 0.05, 0.85, 0.05]], rtol=1e-15)
    np.testing.assert_allclose(smoothed.sum(), 1.0, rtol=1e-15)


def test_a_single_unit_is_smoothed_like_two():
    """Targets 0.1 and 0.9 at s = 0.2; every label of many likewise."""
    Y = PROBLEMS["classification"].targets(np.array([0, 1]), np.empty((2, 1)), 0.2)
    np.testing.assert_allclose(Y, [[0.1], [0.9]], rtol=1e-15)
    Y = PROBLEMS["multilabel"].targets(np.array([[0.0, 1.0]]), np.empty((1, 2)), 0.2)
    np.testing.assert_allclose(Y, [[0.1, 0.9]], rtol=1e-15)


def test_predicted_classes():
    """The largest output, the first of equals; a single unit from one half up."""
    assert predicted_classes(np.array([[0.1, 0.7, 0.7], [0.9, 0.0, 0.0]])).tolist() == [1, 0]
    assert predicted_classes(np.array([[0.49], [0.5]])).tolist() == [0, 1]
