"""The objective over one block: what is summed, by hand and by SciPy, and what is left to the caller."""

import math

import numpy as np
import pytest
from scipy import special

from nnspark.data.rows import Block
from nnspark.net.network import Network, Workspace
from nnspark.net.weights import flatten, init_weights, unflatten
from nnspark.objective.objective import Objective, block_sums

NETWORK = Network((5, 4, 3), "tanh", "softmax")
OBJECTIVE = Objective(NETWORK, "classification", "float64", 1)
RNG = np.random.default_rng(5)
BLOCK = Block("train", 0, RNG.normal(size=(30, 5)), RNG.integers(0, 3, 30), RNG.uniform(0.1, 3.0, 30))
WEIGHTS = init_weights(NETWORK.layers, {"name": "normal"}, seed=3)


def sums_of(objective, weights, block, *, with_gradient=True):
    """The block's sums, with a workspace of its own."""
    work = Workspace(objective.network, len(block), objective.dtype)
    (found,) = block_sums(objective, weights, [block], work, gradients=int(with_gradient))
    return found


def softmax_losses(weights, block):
    """-log of the softmax output of each row's class, by SciPy."""
    a = np.tanh(block.X @ weights[0][:, 1:].T + weights[0][:, 0])
    z = a @ weights[1][:, 1:].T + weights[1][:, 0]
    return -special.log_softmax(z, axis=1)[np.arange(len(block)), block.y]


def test_one_row_by_hand():
    """x = (1, 2), one sigmoid unit with W = (0, 1, -0.5), so z = 0 and a = 1/2; y = 1, weight 3.

    The loss is log 2, delta = a - y = -1/2 and the gradient (delta, delta x); all of it three times.
    """
    network = Network((2, 1), "sigmoid", "sigmoid")
    block = Block("train", 0, np.array([[1.0, 2.0]]), np.array([1]), np.array([3.0]))
    sums, gradient = sums_of(
        Objective(network, "classification", "float64", 1), [np.array([[0.0, 1.0, -0.5]])], block
    )
    assert sums == {
        "num_samples": 1.0,
        "weight": 3.0,
        "loss": pytest.approx(3 * math.log(2), rel=1e-15),
        "rows_right": 3.0,
        "error_of_true_class": 1.5,
    }
    assert gradient.tolist() == [-1.5, -1.5, -3.0]


def test_losses_are_summed_by_weight_and_divided_by_nothing():
    """Σ w·loss against SciPy's log_softmax; rows count once whatever their weights."""
    sums, _ = sums_of(OBJECTIVE, WEIGHTS, BLOCK)
    assert sums["num_samples"] == 30
    assert sums["weight"] == pytest.approx(math.fsum(BLOCK.weight), rel=1e-15)
    expected = math.fsum(BLOCK.weight * softmax_losses(WEIGHTS, BLOCK))
    assert sums["loss"] == pytest.approx(expected, rel=1e-14)


def test_the_gradient_is_that_of_the_summed_loss():
    """Central differences of SciPy's weighted loss; no mean, no penalty."""
    _, gradient = sums_of(OBJECTIVE, WEIGHTS, BLOCK)
    theta, step = flatten(WEIGHTS), 1e-5
    expected = np.empty_like(theta)
    for i in range(len(theta)):
        ends = []
        for sign in (1, -1):
            moved = theta.copy()
            moved[i] += sign * step
            ends.append(BLOCK.weight @ softmax_losses(unflatten(moved, NETWORK.layers), BLOCK))
        expected[i] = (ends[0] - ends[1]) / (2 * step)
    np.testing.assert_allclose(gradient, expected, rtol=1e-7, atol=1e-8)


def test_blocks_add_up_to_the_whole():
    """Sums and gradients of two pieces, to rounding."""
    whole, gradient = sums_of(OBJECTIVE, WEIGHTS, BLOCK)
    pieces = [
        sums_of(OBJECTIVE, WEIGHTS, Block("train", 0, BLOCK.X[rows], BLOCK.y[rows], BLOCK.weight[rows]))
        for rows in (slice(0, 11), slice(11, None))
    ]
    for name, value in whole.items():
        assert sum(piece.sums[name] for piece in pieces) == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(sum(piece.gradient for piece in pieces), gradient, rtol=1e-12, atol=1e-13)


def test_it_is_pure():
    """The same bits whatever the workspace held, and only the workspace is changed."""
    work = Workspace(NETWORK, 64, "float64")
    before = [array.copy() for array in (*WEIGHTS, BLOCK.X, BLOCK.y, BLOCK.weight)]
    block_sums(OBJECTIVE, [W + 1 for W in WEIGHTS], [BLOCK], work, gradients=1)
    (again,) = block_sums(OBJECTIVE, WEIGHTS, [BLOCK], work, gradients=1)
    fresh = sums_of(OBJECTIVE, WEIGHTS, BLOCK)
    assert again.sums == fresh.sums
    assert again.gradient.tobytes() == fresh.gradient.tobytes()
    for array, kept in zip((*WEIGHTS, BLOCK.X, BLOCK.y, BLOCK.weight), before, strict=True):
        assert array.tobytes() == kept.tobytes()
    alone = sums_of(OBJECTIVE, WEIGHTS, BLOCK, with_gradient=False)
    assert (alone.sums, alone.gradient) == (fresh.sums, None)
