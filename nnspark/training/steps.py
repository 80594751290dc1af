"""The step that a recipe asks for: one update of the weights, full-batch or a round of mini-batches."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.data.plan import Plan
from nnspark.engines.base import Shards
from nnspark.engines.driver_memory import memory_left
from nnspark.errors import DataError, RecipeError
from nnspark.net import weights
from nnspark.net.network import Network
from nnspark.objective.metrics import METRICS, tally_names
from nnspark.objective.objective import Objective
from nnspark.optimizers import RULES, make_optimizer, make_rates
from nnspark.optimizers.schedules import make_schedule
from nnspark.recipe import Recipe
from nnspark.recipe.options import name_and_options
from nnspark.training import stopping
from nnspark.training.cost import Cost, Evaluation
from nnspark.training.decide import refuse_undecidable
from nnspark.training.measure import AT_ONCE
from nnspark.training.rounds import make_rounds
from nnspark.training.state import Progress

__all__ = ["Step", "first_progress", "first_state", "make_step", "network_for", "objective_for"]

Array = NDArray[Any]
MUCH = 1 << 30  # bytes; nobody asks whether there are fewer
DRAWN = 16  # bytes of each weight: as it is drawn, and in an exact sum


class Step(NamedTuple):
    """How the weights move.

    init : the optimizer's state at some weights.
    update : (theta, state) -> (theta, state, what was measured): one epoch.
    learning_rate : the rate of an epoch, counted from 0; None where a line search finds it.
    """

    init: Callable[[Array], Any]
    update: Callable[[Array, Any], tuple[Array, Any, Evaluation]]
    learning_rate: Callable[[int], float | None]


def objective_for(recipe: Recipe, plan: Plan) -> Objective:
    """The recipe's network for the plan's features and outputs, ready to turn blocks into sums."""
    watched = recipe.stopping.monitor.removeprefix("validation_")
    return Objective(
        network_for(recipe, plan),
        plan.task,
        plan.dtype,
        plan.terms,
        recipe.training.label_smoothing,
        plan.target_scaling,
        (watched,) if recipe.stopping.patience and watched in METRICS else (),
    )


def network_for(recipe: Recipe, plan: Plan) -> Network:
    """The recipe's network; output, loss and number of output units follow the task unless set.

    Two classes with a sigmoid output take a single unit, as in scikit-learn. RecipeError where one target
    would have a softmax.
    """
    spec, regression = recipe.network, plan.task == "regression"
    output = spec.output if spec.output != "auto" else ("identity" if regression else "sigmoid")
    loss = spec.loss if spec.loss != "auto" else ("squared_error" if regression else "cross_entropy")
    units = plan.num_targets if plan.classes is None else len(plan.classes)
    if plan.classes is not None and units == 2 and output == "sigmoid":
        units = spec.output_units or 1
    if regression and output == "softmax" and units < 2:
        raise RecipeError(
            "network.output: expected 'identity' or 'sigmoid' for one target, got 'softmax': of one unit it "
            "is always 1"
        )
    return Network((plan.num_features, *spec.hidden, units), spec.activation, output, loss)


def make_step(recipe: Recipe, objective: Objective, shards: Shards) -> Step:
    """The step of a recipe: a round of mini-batches, or full-batch. No job runs yet.

    DataError where the recipe stops on a part without rows; RecipeError where the weights want more memory
    than there is.
    """
    _refuse_too_many_weights(objective)
    stopping.refuse_without_rows(recipe.stopping, shards.plan)
    _refuse_too_many_ranks(objective, shards.plan)
    refuse_undecidable(recipe.prediction, objective, shards.plan)
    training = recipe.training
    name, options = name_and_options(training.optimizer, "gd")
    schedule = make_schedule(training.learning_rate, training.schedule, training.epochs)
    is_bias = weights.bias_mask(objective.network.layers)
    if recipe.rounds.batch_size:
        init, update = make_rounds(
            objective,
            shards,
            recipe.rounds,
            optimizer=(name, options),
            rate_at=make_rates(schedule, training.bias_learning_rate, is_bias),
            l2=training.l2,
            seed=training.seed,
        )
        return Step(init, update, schedule)
    optimizer = make_optimizer(
        name,
        schedule=schedule,
        options=options,
        bias_mask=is_bias,
        bias_learning_rate=training.bias_learning_rate,
    )
    cost_fn = Cost(objective, shards, l2=training.l2, parts=("train", "validation"))

    def step(theta: Array, state: Any) -> tuple[Array, Any, Evaluation]:
        before = cost_fn.evaluations
        with np.errstate(over="ignore", invalid="ignore"):  # a cost that is not finite says it
            moved, state = optimizer.update(cost_fn, theta, state)
        converged = getattr(state, "converged", False)
        return moved, state, cost_fn.since(before, converged=converged, at=(moved, theta))

    return Step(optimizer.init, step, schedule if name in RULES else lambda epoch: None)


def _refuse_too_many_weights(objective: Objective) -> None:
    """RecipeError where weights, gradient and what they are drawn and summed in cannot be held here."""
    layers = objective.network.layers
    number = weights.count(layers)
    needed = number * (2 * np.dtype(objective.dtype).itemsize + DRAWN)
    if needed > MUCH and needed > (left := memory_left()):
        raise RecipeError(
            f"network.hidden: expected weights that fit into memory, but layers {list(layers)} have "
            f"{number:,}, which take {needed / 1e9:.1f} GB at least where there are {left / 1e9:.1f}: take "
            "fewer hidden units"
        )


def _refuse_too_many_ranks(objective: Objective, plan: Plan) -> None:
    """DataError where a metric of ranks is watched and takes more memory than a single pass may."""
    values = sum(plan.num_samples[:2]) * len(tally_names(objective.problem, objective.network.layers[-1]))
    ranked = [name for name in objective.also if METRICS[name].ranked]
    if ranked and values > AT_ONCE:
        raise DataError(
            f"stopping.monitor is of {ranked[0]}, which ranks {values} values an epoch; at most {AT_ONCE} "
            "are expected; monitor another metric, or train on fewer rows"
        )


def first_state(recipe: Recipe, shards: Shards, theta: Array | None = None) -> Progress:
    """Where training of this recipe on these data starts; also the shape of every later progress.

    ``theta`` are the weights to start from, in place of those that the recipe draws.
    """
    objective = objective_for(recipe, shards.plan)
    return first_progress(recipe, objective.network, make_step(recipe, objective, shards).init, theta)


def first_progress(
    recipe: Recipe, network: Network, init: Callable[[Array], Any], theta: Array | None = None
) -> Progress:
    """Epoch 0: the initial weights, drawn or given."""
    training = recipe.training
    if theta is None:
        drawn = weights.init_weights(
            network.layers, recipe.network.init, seed=training.seed, dtype=training.dtype
        )
        theta = weights.flatten(drawn)
    else:
        weights.unflatten(theta, network.layers)
        theta = theta.astype(training.dtype)
    return Progress(0, 0, theta, init(theta), stopping.start(theta, recipe.stopping))
