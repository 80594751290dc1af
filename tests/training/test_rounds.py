"""Rounds against plain NumPy loops written here: sequential mini-batch SGD, averaged over replicas."""

import math

import numpy as np
import pytest
from helpers import fit, make_recipe, table_of
from sklearn.datasets import load_digits

from nnspark.data.dataset import make_dataset
from nnspark.engines.local import LocalShards
from nnspark.errors import DivergedError
from nnspark.net.activations import row_sum
from nnspark.net.blas import one_blas_thread
from nnspark.net.weights import bias_mask, flatten, init_weights, unflatten
from nnspark.training.loop import train
from nnspark.training.steps import first_state

LAYERS = (64, 7, 10)
DIGITS = table_of(load_digits().data[:500] / 16, load_digits().target[:500])
WEIGHTED = table_of(DIGITS.features, DIGITS.target, np.random.default_rng(0).uniform(0.5, 2.0, 500))
NET = [
    "network.hidden=[7]",
    "network.activation=tanh",
    "network.output=softmax",
    "training.block_rows=64",
    "training.l2=0.7",
    "training.seed=11",
]


class GD:
    """theta - rate · gradient."""

    rate = 0.25

    def __init__(self, theta):
        self.arrays = ()

    def step(self, theta, grad):
        """One step."""
        return theta - self.rate * grad


class Adam:
    """Kingma & Ba, end of section 2."""

    rate = 0.03

    def __init__(self, theta):
        self.t, self.arrays = 0, (np.zeros_like(theta), np.zeros_like(theta))

    def step(self, theta, grad):
        """One step."""
        self.t += 1
        mean, square = self.arrays
        mean = 0.9 * mean + (1 - 0.9) * grad
        square = 0.999 * square + (1 - 0.999) * (grad * grad)
        self.arrays = (mean, square)
        rate = self.rate * (math.sqrt(1 - 0.999**self.t) / (1 - 0.9**self.t))
        return theta - rate * mean / (np.sqrt(square) + 1e-8)


RULES = {"gd": GD, "adam": Adam}


def batch_gradient(theta, X, y, weight):
    """Mean gradient of softmax cross-entropy over a batch of a tanh net, by textbook backpropagation.

    Sums are taken as the network takes them (row_sum, a product with ones): another order, other bits.
    """
    W1, W2 = unflatten(theta, LAYERS)
    a = np.tanh(X @ W1[:, 1:].T + W1[:, 0])
    z = a @ W2[:, 1:].T + W2[:, 0]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    delta = e / row_sum(e)[:, None] - np.eye(10, dtype=theta.dtype)[y]
    total = len(X)
    if weight is not None:
        delta = delta * weight.astype(theta.dtype)[:, None]
        total = weight.sum()
    ones = np.ones(len(X), X.dtype)
    grad2 = np.hstack([(ones @ delta)[:, None], delta.T @ a])
    below = (delta @ W2[:, 1:]) * (1 - a * a)
    grad1 = np.hstack([(ones @ below)[:, None], below.T @ X])
    return flatten([grad1, grad2]) / theta.dtype.type(total)


def plain_loop(theta, rows, rule, steps, *, batch, l2_per_sample, first=0, seed=11, shuffle=True):
    """Steps ``first`` to ``first + steps`` of SGD over one replica's rows, reshuffled every epoch."""
    is_bias, batches = bias_mask(LAYERS), math.ceil(len(rows) / batch)
    for step in range(first, first + steps):
        epoch, number = divmod(step, batches)
        order = np.arange(len(rows))
        if shuffle:
            order = np.random.default_rng([seed, epoch, rows.index]).permutation(len(rows))
        chosen = order[number * batch : (number + 1) * batch]
        weight = None if rows.weight is None else rows.weight[chosen]
        grad = batch_gradient(theta, rows.X[chosen], rows.y[chosen], weight)
        theta = rule.step(theta, grad + np.where(is_bias, 0.0, l2_per_sample).astype(theta.dtype) * theta)
    return theta


