"""Is every value of a recipe one that can be trained? One check a key, each naming the key."""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from nnspark.errors import RecipeError
from nnspark.net.activations import ACTIVATIONS, OUTPUTS
from nnspark.net.losses import HEADS
from nnspark.net.weights import INITS, parse_init
from nnspark.recipe import Recipe
from nnspark.recipe.text import is_number

__all__ = ["check"]

TASKS = ("classification", "regression", "multilabel")
MONITORS = ("validation_loss", "validation_accuracy", "validation_rmse", "validation_r2", "loss", "cost")


def check(recipe: Recipe) -> None:
    """Raise RecipeError at the first value that cannot be trained."""
    _check_data(recipe)
    _check_network(recipe)
    _check_training(recipe)
    _check_rounds_and_stopping(recipe)
    _check_choices(recipe)
    for key, value in (("partitions", recipe.spark.partitions), ("depth", recipe.spark.depth)):
        _require(value >= 0, f"spark.{key}", "0 (automatic) or more", value)
    _require(recipe.checkpoint.every >= 0, "checkpoint.every", "0 (never) or more", recipe.checkpoint.every)
    _require(recipe.checkpoint.keep >= 1, "checkpoint.keep", "1 or more", recipe.checkpoint.keep)
    _require(recipe.checkpoint.seconds >= 0, "checkpoint.seconds", "0 or more", recipe.checkpoint.seconds)
    _require(recipe.report.every >= 1, "report.every", "1 or more", recipe.report.every)


def _require(ok: bool, key: str, expected: str, value: Any) -> None:
    if not ok:
        raise RecipeError(f"{' '.join(key.splitlines())}: expected {expected}, got {value!r}")


def _one_of(key: str, value: Any, known: Iterable[str]) -> None:
    names = list(known)
    _require(value in names, key, "one of " + ", ".join(names), value)


def _finite(key: str, value: float, ok: Callable[[float], bool], expected: str) -> None:
    _require(math.isfinite(value) and ok(value), key, expected, value)


def _check_data(recipe: Recipe) -> None:
    data, split = recipe.data, recipe.data.split
    _one_of("data.task", data.task, TASKS)
    if isinstance(data.scale, str):
        _one_of("data.scale", data.scale, ("none", "standard", "minmax"))
    else:
        _require(
            set(data.scale) == {"center", "divide"}, "data.scale", "{center = ..., divide = ...}", data.scale
        )
        for key, value in data.scale.items():
            number = is_number(value) and math.isfinite(value)
            _require(number, f"data.scale.{key}", "a finite number", value)
        _require(data.scale["divide"] != 0, "data.scale.divide", "a number other than 0", 0)
    _one_of("data.target_scale", data.target_scale, ("none", "standard"))
    if data.target_scale != "none":
        _require(data.task == "regression", "data.target_scale", "'none' unless data.task is 'regression'",
                 data.target_scale)  # fmt: skip
    if isinstance(data.header, str):
        _one_of("data.header", data.header, ("auto",))
    for part in ("train", "validation", "test"):
        _finite(f"data.split.{part}", getattr(split, part), lambda v: 0 <= v <= 1, "a fraction from 0 to 1")
    _require(split.train > 0, "data.split.train", "more than 0", split.train)
    total = split.train + split.validation + split.test
    _require(abs(total - 1) < 1e-9, "data.split", "train + validation + test = 1", round(total, 12))
    _require(0 <= split.seed < 2**63 - 1, "data.split.seed", "0 or more, below 2**63 - 1", split.seed)
    if split.stratify:
        _require(data.task == "classification", "data.split.stratify",
                 "false unless data.task is 'classification'", True)  # fmt: skip


def _check_network(recipe: Recipe) -> None:
    network = recipe.network
    for units in network.hidden:
        _require(units >= 1, "network.hidden", "layers of at least one unit ([] for none)", network.hidden)
    _one_of("network.activation", network.activation, ACTIVATIONS)
    _one_of("network.output", network.output, ["auto", *OUTPUTS])
    _one_of("network.loss", network.loss, ("auto", "cross_entropy", "squared_error"))
    _require(network.output_units >= 0, "network.output_units", "0 (automatic) or more", network.output_units)
    if network.output == "identity" and recipe.data.task != "regression":
        _require(
            network.loss == "squared_error",
            "network.loss",
            "'squared_error' with output 'identity'",
            network.loss,
        )
    if network.output == "softmax" and recipe.data.task == "multilabel":
        raise RecipeError("network.output: expected 'sigmoid' for data.task 'multilabel', got 'softmax'")
    _one_of("network.init.name", network.init.get("name"), INITS)
    for key, value in network.init.items():
        if key not in ("name", "bias"):
            number = is_number(value)
            _require(
                number and math.isfinite(value) and value >= 0,
                f"network.init.{key}",
                "a number of at least 0",
                value,
            )
    parse_init(network.init)
    if recipe.data.task == "regression":
        head = (network.output.replace("auto", "identity"), network.loss.replace("auto", "squared_error"))
        _require(head in HEADS, "network.loss", f"'squared_error' with output '{head[0]}'", network.loss)


