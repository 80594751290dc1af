"""Dropout against a loop in plain NumPy and numeric gradients: only in steps, and by position."""

import math

import numpy as np
import pytest
from helpers import InPieces, fit, make_recipe, one_line_error, table_of
from sklearn.datasets import load_digits

from nnspark.data.dataset import make_dataset
from nnspark.data.rows import Block
from nnspark.engines.local import LocalShards
from nnspark.errors import RecipeError
from nnspark.net.activations import ACTIVATIONS
from nnspark.net.dropout import draw_dropout
from nnspark.net.network import Network, Workspace
from nnspark.net.weights import bias_mask, flatten, init_weights, unflatten
from nnspark.objective.objective import Objective, block_sums
from nnspark.training.loop import train

LAYERS, SHARE, RATE, L2 = (64, 9, 7, 10), 0.3, 0.25, 0.7
DIGITS = table_of(load_digits().data[:500] / 16, load_digits().target[:500])
OPTIONS = [
    "network.hidden=[9, 7]", "network.activation=tanh", "network.output=softmax", "training.block_rows=64",
    f"training.l2={L2}", "training.seed=11", f"training.learning_rate={RATE}", "rounds.batch_size=32",
]  # fmt: skip


def gradient(theta, X, y, masks):
    """Mean gradient over a batch of the thinned network, by textbook backpropagation."""
    W1, W2, W3 = unflatten(theta, LAYERS)
    a1 = np.tanh(X @ W1[:, 1:].T + W1[:, 0])
    a2 = np.tanh((a1 * masks[0]) @ W2[:, 1:].T + W2[:, 0])
    z = (a2 * masks[1]) @ W3[:, 1:].T + W3[:, 0]
    p = np.exp(z - z.max(axis=1, keepdims=True))
    d3 = p / p.sum(axis=1, keepdims=True) - np.eye(10)[y]
    d2 = (d3 @ W3[:, 1:]) * masks[1] * (1 - a2**2)
    d1 = (d2 @ W2[:, 1:]) * masks[0] * (1 - a1**2)
    pairs = ((d1, X), (d2, a1 * masks[0]), (d3, a2 * masks[1]))
    return flatten([np.hstack([d.sum(axis=0)[:, None], d.T @ a]) for d, a in pairs]) / len(X)


def loop(rows, epochs, num_samples=None):
    """Mini-batch SGD over the rows, each step without its own units."""
    theta = flatten(init_weights(LAYERS, {"name": "uniform", "limit": 0.12}, seed=11, dtype="float64"))
    batches, is_bias = math.ceil(len(rows) / 32), bias_mask(LAYERS)
    for epoch in range(epochs):
        order = np.random.default_rng([11, epoch, rows.index]).permutation(len(rows))
        for batch in range(batches):
            chosen = order[32 * batch : 32 * batch + 32]
            rng = np.random.default_rng([11, epoch, rows.index, 1 + batch])
            masks = [(rng.random((len(chosen), units)) >= SHARE) / (1 - SHARE) for units in (9, 7)]
            grad = gradient(theta, rows.X[chosen], rows.y[chosen], masks)
            theta = theta - RATE * (grad + np.where(is_bias, 0.0, L2 / (num_samples or len(rows))) * theta)
    return theta


def test_rounds_with_dropout_are_a_plain_loop():
    """Three epochs, the last batch smaller."""
    recipe = make_recipe(*OPTIONS, f"rounds.dropout={SHARE}", "training.epochs=3")
    dataset = make_dataset(DIGITS, recipe)
    (rows,) = dataset.blocks.replicas(1, dataset.plan.blocks[0])
    found = train(recipe, LocalShards(dataset)).theta
    np.testing.assert_allclose(found, loop(rows, 3), rtol=0, atol=1e-12)
    without = fit(DIGITS, *OPTIONS, "training.epochs=3").theta
    assert np.abs(found - without).max() > 0.01


