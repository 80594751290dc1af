"""When training stops before its last epoch, and which weights it keeps."""

import math

import numpy as np
import pytest
from helpers import fit, make_recipe, one_line_error, table_of
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from nnspark.errors import DataError, RecipeError
from nnspark.recipe import Stopping
from nnspark.training.choices import check_choices
from nnspark.training.stopping import is_by_time, start, update, with_more_time

DIGITS = table_of(load_digits().data, load_digits().target)
NET = [
    "data.scale={center = 8, divide = 8}",
    "network.hidden=[15]",
    'network.init={name = "uniform", limit = 0.5}',
]


def run(stopping, costs, monitored=None, seconds=None):
    """States after each epoch, up to the one that stops; theta after epoch e is (e,)."""
    state, states = start(np.zeros(1), stopping), []
    for epoch, cost in enumerate(costs, 1):
        row = {"epoch": epoch, "cost": cost}
        if monitored is not None:
            row[stopping.monitor] = monitored[epoch - 1]
        elapsed = 0.0 if seconds is None else seconds[epoch - 1]
        state = update(state, stopping, row, np.array([float(epoch)]), seconds=elapsed)
        states.append(state)
        if state.reason:
            break
    return states


def scikit_learns_stop(values, patience, min_delta):
    """MLPClassifier's rule by itself: epoch of the stop (None: never) and epoch of the best value."""
    best, best_epoch, count = math.inf, 0, 0
    for epoch, value in enumerate(values, 1):
        count = 0 if value < best - min_delta else count + 1
        if value < best:
            best, best_epoch = value, epoch
        if count > patience:
            return epoch, best_epoch
    return None, best_epoch


@given(
    st.lists(st.integers(0, 8).map(float), min_size=1, max_size=40),
    st.integers(1, 6),
    st.sampled_from([0.0, 1.0]),
)
def test_patience_stops_where_scikit_learn_would(values, patience, min_delta):
    """K9: after n + 1 epochs without improvement; the best value's epoch and weights are kept."""
    stopping = Stopping(patience=patience, min_delta=min_delta)
    states = run(stopping, values, values)
    stopped, best_epoch = scikit_learns_stop(values, patience, min_delta)
    assert (len(states) if states[-1].reason else None) == stopped
    assert states[-1].best_epoch == best_epoch
    assert states[-1].best == min(values[: len(states)])
    assert states[-1].best_theta.tolist() == [float(best_epoch)]


@pytest.mark.parametrize("patience", [2, 5, 10])
def test_k9_early_stopping_restores_the_best_weights(patience):
    """On digits: stops n + 1 epochs after the last better one, with that epoch's weights and score."""
    history, thetas = [], []
    trained = fit(
        DIGITS,
        *NET,
        "stopping.monitor=validation_accuracy",
        f"stopping.patience={patience}",
        "training.optimizer=adam",
        "training.learning_rate=0.05",
        "training.epochs=200",
        "training.l2=0.0",
        callbacks=[lambda epoch: (history.append(epoch.row), thetas.append(epoch.progress.theta))],
    )
    scores = [row["validation_accuracy"] for row in history]
    assert len(scores) < 200
    assert len(scores) - (int(np.argmax(scores)) + 1) == patience + 1
    assert trained.stopped_because == f"validation_accuracy did not improve for {patience + 1} epochs"
    assert trained.best_epoch == int(np.argmax(scores)) + 1
    assert trained.metrics["validation"]["accuracy"] == max(scores)
    assert trained.theta.tobytes() == thetas[trained.best_epoch - 2].tobytes()


def test_the_last_weights_are_kept_when_the_best_are_not_wanted():
    """restore_best = false."""
    options = [*NET, "stopping.patience=2", "training.epochs=4"]
    trained = fit(DIGITS, *options, "stopping.restore_best=false")
    assert trained.best_epoch is None
    assert trained.theta.tobytes() == trained.progress.theta.tobytes()


def test_higher_is_better_for_accuracy_and_r2():
    """Rising accuracy never stops; falling does."""
    for monitor in ("validation_accuracy", "validation_r2"):
        stopping = Stopping(monitor=monitor, patience=2)
        rising = [0.1 * i for i in range(9)]
        assert not run(stopping, [1.0] * 9, rising)[-1].reason
        assert len(run(stopping, [1.0] * 9, rising[::-1])) == 4


@pytest.mark.parametrize("missing", [None, math.nan])
def test_a_monitored_value_that_is_missing_is_no_improvement(missing):
    """An empty validation part stops by patience rather than never."""
    states = run(Stopping(patience=2), [1.0] * 9, [missing] * 9)
    assert len(states) == 3
    assert states[-1].best_epoch == 0


@pytest.mark.parametrize(
    ("task", "monitor"),
    [
        ("classification", "validation_rmse"),
        ("classification", "validation_r2"),
        ("multilabel", "validation_rmse"),
        ("regression", "validation_accuracy"),
    ],
)
def test_a_monitor_that_the_problem_does_not_have_is_refused(task, monitor):
    """In the recipe, saying which there are; not after some epochs that "did not improve"."""
    with one_line_error("stopping.monitor", monitor, "validation_loss", "cost", kind=RecipeError):
        check_choices(make_recipe(f"data.task={task}", f"stopping.monitor={monitor}", "stopping.patience=2"))


def test_a_monitor_of_an_empty_validation_part_is_refused_before_the_first_epoch():
    """Five rows, a tenth of which is none."""
    table, epochs = table_of(np.eye(5), [0, 1, 0, 1, 0]), []
    with one_line_error("validation_loss", "no rows", "loss, cost", kind=DataError):
        fit(table, "data.split={train = 0.9, validation = 0.1, test = 0.0}", "stopping.patience=2",
            callbacks=[epochs.append])  # fmt: skip
    assert not epochs
    fit(table, "data.split={train = 0.9, validation = 0.1, test = 0.0}", "stopping.patience=2",
        "stopping.monitor=loss", "training.epochs=2")  # fmt: skip


