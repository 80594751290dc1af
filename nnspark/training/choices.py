"""Is every name in a recipe one that exists, and do its options fit it? Each error names the key."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from nnspark.errors import RecipeError
from nnspark.net.activations import ACTIVATIONS, OUTPUTS
from nnspark.net.losses import HEADS
from nnspark.net.weights import INITS, parse_init
from nnspark.objective.metrics import metrics_of
from nnspark.optimizers import make_optimizer, make_rule
from nnspark.optimizers.outer import outer_of
from nnspark.optimizers.schedules import make_schedule
from nnspark.recipe import Recipe
from nnspark.recipe.checks import one_of, require
from nnspark.recipe.options import name_and_options
from nnspark.training.calibration import CALIBRATIONS

__all__ = ["check_choices"]


def check_choices(recipe: Recipe) -> None:
    """Raise RecipeError at the first name that is not known, or that does not go with another."""
    _check_network(recipe)
    one_of("prediction.calibration", recipe.prediction.calibration, CALIBRATIONS)
    one_of("stopping.monitor", recipe.stopping.monitor, monitors(recipe.data.task))
    _check_optimizers(recipe)


def monitors(problem: str) -> list[str]:
    """What patience can watch: the cost, and every metric of the problem on either part."""
    names = list(metrics_of(problem))
    return ["cost", *names, *(f"validation_{name}" for name in names)]


def _check_network(recipe: Recipe) -> None:
    network, problem = recipe.network, recipe.data.task
    one_of("network.activation", network.activation, ACTIVATIONS)
    one_of("network.output", network.output, ["auto", *OUTPUTS])
    one_of("network.loss", network.loss, ("auto", "cross_entropy", "squared_error"))
    one_of("network.init.name", network.init.get("name"), INITS)
    parse_init(network.init)
    if network.output == "softmax" and problem == "multilabel":
        raise RecipeError("network.output: expected 'sigmoid' for data.task 'multilabel', got 'softmax'")
    if problem == "regression":
        head = (network.output.replace("auto", "identity"), network.loss.replace("auto", "squared_error"))
        require(head in HEADS, "network.loss", f"'squared_error' with output '{head[0]}'", network.loss)
    elif network.output == "identity":
        ok = network.loss == "squared_error"
        require(ok, "network.loss", "'squared_error' with output 'identity'", network.loss)


def _check_optimizers(recipe: Recipe) -> None:
    """Optimizers and schedule: their own errors, under the recipe's key."""
    training, mask = recipe.training, np.zeros(1, dtype=bool)
    with _named("training.schedule"):
        schedule = make_schedule(training.learning_rate, training.schedule, training.epochs)
    with _named("training.optimizer"):
        name, options = name_and_options(training.optimizer, "gd")
        make_optimizer(
            name,
            schedule=schedule,
            options=options,
            bias_mask=mask,
            bias_learning_rate=training.bias_learning_rate,
        )
        if recipe.rounds.batch_size:
            make_rule(name, options=options, bias_mask=mask)
    with _named("rounds.outer"):
        outer, _, options = outer_of(recipe.rounds.outer)
        make_rule(outer, options=options, bias_mask=mask)


@contextmanager
def _named(key: str) -> Iterator[None]:
    try:
        yield
    except (RecipeError, TypeError, ValueError, OverflowError) as error:
        raise RecipeError(f"{key}: {' '.join(str(error).split())}") from None