def _check_training(recipe: Recipe) -> None:
    training = recipe.training
    _finite("training.learning_rate", training.learning_rate, lambda v: v > 0, "a number above 0")
    _finite("training.bias_learning_rate", training.bias_learning_rate, lambda v: v >= 0,
            "0 (the same as learning_rate) or more")  # fmt: skip
    _finite("training.l2", training.l2, lambda v: v >= 0, "a number of at least 0")
    _require(training.epochs >= 1, "training.epochs", "1 or more", training.epochs)
    _require(0 <= training.seed < 2**63, "training.seed", "0 or more, below 2**63", training.seed)
    _one_of("training.dtype", training.dtype, ("float32", "float64"))
    _one_of("training.engine", training.engine, ("spark", "local"))
    _require(training.block_rows >= 1, "training.block_rows", "1 or more", training.block_rows)
    _finite(
        "training.label_smoothing",
        training.label_smoothing,
        lambda v: 0 <= v < 1,
        "a number from 0 to below 1",
    )
    if isinstance(training.class_weight, str):
        _one_of("training.class_weight", training.class_weight, ("none", "balanced"))
    else:
        for label, weight in training.class_weight.items():
            number = is_number(weight)
            _require(number and math.isfinite(weight) and weight >= 0, f"training.class_weight.{label}",
                     "a number of at least 0", weight)  # fmt: skip


def _check_rounds_and_stopping(recipe: Recipe) -> None:
    rounds, stopping = recipe.rounds, recipe.stopping
    for key, low in (("batch_size", 0), ("replicas", 1), ("local_epochs", 1), ("local_steps", 0)):
        _require(getattr(rounds, key) >= low, f"rounds.{key}", f"{low} or more", getattr(rounds, key))
    if rounds.batch_size == 0:
        _require(
            rounds.replicas == 1, "rounds.replicas", "1 unless rounds.batch_size is set", rounds.replicas
        )
    _one_of("stopping.monitor", stopping.monitor, MONITORS)
    for key in ("patience", "min_delta", "tolerance", "min_epochs", "max_seconds"):
        _finite(f"stopping.{key}", getattr(stopping, key), lambda v: v >= 0, "a number of at least 0")
    _require(
        stopping.tolerance_epochs >= 1, "stopping.tolerance_epochs", "1 or more", stopping.tolerance_epochs
    )
    if stopping.patience and stopping.monitor.startswith("validation"):
        _require(recipe.data.split.validation > 0, "data.split.validation",
                 f"more than 0 to stop on {stopping.monitor}", recipe.data.split.validation)  # fmt: skip


def _check_choices(recipe: Recipe) -> None:
    """Optimizers and schedule: their own errors, under the recipe's key."""
    from nnspark.optimizers import make_optimizer, make_rule
    from nnspark.optimizers.schedules import make_schedule
    from nnspark.training.rounds import outer_of

    training, rounds = recipe.training, recipe.rounds
    with _named("training.schedule"):
        schedule = make_schedule(training.learning_rate, training.schedule, training.epochs)
    with _named("training.optimizer"):
        options = (
            {"name": training.optimizer} if isinstance(training.optimizer, str) else {**training.optimizer}
        )
        name, mask = options.pop("name", "gd"), np.zeros(1, dtype=bool)
        make_optimizer(
            name,
            schedule=schedule,
            options=options,
            bias_mask=mask,
            bias_learning_rate=training.bias_learning_rate,
        )
        if rounds.batch_size:
            make_rule(name, options=options, bias_mask=mask)
    with _named("rounds.outer"):
        outer, _, options = outer_of(rounds.outer)
        make_rule(outer, options=options, bias_mask=mask)


@contextmanager
def _named(key: str) -> Iterator[None]:
    try:
        yield
    except (RecipeError, TypeError, ValueError, OverflowError) as error:
        raise RecipeError(f"{key}: {' '.join(str(error).split())}") from None