def setting(name, replicas=1, dtype="float64", table=DIGITS, **rounds):
    """Overrides, the replicas' rows and the initial theta of a run of rounds."""
    options = [
        *NET,
        f"training.optimizer={name}",
        f"training.learning_rate={RULES[name].rate}",
        f"training.dtype={dtype}",
        f"rounds.replicas={replicas}",
        *(f"rounds.{key}={value}" for key, value in {"batch_size": 32, **rounds}.items()),
    ]
    dataset = make_dataset(table, make_recipe(*options))
    rows = list(dataset.blocks.replicas(replicas, dataset.plan.blocks[0]))
    init = {"name": "uniform", "limit": 0.12}
    return options, rows, flatten(init_weights(LAYERS, init, seed=11, dtype=dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["gd", "adam"])
def test_one_replica_equals_a_plain_loop_to_the_last_bit(name, dtype):
    """Three epochs with l2, the last batch smaller than the others."""
    options, (rows,), theta = setting(name, dtype=dtype)
    assert len(rows) == 400
    with one_blas_thread():
        expected = plain_loop(theta, rows, RULES[name](theta), 3 * 13, batch=32, l2_per_sample=0.7 / 400)
    found = fit(DIGITS, *options, "training.epochs=3").theta
    assert found.dtype == dtype
    assert np.abs(expected - theta).max() > 0.01
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_weights_rate_given_to_the_biases_changes_no_bit(dtype):
    """A vector of rates is of the weights' type, so that steps are; 1/32 is the same number in both."""
    options, _, _ = setting("adam", dtype=dtype)
    options += ["training.epochs=2", "training.learning_rate=0.03125"]
    expected = fit(DIGITS, *options).theta
    found = fit(DIGITS, *options, "training.bias_learning_rate=0.03125").theta
    assert found.tobytes() == expected.tobytes()


def test_without_shuffling_batches_come_as_the_rows_lie():
    """The same ones every epoch."""
    options, (rows,), theta = setting("gd", shuffle="false")
    with one_blas_thread():
        expected = plain_loop(
            theta, rows, GD(theta), 2 * 13, batch=32, l2_per_sample=0.7 / 400, shuffle=False
        )
    assert fit(DIGITS, *options, "training.epochs=2").theta.tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", ["gd", "adam"])
def test_one_replica_of_weighted_rows_equals_a_plain_loop(name):
    """A batch's gradient is divided by its weight, l2 by all training weight."""
    options, (rows,), theta = setting(name, table=WEIGHTED)
    l2_per_sample = 0.7 / math.fsum(rows.weight)
    with one_blas_thread():
        expected = plain_loop(theta, rows, RULES[name](theta), 13, batch=32, l2_per_sample=l2_per_sample)
    found = fit(WEIGHTED, *options, "training.epochs=1").theta
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("table", [DIGITS, WEIGHTED], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", ["gd", "adam"])
def test_three_replicas_equal_the_average_of_three_loops(name, table):
    """Weighted by their rows, round after round, Adam's moments too: 1e-12."""
    options, replicas, theta = setting(name, replicas=3, table=table)
    totals = [len(rows) if rows.weight is None else rows.weight.sum() for rows in replicas]
    assert len({len(rows) for rows in replicas}) > 1
    rules = [RULES[name](theta) for _ in replicas]
    for epoch in range(3):
        ends = []
        for rows, rule in zip(replicas, rules, strict=True):
            batches = math.ceil(len(rows) / 32)
            ends.append(
                plain_loop(
                    theta,
                    rows,
                    rule,
                    batches,
                    batch=32,
                    l2_per_sample=0.7 / sum(totals),
                    first=epoch * batches,
                )
            )
        theta = np.average(ends, axis=0, weights=totals)
        arrays = tuple(
            np.average(group, axis=0, weights=totals)
            for group in zip(*(r.arrays for r in rules), strict=True)
        )
        for rule in rules:
            rule.arrays = arrays
            rule.t = max(getattr(r, "t", 0) for r in rules)
    np.testing.assert_allclose(fit(table, *options, "training.epochs=3").theta, theta, rtol=0, atol=1e-12)


def test_local_steps_go_on_where_the_round_before_stopped():
    """4 rounds of 10 steps are 40 steps of one loop, through the ends of epochs (13 batches each)."""
    options, (rows,), theta = setting("adam", local_steps=10)
    with one_blas_thread():
        expected = plain_loop(theta, rows, Adam(theta), 40, batch=32, l2_per_sample=0.7 / 400)
    assert fit(DIGITS, *options, "training.epochs=4").theta.tobytes() == expected.tobytes()


def test_local_epochs_are_epochs():
    """2 rounds of 3 local epochs give the bits of 6 rounds of one."""
    one, _, _ = setting("gd", local_epochs=3)
    two, _, _ = setting("gd")
    found = fit(DIGITS, *one, "training.epochs=2").theta
    assert found.tobytes() == fit(DIGITS, *two, "training.epochs=6").theta.tobytes()


def test_an_outer_rate_of_one_half_goes_half_the_way():
    """The averaged move is a gradient; at rate 1 it is taken whole."""
    options, _, theta = setting("gd", replicas=2)
    whole = fit(DIGITS, *options, "training.epochs=1").theta
    same = fit(DIGITS, *options, "training.epochs=1", 'rounds.outer={name = "gd", learning_rate = 1.0}').theta
    half = fit(DIGITS, *options, "training.epochs=1", 'rounds.outer={name = "gd", learning_rate = 0.5}').theta
    assert same.tobytes() == whole.tobytes()
    np.testing.assert_allclose(half, (theta + whole) / 2, rtol=0, atol=1e-15)


def test_outer_nesterov_is_dilocos():
    """Two rounds by hand: v = 0.9 v + move, theta + 0.5 (0.9 v + move)."""
    options, (rows,), theta = setting("gd")
    outer = 'rounds.outer={name = "nesterov", learning_rate = 0.5}'
    velocity = np.zeros_like(theta)
    for epoch in range(2):
        with one_blas_thread():
            end = plain_loop(theta, rows, GD(theta), 13, batch=32, l2_per_sample=0.7 / 400, first=13 * epoch)
        velocity = 0.9 * velocity + (end - theta)
        theta = theta + 0.5 * (0.9 * velocity + (end - theta))
    np.testing.assert_allclose(
        fit(DIGITS, *options, "training.epochs=2", outer).theta, theta, rtol=0, atol=1e-13
    )


def test_the_history_shows_the_batches_as_they_went_by():
    """One replica, one batch of all rows: the row's loss is that of the weights the round started from."""
    options, (rows,), theta = setting("gd", batch_size=400)
    history = []
    fit(DIGITS, *options, "training.epochs=1", callbacks=[lambda epoch: history.append(epoch.row)])
    W1, W2 = unflatten(theta, LAYERS)
    z = np.tanh(rows.X @ W1[:, 1:].T + W1[:, 0]) @ W2[:, 1:].T + W2[:, 0]
    expected = (np.log(np.exp(z).sum(axis=1)) - z[np.arange(400), rows.y]).mean()
    assert history[0]["loss"] == pytest.approx(expected, rel=1e-13)
    assert history[0]["evaluations"] == 1
    assert history[0]["validation_accuracy"] is not None


def test_a_batch_larger_than_the_data_is_all_of_it():
    """And takes no more memory for it."""
    options, _, _ = setting("gd", batch_size=400)
    huge, _, _ = setting("gd", batch_size=2**40)
    found = fit(DIGITS, *huge, "training.epochs=2").theta
    assert found.tobytes() == fit(DIGITS, *options, "training.epochs=2").theta.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_batch_without_weight_takes_no_step(dtype):
    """Rows of a class that weighs 0, one a batch: the run goes on."""
    options, _, _ = setting("gd", batch_size=1, dtype=dtype)
    trained = fit(
        DIGITS, *options, "training.epochs=1", "training.l2=0.0", 'training.class_weight={"3" = 0.0}'
    )
    assert np.isfinite(trained.theta).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("outer", ["average", "nesterov"])
def test_diverging_rounds_say_so_without_warnings(outer, dtype):
    """A rate of 1e30 on a linear net: one clear error that names the epoch, several replicas."""
    table = table_of(DIGITS.features, DIGITS.features[:, :1] * 5.0)
    with pytest.raises(DivergedError, match="epoch 1"):
        fit(
            table,
            "data.task=regression",
            "network.hidden=[3]",
            "network.activation=identity",
            "rounds.replicas=3",
            "rounds.batch_size=4",
            "training.learning_rate=1e30",
            f"rounds.outer={outer}",
            f"training.dtype={dtype}",
            "training.epochs=5",
        )


def test_the_sum_of_weights_is_taken_once_and_not_before_the_first_round():
    """It is a job of its own where rows have weights; making the step runs none."""
    recipe = make_recipe("rounds.batch_size=8", "training.epochs=3", "data.weight=w")
    rng = np.random.default_rng(5)
    table = table_of(rng.normal(size=(90, 4)), rng.integers(0, 2, 90), rng.uniform(0.5, 2.0, 90))
    shards = LocalShards(make_dataset(table, recipe))
    functions = []
    plain = shards.run

    def counted(function, value, zero):
        functions.append(getattr(function, "func", function).__name__)
        return plain(function, value, zero)

    shards.run = counted
    start = first_state(recipe, shards)
    assert functions == []
    train(recipe, shards, start=start)
    assert functions == ["_weights", *["_round"] * 3, "_totals", "_judge"]  # the baseline, at the end
