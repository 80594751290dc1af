"""Training: the loop over epochs, and the few choices that a recipe makes before it starts."""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from numpy.typing import NDArray

from nnspark.data.plan import Plan
from nnspark.engines.base import Shards
from nnspark.errors import DivergedError
from nnspark.net import weights
from nnspark.net.blas import one_blas_thread
from nnspark.net.network import Network
from nnspark.objective.objective import Objective
from nnspark.optimizers import RULES, make_optimizer, make_rates
from nnspark.optimizers.schedules import make_schedule
from nnspark.recipe import Recipe
from nnspark.recipe.options import name_and_options
from nnspark.training import stopping
from nnspark.training.cost import Cost, Evaluation, evaluate
from nnspark.training.rounds import make_rounds

__all__ = ["Epoch", "Progress", "Trained", "first_state", "network_for", "one_blas_thread", "train"]

Array = NDArray[Any]
Row = dict[str, Any]
Update = Callable[[Array, Any], tuple[Array, Any, Evaluation]]


class Progress(NamedTuple):
    """All that training carries from one epoch to the next: what a checkpoint keeps."""

    epoch: int
    evaluations: int
    theta: Array
    optimizer: Any
    stop: stopping.Stop


class Epoch(NamedTuple):
    """What callbacks see: the progress after an epoch and the epoch's history row."""

    progress: Progress
    row: Row


@dataclass(frozen=True)
class Trained:
    """The result: theta, metrics of each part at it, and how training ended."""

    network: Network
    theta: Array
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
) -> Trained:
    """Train a recipe's network on laid-out data.

    Parameters
    ----------
    start : where to go on; None begins with the recipe's initial weights.
    seconds : of training up to there.
    callbacks : called after every epoch; one that raises ends training.

    Raises
    ------
    DivergedError : the cost is not finite any more; names the epoch and what to try.
    """
    with one_blas_thread():
        objective = objective_for(recipe, shards.plan)
        init, update = make_update(recipe, objective, shards)
        progress = start or first_progress(recipe, objective.network, init)
        stop = stopping.with_more_time(progress.stop, recipe.stopping, seconds=seconds)
        progress, began = progress._replace(stop=stop), time.monotonic() - seconds
        while progress.epoch < recipe.training.epochs and not progress.stop.reason:
            progress, row = run_epoch(recipe, update, progress, time.monotonic() - began)
            for callback in callbacks:
                callback(Epoch(progress, row))
        return finish(recipe, objective, shards, progress)


def run_epoch(recipe: Recipe, update: Update, progress: Progress, elapsed: float) -> Epoch:
    """One update: new weights, and the history row of the evaluation that gave them."""
    began = time.monotonic()
    theta, state, evaluation = update(progress.theta, progress.optimizer)
    epoch = progress.epoch + 1
    if not math.isfinite(evaluation.cost):
        raise DivergedError(
            f"the cost is no longer finite at epoch {epoch}: training diverged; try a smaller "
            f"training.learning_rate (now {recipe.training.learning_rate:g}) or scale the features "
            "(data.scale = 'standard')"
        )
    evaluations = progress.evaluations + evaluation.evaluations
    seconds = time.monotonic() - began
    row = history_row(recipe, epoch, evaluation, evaluations, seconds)
    stopping.refuse_unmeasured(recipe.stopping, row)
    stop = stopping.update(progress.stop, recipe.stopping, row, evaluation.theta, seconds=elapsed + seconds)
    if evaluation.converged and (not stop.reason or stopping.is_by_time(stop)):
        stop = stop._replace(reason="the optimizer converged: no further progress is possible")
    return Epoch(Progress(epoch, evaluations, theta, state, stop), row)


def finish(recipe: Recipe, objective: Objective, shards: Shards, progress: Progress) -> Trained:
    """Metrics at the final weights, or at the best ones where those are to be restored and are better."""
    parts = ("train", "validation", "test")
    theta, metrics = progress.theta, evaluate(objective, shards, progress.theta, parts)
    best_epoch = None
    stop = progress.stop
    if stopping.watches(recipe.stopping) and recipe.stopping.restore_best and stop.best_epoch:
        row = {"cost": math.inf, **flat_metrics(metrics)}
        if not stopping.score(recipe.stopping, row) < stop.best:
            best_epoch = stop.best_epoch
            theta, metrics = stop.best_theta, evaluate(objective, shards, stop.best_theta, parts)
    reason = stop.reason or f"all {recipe.training.epochs} epochs were done"
    return Trained(objective.network, theta, metrics, progress, best_epoch, reason)