def test_a_monitor_without_a_value_ends_training_at_the_first_epoch():
    """R² of a constant target."""
    X, y = np.random.default_rng(0).normal(size=(60, 2)), np.zeros(60)
    y[:2], y[2:4] = 1, 2
    options = ["data.task=regression", "stopping.monitor=validation_r2", "stopping.patience=2"]
    epochs = []
    with one_line_error("validation_r2", "no value", "loss, cost", kind=DataError):
        fit(table_of(X, y), *options, "data.split={train = 0.9, validation = 0.1, test = 0.0, seed = 1}",
            callbacks=[epochs.append])  # fmt: skip
    assert not epochs


def test_r1_tolerance_rule_looks_at_epochs_after_the_tenth():
    """Stop when after epoch 10 the loss fell by less than 1e-4, by hand."""
    stopping = Stopping(tolerance=1e-4, min_epochs=10)
    flat_at_first = [1.0] * 8 + [0.9, 0.8, 0.7, 0.6, 0.59995, 0.5]
    states = run(stopping, flat_at_first)
    assert len(states) == 13
    assert states[-1].reason == "the cost fell by less than 0.0001 in the last epoch"
    assert len(run(stopping, [1.0] * 20)) == 11


def test_r1_tolerance_rule_on_digits():
    """The stop is at the first epoch after the tenth whose cost is less than 1e-2 below the one before."""
    history = []
    trained = fit(
        DIGITS,
        *NET,
        "network.loss=squared_error",
        "training.learning_rate=0.7",
        "training.l2=0.0",
        "stopping.tolerance=1e-2",
        "stopping.min_epochs=10",
        "training.epochs=200",
        callbacks=[lambda epoch: history.append(epoch.row)],
    )
    falls = -np.diff([row["cost"] for row in history])
    expected = next(epoch for epoch, fall in enumerate(falls, 2) if epoch > 10 and fall < 1e-2)
    assert len(history) == expected
    assert trained.progress.epoch == expected
    assert falls[: expected - 2].max() > 1e-2


def test_tolerance_over_several_epochs_counts_them_running():
    """One good epoch starts the count again; a rising cost is no fall."""
    stopping = Stopping(tolerance=0.1, tolerance_epochs=3)
    states = run(stopping, [5.0, 4.0, 3.95, 4.2, 3.0, 2.95, 2.9, 2.85, 1.0])
    assert len(states) == 8
    assert "each of 3 epochs" in states[-1].reason


def test_epochs_before_the_first_that_counts_are_not_counted():
    """As ``update`` says: of tolerance_epochs flat epochs none is before min_epochs."""
    stopping = Stopping(tolerance=0.1, tolerance_epochs=3, min_epochs=10)
    assert len(run(stopping, [1.0] * 30)) >= 12


def test_time_stops():
    """At the first epoch that ends past it."""
    states = run(Stopping(max_seconds=10.0), [1.0] * 5, seconds=[4.0, 8.0, 12.0, 16.0, 20.0])
    assert len(states) == 3
    assert states[-1].reason == "10 s were up"


def test_only_a_stop_by_time_goes_on_with_more_time():
    """And only where there is more: not with the seconds that are used up, always without a limit."""
    stopping = Stopping(max_seconds=10.0, patience=1)
    late = run(stopping, [1.0], [1.0], seconds=[12.0])[-1]
    assert is_by_time(late)
    for more, reason in ((12.0, late.reason), (12.5, ""), (0.0, "")):
        assert with_more_time(late, Stopping(max_seconds=more), seconds=12.0).reason == reason
    stale = run(stopping, [1.0] * 3, [1.0] * 3, seconds=[1.0, 2.0, 12.0])[-1]
    assert stale.reason == "validation_loss did not improve for 2 epochs"
    assert with_more_time(stale, Stopping(), seconds=12.0) == stale


def test_the_clock_goes_on_where_the_run_before_left_it():
    """Of ten seconds eleven were used up before: one epoch and no more."""
    trained = fit(DIGITS, *NET, "stopping.max_seconds=10", "training.epochs=9", seconds=11.0)
    assert (trained.progress.epoch, trained.stopped_because) == (1, "10 s were up")


def test_a_number_of_evaluations_stops():
    """At the first epoch that ends with so many; L-BFGS needs more than one in some."""
    options = [*NET, "training.optimizer=lbfgs", "training.epochs=200", "stopping.max_evaluations=12"]
    trained = fit(DIGITS, *options)
    assert 12 <= trained.progress.evaluations <= 12 + 20
    assert trained.progress.epoch < 12
    assert trained.stopped_because == f"{trained.progress.evaluations} evaluations were made"


def test_nothing_stops_where_nothing_is_asked():
    """The defaults: all epochs, no weights kept."""
    states = run(Stopping(), [1.0] * 50)
    assert len(states) == 50
    assert states[-1].best_theta.size == 0
    assert fit(DIGITS, *NET, "training.epochs=3").stopped_because == "all 3 epochs were done"


def test_an_optimizer_that_converged_stops():
    """L-BFGS at the minimum of a quadratic: a linear net's squared error."""
    X = np.random.default_rng(0).normal(size=(40, 2))
    table = table_of(X, X @ [1.0, -2.0])
    trained = fit(
        table,
        "data.task=regression",
        "network.hidden=[]",
        "training.optimizer=lbfgs",
        "training.l2=0.0",
        "training.epochs=200",
    )
    assert trained.progress.epoch < 200
    assert "converged" in trained.stopped_because
    assert trained.metrics["train"]["rmse"] < 1e-6
