"""What an epoch reports belongs to the weights that its optimizer accepted, not to a trial on the way."""

import math

import numpy as np
import pytest
from helpers import fit, make_recipe, table_of
from sklearn.datasets import load_digits

from nnspark.data.dataset import make_dataset
from nnspark.engines.local import LocalShards
from nnspark.net.blas import one_blas_thread
from nnspark.training.cost import Cost
from nnspark.training.history import flat_metrics
from nnspark.training.loop import train
from nnspark.training.steps import objective_for

DIGITS = table_of(load_digits().data[:400] / 16, load_digits().target[:400])
NET = ["network.hidden=[8]", 'network.init={name = "uniform", limit = 0.5}', "training.epochs=60"]
SEARCHES = {
    "cg": '{name = "cg", max_evaluations = 3}',
    "lbfgs": '{name = "lbfgs", max_evaluations = 3}',
}


def run(*options, start=None):
    """The rows and the progress after each epoch of a run on the digits."""
    epochs = []
    fit(DIGITS, *NET, *options, callbacks=[epochs.append], start=start)
    return [epoch.row for epoch in epochs], [epoch.progress for epoch in epochs]


def fresh_cost(*options):
    """The cost function of the same run, evaluated by itself."""
    recipe = make_recipe(*NET, *options)
    shards = LocalShards(make_dataset(DIGITS, recipe))
    objective = objective_for(recipe, shards.plan)
    return Cost(objective, shards, l2=recipe.training.l2, parts=("train", "validation"))


@pytest.mark.parametrize(
    ("name", "evaluations", "activation"),
    [("cg", 2, "relu"), ("cg", 3, "relu"), ("lbfgs", 2, "tanh"), ("lbfgs", 20, "sigmoid")],
)
def test_every_row_of_a_line_search_is_that_of_the_accepted_weights(name, evaluations, activation):
    """A fresh evaluation at each epoch's weights: the same bits, also where the last trial was not taken."""
    options = [
        f'training.optimizer={{name = "{name}", max_evaluations = {evaluations}}}',
        f"network.activation={activation}",
        "network.loss=squared_error",
        'network.init={name = "normal", scale = 1.0}',
        "training.l2=0.0",
    ]
    rows, progress = run(*options)
    cost_fn = fresh_cost(*options)
    for row, after in zip(rows, progress, strict=True):
        with one_blas_thread():
            cost_fn(after.theta)
        expected = {"cost": cost_fn.last.cost, "grad_norm": cost_fn.last.grad_norm}
        expected |= flat_metrics(cost_fn.last.metrics)
        assert {key: row[key] for key in expected} == expected


@pytest.mark.parametrize("name", ["gd", "momentum", "adam"])
def test_every_row_of_a_step_is_that_of_the_weights_before_it(name):
    """One evaluation an epoch, where the epoch starts."""
    options = [f"training.optimizer={name}", "training.epochs=3", "training.learning_rate=0.1"]
    rows, progress = run(*options)
    cost_fn = fresh_cost(*options)
    for row, before in zip(rows[1:], progress, strict=False):
        with one_blas_thread():
            assert row["cost"] == cost_fn(before.theta)[0]
    assert [row["evaluations"] for row in rows] == [1, 2, 3]


@pytest.mark.parametrize("name", SEARCHES)
def test_the_best_weights_are_those_whose_row_was_best(name):
    """With early stopping: the kept weights have the metrics of the best row."""
    options = [f"training.optimizer={SEARCHES[name]}", "training.l2=0.0", "stopping.patience=3"]
    rows, _ = run(*options)
    trained = fit(DIGITS, *NET, *options)
    if trained.best_epoch is not None:
        assert trained.metrics["validation"]["loss"] == rows[trained.best_epoch - 1]["validation_loss"]
    assert trained.metrics["validation"]["loss"] == min(row["validation_loss"] for row in rows)


@pytest.mark.parametrize("name", SEARCHES)
def test_a_resumed_search_reports_the_same_rows(name):
    """From every epoch on, the last one too, in which no progress is possible: rows without their seconds."""
    problem = table_of(*linear())
    options = ["data.task=regression", "network.hidden=[]", f"training.optimizer={SEARCHES[name]}",
               "training.l2=0.1", "training.epochs=200"]  # fmt: skip
    epochs = []
    fit(problem, *options, callbacks=[epochs.append])
    assert epochs[-1].progress.stop.reason
    for at in {len(epochs) // 2, len(epochs) - 2}:
        again = []
        fit(problem, *options, callbacks=[again.append], start=epochs[at].progress)
        assert [without_seconds(e.row) for e in again] == [without_seconds(e.row) for e in epochs[at + 1 :]]


def linear():
    """A linear problem with noise, so that the search ends at rounding."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    return X, X @ [1.0, -2.0, 0.5] + rng.normal(size=60)


def without_seconds(row):
    """A row but for its time."""
    return {key: value for key, value in row.items() if key != "seconds"}


class Walled:
    """Shards on which nothing is finite where a weight is above 0.8."""

    def __init__(self, shards):
        self.shards, self.plan, self.platforms = shards, shards.plan, shards.platforms

    def run(self, function, value, zero):
        """Totals that are not finite beyond the wall."""
        totals = self.shards.run(function, value, zero)
        totals.finite = totals.finite and bool(np.abs(value).max() <= 0.8)
        return totals


@pytest.mark.parametrize("name", SEARCHES)
def test_a_trial_that_is_infinite_is_no_divergence(name):
    """Whose last trial is beyond a wall while an earlier one was better: the run goes on from that one."""
    recipe = make_recipe(
        *NET,
        f"training.optimizer={SEARCHES[name].replace('3', '2')}",
        "training.l2=0.0",
        "training.epochs=30",
    )
    rows = []
    walled = Walled(LocalShards(make_dataset(DIGITS, recipe)))
    trained = train(recipe, walled, callbacks=[lambda epoch: rows.append(epoch.row)])
    assert all(math.isfinite(row["cost"]) for row in rows)
    assert np.abs(trained.theta).max() <= 0.8