def objective_for(recipe: Recipe, plan: Plan) -> Objective:
    """The recipe's network for the plan's features and outputs, ready to turn blocks into sums."""
    return Objective(
        network_for(recipe, plan), plan.task, plan.dtype, plan.terms, recipe.training.label_smoothing
    )


def network_for(recipe: Recipe, plan: Plan) -> Network:
    """The recipe's network; output, loss and number of output units follow the task unless set.

    Two classes with a sigmoid output take a single unit, as in scikit-learn.
    """
    spec, regression = recipe.network, plan.task == "regression"
    output = spec.output if spec.output != "auto" else ("identity" if regression else "sigmoid")
    loss = spec.loss if spec.loss != "auto" else ("squared_error" if regression else "cross_entropy")
    units = plan.num_targets if plan.classes is None else len(plan.classes)
    if plan.classes is not None and units == 2 and output == "sigmoid":
        units = spec.output_units or 1
    return Network((plan.num_features, *spec.hidden, units), spec.activation, output, loss)


def make_update(
    recipe: Recipe, objective: Objective, shards: Shards
) -> tuple[Callable[[Array], Any], Update]:
    """The (init, update) pair that the recipe asks for: a round of mini-batches, or full-batch.

    DataError where the recipe stops on a part without rows.
    """
    stopping.refuse_without_rows(recipe.stopping, shards.plan)
    training = recipe.training
    name, options = name_and_options(training.optimizer, "gd")
    schedule = make_schedule(training.learning_rate, training.schedule, training.epochs)
    is_bias = weights.bias_mask(objective.network.layers)
    if recipe.rounds.batch_size:
        return make_rounds(
            objective,
            shards,
            recipe.rounds,
            optimizer=(name, options),
            rate_at=make_rates(schedule, training.bias_learning_rate, is_bias),
            l2=training.l2,
            seed=training.seed,
        )
    optimizer = make_optimizer(
        name,
        schedule=schedule,
        options=options,
        bias_mask=is_bias,
        bias_learning_rate=training.bias_learning_rate,
    )
    cost_fn = Cost(objective, shards, l2=training.l2, parts=("train", "validation"))

    def update(theta: Array, state: Any) -> tuple[Array, Any, Evaluation]:
        before = cost_fn.evaluations
        moved, state = optimizer.update(cost_fn, theta, state)
        converged = getattr(state, "converged", False)
        return moved, state, cost_fn.since(before, converged=converged, at=(moved, theta))

    return optimizer.init, update


def first_state(recipe: Recipe, shards: Shards, theta: Array | None = None) -> Progress:
    """Where training of this recipe on these data starts; also the shape of every later progress.

    ``theta`` are the weights to start from, in place of those that the recipe draws.
    """
    objective = objective_for(recipe, shards.plan)
    init, _ = make_update(recipe, objective, shards)
    if theta is None:
        return first_progress(recipe, objective.network, init)
    weights.unflatten(theta, objective.network.layers)
    return progress_from(recipe, theta.astype(recipe.training.dtype), init)


def first_progress(recipe: Recipe, network: Network, init: Callable[[Array], Any]) -> Progress:
    """Epoch 0: the initial weights."""
    theta = weights.flatten(
        weights.init_weights(
            network.layers, recipe.network.init, seed=recipe.training.seed, dtype=recipe.training.dtype
        )
    )
    return progress_from(recipe, theta, init)


def progress_from(recipe: Recipe, theta: Array, init: Callable[[Array], Any]) -> Progress:
    """Epoch 0 at these weights."""
    return Progress(0, 0, theta, init(theta), stopping.start(theta, recipe.stopping))


def history_row(recipe: Recipe, epoch: int, evaluation: Evaluation, evaluations: int, seconds: float) -> Row:
    """One history line.

    Figures are those of the weights that the epoch started from, where a step takes one gradient, or that
    a line search accepted.
    """
    training = recipe.training
    name, _ = name_and_options(training.optimizer, "gd")
    schedule = make_schedule(training.learning_rate, training.schedule, training.epochs)
    return {
        "epoch": epoch,
        "cost": evaluation.cost,
        **flat_metrics(evaluation.metrics),
        "learning_rate": schedule(epoch - 1) if name in RULES else None,
        "grad_norm": evaluation.grad_norm,
        "evaluations": evaluations,
        "seconds": round(seconds, 6),
    }


def flat_metrics(metrics: Any) -> Row:
    """Metrics of the training part under their names, of the validation part under validation_…"""
    row: Row = {}
    for part, prefix in (("train", ""), ("validation", "validation_")):
        for name, value in metrics.get(part, {}).items():
            if name != "num_samples":
                row[prefix + name] = value if not isinstance(value, float) or math.isfinite(value) else None
    return row
