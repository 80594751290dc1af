"""The cost function on the local engine: what it adds up, row weights, and costs that are not finite."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from helpers import cost_of, shards_of
from sklearn.metrics import accuracy_score, log_loss

from nnspark.data.rows import BlockSet, Span
from nnspark.engines.local import LocalShards
from nnspark.net.losses import HEADS
from nnspark.net.network import Network, Workspace, predict
from nnspark.net.weights import bias_mask, flatten, init_weights, unflatten
from nnspark.objective.objective import Objective
from nnspark.objective.totals import Totals, totals_of
from nnspark.training.cost import evaluate

NETWORK = Network((5, 4, 3), "tanh", "softmax")
RNG = np.random.default_rng(17)
X, Y = RNG.normal(size=(50, 5)), RNG.integers(0, 3, 50)
THETA = flatten(init_weights(NETWORK.layers, {"name": "normal"}, seed=4))


def test_cost_is_the_mean_loss_plus_the_penalty():
    """Against scikit-learn's log loss; l2/(2m)·|W|² without biases."""
    outputs = predict(NETWORK, unflatten(THETA, NETWORK.layers), X)
    penalty = 3.0 / (2 * 50) * np.square(THETA[~bias_mask(NETWORK.layers)]).sum()
    cost = cost_of(NETWORK, shards_of(X, Y), l2=3.0)(THETA)[0]
    assert cost == pytest.approx(log_loss(Y, outputs) + penalty, rel=1e-13)


def test_metrics_come_with_the_evaluation():
    """Loss without the penalty, accuracy, mean |a_true - 1|, number of rows, norm of the gradient."""
    cost_fn = cost_of(NETWORK, shards_of(X, Y), l2=3.0)
    _, grad = cost_fn(THETA)
    outputs = predict(NETWORK, unflatten(THETA, NETWORK.layers), X)
    metrics = cost_fn.last.metrics["train"]
    assert metrics["num_samples"] == 50
    assert metrics["loss"] == pytest.approx(log_loss(Y, outputs), rel=1e-13)
    assert metrics["accuracy"] == accuracy_score(Y, outputs.argmax(axis=1))
    assert metrics["mean_error"] == pytest.approx((1 - outputs[np.arange(50), Y]).mean(), rel=1e-13)
    assert cost_fn.last.grad_norm == pytest.approx(np.linalg.norm(grad), rel=1e-14)


def test_calls_are_counted():
    """One call is one evaluation; ``since`` says how many an update took."""
    cost_fn = cost_of(NETWORK, shards_of(X, Y))
    with pytest.raises(RuntimeError, match="nothing was evaluated"):
        cost_fn.since(0, converged=False)
    for _ in range(3):
        cost_fn(THETA)
    assert cost_fn.evaluations == 3
    assert cost_fn.since(1, converged=True).evaluations == 2
    assert cost_fn.since(1, converged=True).converged


def test_theta_is_left_as_it_was():
    """Optimizers keep it."""
    theta = THETA.copy()
    cost_of(NETWORK, shards_of(X, Y), l2=1.0)(theta)
    assert theta.tobytes() == THETA.tobytes()


