"""Training: the loop over epochs."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from nnspark.data.rows import PARTS
from nnspark.engines.base import Shards
from nnspark.errors import DivergedError
from nnspark.net.blas import one_blas_thread
from nnspark.net.network import Network
from nnspark.objective.objective import Objective
from nnspark.recipe import Recipe
from nnspark.training import stopping
from nnspark.training.cost import evaluate
from nnspark.training.decide import Decided, decide
from nnspark.training.history import flat_metrics, history_row
from nnspark.training.measure import measure
from nnspark.training.state import Epoch, Progress
from nnspark.training.steps import Step, first_progress, make_step, objective_for

__all__ = ["Trained", "run_epoch", "train"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Trained:
    """The result: theta, what outputs are decided by, metrics of each part at both, how training ended."""

    network: Network
    theta: Array
    decided: Decided
    metrics: dict[str, dict[str, Any]]
    progress: Progress
    best_epoch: int | None
    stopped_because: str


def train(
    recipe: Recipe,
    shards: Shards,
    *,
    start: Progress | None = None,
    seconds: float = 0.0,
    callbacks: Iterable[Callable[[Epoch], object]] = (),
    measured: Sequence[str] = PARTS,
) -> Trained:
    """Train a recipe's network on laid-out data.

    Parameters
    ----------
    start : where to go on; None begins with the recipe's initial weights.
    seconds : of training up to there.
    callbacks : called after every epoch; one that raises ends training.
    measured : the parts whose figures are wanted of the final weights; each takes a pass and a half.

    Raises
    ------
    DivergedError : the cost is not finite any more; names the epoch and what to try.
    """
    with one_blas_thread():
        objective = objective_for(recipe, shards.plan)
        step = make_step(recipe, objective, shards)
        progress = start or first_progress(recipe, objective.network, step.init)
        stop = stopping.with_more_time(progress.stop, recipe.stopping, seconds=seconds)
        progress, began = progress._replace(stop=stop), time.monotonic() - seconds
        while progress.epoch < recipe.training.epochs and not progress.stop.reason:
            epoch = run_epoch(recipe, step, progress, time.monotonic() - began)
            progress = epoch.progress
            for callback in callbacks:
                callback(epoch)
        return finish(recipe, objective, shards, progress, measured)


def run_epoch(recipe: Recipe, step: Step, progress: Progress, elapsed: float) -> Epoch:
    """One update: new weights, and the history row of the evaluation that gave them."""
    began = time.monotonic()
    theta, state, evaluation = step.update(progress.theta, progress.optimizer)
    epoch = progress.epoch + 1
    if not math.isfinite(evaluation.cost):
        raise DivergedError(
            f"the cost is no longer finite at epoch {epoch}: training diverged; try a smaller "
            f"training.learning_rate (now {recipe.training.learning_rate:g}) or scale the features "
            "(data.scale = 'standard')"
        )
    evaluations = progress.evaluations + evaluation.evaluations
    rate, seconds = step.learning_rate(progress.epoch), time.monotonic() - began
    row = history_row(epoch, evaluation, learning_rate=rate, evaluations=evaluations, seconds=seconds)
    stopping.refuse_unmeasured(recipe.stopping, row)
    stop = stopping.update(progress.stop, recipe.stopping, row, evaluation.theta, seconds=elapsed + seconds)
    if evaluation.converged and (not stop.reason or stopping.is_by_time(stop)):
        stop = stop._replace(reason="the optimizer converged: no further progress is possible")
    return Epoch(Progress(epoch, evaluations, theta, state, stop), row)


def finish(
    recipe: Recipe, objective: Objective, shards: Shards, progress: Progress, measured: Sequence[str]
) -> Trained:
    """Metrics at the final weights, or at the best ones where those are to be restored and are better."""
    theta, best_epoch, stop = progress.theta, None, progress.stop
    if stopping.watches(recipe.stopping) and recipe.stopping.restore_best and stop.best_epoch:
        last = evaluate(objective, shards, theta, PARTS)
        row = {"cost": math.inf, **flat_metrics(last)}
        if not stopping.score(recipe.stopping, row) < stop.best:
            theta, best_epoch = stop.best_theta, stop.best_epoch
    decided = decide(recipe.prediction, objective, shards, theta)
    parts = [part for part in measured if shards.plan.num_samples[PARTS.index(part)]]
    metrics = measure(replace(objective, decision=decided.decision), shards, theta, parts) if parts else {}
    reason = stop.reason or f"all {recipe.training.epochs} epochs were done"
    return Trained(objective.network, theta, decided, metrics, progress, best_epoch, reason)