def test_each_replica_leaves_out_units_of_its_own():
    """A round is the average of three loops, by their rows."""
    recipe = make_recipe(*OPTIONS, f"rounds.dropout={SHARE}", "rounds.replicas=3", "training.epochs=1")
    dataset = make_dataset(DIGITS, recipe)
    replicas = list(dataset.blocks.replicas(3, dataset.plan.blocks[0]))
    sizes = [len(rows) for rows in replicas]
    expected = np.average([loop(rows, 1, sum(sizes)) for rows in replicas], axis=0, weights=sizes)
    np.testing.assert_allclose(train(recipe, LocalShards(dataset)).theta, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_the_gradient_is_that_of_the_thinned_network(activation):
    """By central differences, the same units being out."""
    rng = np.random.default_rng(3)
    network = Network((4, 6, 5, 3), activation, "softmax", "cross_entropy")
    objective = Objective(network, "classification", "float64", 1)
    block = Block("train", 0, rng.normal(size=(20, 4)), rng.integers(0, 3, 20), None)
    theta = flatten(init_weights(network.layers, {"name": "normal", "scale": 0.7}, seed=1, dtype="float64"))
    work = Workspace(network, 20, "float64")
    dropout = draw_dropout(0.4, network.layers, 20, "float64", [1])

    def loss(at):
        (found,) = block_sums(objective, unflatten(at, network.layers), [block], work, gradients=1,
                           dropout=dropout)  # fmt: skip
        return found.sums["loss"], found.gradient.copy()

    _, grad = loss(theta)
    for i in range(0, len(theta), 5):
        step = np.zeros_like(theta)
        step[i] = 1e-6
        numeric = (loss(theta + step)[0] - loss(theta - step)[0]) / 2e-6
        assert grad[i] == pytest.approx(numeric, rel=1e-5, abs=1e-7)


def test_masks_have_mean_1_and_the_share_that_was_asked_for():
    """So that nothing is scaled where nothing is left out."""
    dropout = draw_dropout(0.25, (3, 50, 40, 2), 400, "float32", [5, 6])
    assert [mask.shape for mask in dropout.masks] == [(400, 50), (400, 40)]
    for mask in dropout.masks:
        assert mask.dtype == np.float32
        assert set(np.unique(mask)) == {np.float32(0), np.float32(1 / 0.75)}
        assert (mask == 0).mean() == pytest.approx(0.25, abs=0.02)
        assert mask.mean() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_same_bits_on_any_layout(dtype):
    """Three replicas in 1, 2 and 3 pieces; and in one go or two."""
    recipe = make_recipe(*OPTIONS, "rounds.dropout=0.5", "rounds.replicas=3", f"training.dtype={dtype}",
                         "training.epochs=4")  # fmt: skip
    shards = LocalShards(make_dataset(DIGITS, recipe))
    whole = train(recipe, shards)
    together = shards.plan.blocks[0] // 3
    for pieces in (2, 3):
        several = InPieces(shards, pieces, lambda span: span.number // together)
        assert train(recipe, several).theta.tobytes() == whole.theta.tobytes()
    half = make_recipe(*OPTIONS, "rounds.dropout=0.5", "rounds.replicas=3", f"training.dtype={dtype}",
                       "training.epochs=2")  # fmt: skip
    went_on = train(recipe, shards, start=train(half, shards).progress)
    assert went_on.theta.tobytes() == whole.theta.tobytes()


def test_figures_of_the_finished_model_are_of_all_its_units():
    """Also of the training part."""
    rows = []
    recipe = make_recipe(*OPTIONS, "rounds.dropout=0.5", "training.epochs=2")
    shards = LocalShards(make_dataset(DIGITS, recipe))
    trained = train(recipe, shards, callbacks=[lambda epoch: rows.append(epoch.row)])
    plain = make_recipe(*OPTIONS, "training.epochs=2")
    progress = trained.progress
    again = train(plain, shards, start=progress)
    assert again.metrics == trained.metrics
    first = train(make_recipe(*OPTIONS, "training.epochs=1"), shards, callbacks=[rows.append])
    assert rows[0]["validation_loss"] == rows[-1].row["validation_loss"]
    assert first.theta.tobytes() != trained.theta.tobytes()


def test_dropout_is_for_rounds():
    """A full batch has no steps whose units could differ."""
    with one_line_error("rounds.dropout", "rounds.batch_size", kind=RecipeError):
        make_recipe("rounds.dropout=0.5")