@pytest.mark.parametrize("pair", sorted(HEADS))
def test_weight_2_costs_what_the_row_twice_costs(pair):
    """Cost, gradient and metrics to 1e-12."""
    network = Network(NETWORK.layers, "tanh", *pair)
    weight = RNG.integers(1, 4, 50)
    task, y = ("regression", np.eye(3)[Y]) if pair[0] == "identity" else ("classification", Y)
    one = cost_of(network, shards_of(X, y, weight=weight, task=task), l2=2.0)
    two = cost_of(
        network, shards_of(np.repeat(X, weight, axis=0), np.repeat(y, weight, axis=0), task=task), l2=2.0
    )
    for found, expected in zip(one(THETA), two(THETA), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    for name, value in two.last.metrics["train"].items():
        if name != "num_samples":
            assert one.last.metrics["train"][name] == pytest.approx(value, rel=1e-12, abs=1e-14)


def test_weights_of_1_cost_the_same_bits_as_none():
    """A row of weight 1 is a row."""
    one, two = (
        cost_of(NETWORK, shards_of(X, Y))(THETA),
        cost_of(NETWORK, shards_of(X, Y, weight=np.ones(50)))(THETA),
    )
    assert one[0] == two[0]
    assert one[1].tobytes() == two[1].tobytes()


def test_a_row_of_weight_0_adds_nothing():
    """To 1e-12 of the rows without it (the dataset drops such rows before)."""
    weight = (np.arange(50) % 5 > 0).astype(float)
    one = cost_of(NETWORK, shards_of(X, Y, weight=weight), l2=2.0)(THETA)
    two = cost_of(NETWORK, shards_of(X[weight > 0], Y[weight > 0]), l2=2.0)(THETA)
    for found, expected in zip(one, two, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("block_rows", [1, 7, 50])
def test_the_cost_is_the_same_function_for_every_block_size(block_rows):
    """To rounding: sums are divided once, not by block (MLlib's perceptron differs here)."""
    expected = cost_of(NETWORK, shards_of(X, Y, block_rows=1024), l2=2.0)(THETA)
    for found, value in zip(
        cost_of(NETWORK, shards_of(X, Y, block_rows=block_rows), l2=2.0)(THETA), expected, strict=True
    ):
        np.testing.assert_allclose(found, value, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True])
def test_blocks_summed_in_any_order_and_grouping_give_the_same_bits(weighted, dtype):
    """What treeAggregate does to them: any cut into shards, merged in any order, pickled on the way."""
    weight = RNG.uniform(0.5, 2.0, 50) if weighted else None
    shards = shards_of(X, Y, weight=weight, dtype=dtype, block_rows=6)
    (blocks,), plan = shards.blocks, shards.plan
    theta = THETA.astype(dtype)
    objective = Objective(NETWORK, plan.task, dtype, plan.terms)
    expected = totals_of(objective, theta, [blocks], Workspace(NETWORK, 6, dtype), ("train",))
    for seed in range(10):
        rng = np.random.default_rng(seed)
        owner = rng.integers(0, 4, len(blocks.spans))
        sets = [
            blocks.subset([s for s, o in zip(blocks.spans, owner, strict=True) if o == k]) for k in range(4)
        ]
        total = Totals()
        for k in rng.permutation(4):
            part = totals_of(objective, theta, [sets[k]], Workspace(NETWORK, 9, dtype), ("train",))
            total.merge(pickle.loads(pickle.dumps(part)))
        assert total.sums == expected.sums
        assert total.gradient.value().tobytes() == expected.gradient.value().tobytes()


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_float32_follows_float64(activation):
    """The gradient has theta's dtype and half its digits."""
    network = Network(NETWORK.layers, activation, "softmax")
    cost, grad = cost_of(network, shards_of(X, Y), l2=1.0)(THETA)
    cost32, grad32 = cost_of(network, shards_of(X, Y, dtype="float32"), l2=1.0)(THETA.astype(np.float32))
    assert grad32.dtype == np.float32
    assert cost32 == pytest.approx(cost, rel=1e-6)
    np.testing.assert_allclose(grad32, grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_raw_column_of_1e15_leaves_the_other_gradients_their_digits(dtype):
    """Linear regression beside it: each column's gradient against math.fsum of the blocks' own."""
    network = Network((3, 1), "identity", "identity", "squared_error")
    raw = np.column_stack([np.full(50, 1.7e15), X[:, 1:3]])
    shards = shards_of(raw, X[:, 3:4] * 10, dtype=dtype, task="regression", block_rows=10)
    theta = np.array([0.1, 0.0, 0.2, 0.3], dtype)
    grad = cost_of(network, shards)(theta)[1]
    rows = shards.blocks[0].X.astype(np.float64)
    error = rows[:, 1] * theta[2] + rows[:, 2] * theta[3] + theta[0] - shards.blocks[0].y[:, 0]
    columns = np.column_stack([np.ones(50), rows]) * error[:, None]
    expected = [math.fsum(column) / 50 for column in columns.T]
    scale = np.abs(columns).max(axis=0)
    assert (np.abs(grad - expected) <= 20 * np.finfo(dtype).eps * scale).all()
    assert (grad != 0).all()


def parts_shards():
    """Rows 0..29 train, 30..44 validation, 45..49 test."""
    shards = shards_of(X, Y)
    spans = (Span("train", 0, 0, 30), Span("validation", 0, 30, 45), Span("test", 0, 45, 50))
    (blocks,) = shards.blocks
    shards.blocks = [BlockSet(blocks.X, blocks.y, None, spans)]
    shards.plan = replace(shards.plan, num_samples=(30, 15, 5))
    return shards


def test_every_part_is_measured_at_the_same_weights_in_one_pass():
    """Each part's metrics are those of its rows; only training rows give the gradient."""
    shards = parts_shards()
    objective = Objective(NETWORK, "classification", "float64", shards.plan.terms)
    metrics = evaluate(objective, shards, THETA, ("train", "validation", "test"))
    for part, rows in (("train", slice(30)), ("validation", slice(30, 45)), ("test", slice(45, 50))):
        alone = cost_of(NETWORK, shards_of(X[rows], Y[rows]))
        alone(THETA)
        assert metrics[part] == pytest.approx(alone.last.metrics["train"], rel=1e-13)
    with_validation = cost_of(NETWORK, shards)
    with_validation.parts = ("train", "validation")
    grad = with_validation(THETA)[1]
    assert set(with_validation.last.metrics) == {"train", "validation"}
    assert grad.tobytes() == cost_of(NETWORK, shards_of(X[:30], Y[:30]))(THETA)[1].tobytes()


def test_a_part_without_rows_has_no_metrics():
    """It is left out, not divided by zero."""
    shards = shards_of(X, Y)
    objective = Objective(NETWORK, "classification", "float64", shards.plan.terms)
    assert set(evaluate(objective, shards, THETA, ("train", "validation"))) == {"train"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("pair", sorted(HEADS))
def test_any_theta_gives_a_cost_never_an_exception_or_a_warning(pair, dtype):
    """Up to the end of the range and beyond; a cost that is not finite is infinite, its gradient NaN."""
    network = Network(NETWORK.layers, "identity", *pair)
    task, y = ("regression", np.eye(3)[Y]) if pair[0] == "identity" else ("classification", Y)
    cost_fn = cost_of(network, shards_of(X, y, dtype=dtype, task=task, block_rows=20), l2=1.0)
    for exponent in range(int(np.log10(np.finfo(dtype).max))):
        cost, grad = cost_fn(THETA.astype(dtype) * np.dtype(dtype).type(10.0**exponent))
        assert cost == np.inf or np.isfinite(cost)
        assert np.isfinite(grad).all() or cost == np.inf
    for bad in (np.nan, np.inf):
        cost, grad = cost_fn(np.full(THETA.shape, bad, dtype))
        assert cost == np.inf
        assert np.isnan(grad).all()


def test_the_local_engine_keeps_nothing_between_calls():
    """A second cost function on the same shards, and the same call twice: the same bits."""
    shards = shards_of(X, Y)
    assert isinstance(shards, LocalShards)
    one, two = cost_of(NETWORK, shards), cost_of(NETWORK, shards)
    assert one(THETA)[1].tobytes() == one(THETA)[1].tobytes() == two(THETA)[1].tobytes()
