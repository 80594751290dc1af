"""Is every value of a recipe of the right kind and in its range? One check a key, each naming the key.

Whether a name is one that exists (an activation, an optimizer, a metric) is checked where those are:
``training/choices.py``.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

from nnspark.recipe.data_section import MOST_FOLDS
from nnspark.recipe.raw_columns import refuse_learned, wishes_of
from nnspark.recipe.sections import Recipe, Split
from nnspark.recipe.source_checks import check_source, require_validation
from nnspark.recipe.text import is_number, require

__all__ = ["A_SEPARATOR", "check", "is_separator", "one_of", "require"]

A_SEPARATOR = "one character that no number has, such as ';' or '\\t'"
NO_SEPARATORS = " \"'\\+-._\r\n\0"
TASKS = ("classification", "regression", "multilabel")


def check(recipe: Recipe) -> None:
    """Raise RecipeError at the first value that is not of its kind or out of its range."""
    _check_data(recipe)
    _check_network(recipe)
    _check_training(recipe)
    _check_rounds_and_stopping(recipe)
    for key, value in (("partitions", recipe.spark.partitions), ("depth", recipe.spark.depth)):
        require(value >= 0, f"spark.{key}", "0 (automatic) or more", value)
    require(recipe.checkpoint.every >= 0, "checkpoint.every", "0 (never) or more", recipe.checkpoint.every)
    require(recipe.checkpoint.keep >= 1, "checkpoint.keep", "1 or more", recipe.checkpoint.keep)
    require(recipe.checkpoint.seconds >= 0, "checkpoint.seconds", "0 or more", recipe.checkpoint.seconds)
    _check_prediction(recipe)
    require(recipe.report.importance >= 0, "report.importance", "0 (off) or more", recipe.report.importance)
    require(recipe.report.every >= 1, "report.every", "1 or more", recipe.report.every)


def one_of(key: str, value: Any, known: Iterable[str]) -> None:
    """Raise RecipeError unless the value is one of the known names."""
    names = list(known)
    require(value in names, key, "one of " + ", ".join(names), value)


def is_separator(text: str) -> bool:
    """Whether it may stand between the fields of a CSV file."""
    return len(text) == 1 and text.isascii() and not text.isalnum() and text not in NO_SEPARATORS


def _finite(key: str, value: float, ok: Callable[[float], bool], expected: str) -> None:
    require(math.isfinite(value) and ok(value), key, expected, value)


def _check_data(recipe: Recipe) -> None:
    data, split = recipe.data, recipe.data.split
    one_of("data.task", data.task, TASKS)
    check_source(data)
    wishes_of(data)
    if isinstance(data.scale, str):
        one_of("data.scale", data.scale, ("none", "standard", "minmax"))
    else:
        require(
            set(data.scale) == {"center", "divide"}, "data.scale", "{center = ..., divide = ...}", data.scale
        )
        for key, value in data.scale.items():
            number = is_number(value) and math.isfinite(value)
            require(number, f"data.scale.{key}", "a finite number", value)
        require(data.scale["divide"] != 0, "data.scale.divide", "a number other than 0", 0)
    one_of("data.target_scale", data.target_scale, ("none", "standard", "log"))
    if data.target_scale != "none":
        require(data.task == "regression", "data.target_scale", "'none' unless data.task is 'regression'",
                 data.target_scale)  # fmt: skip
    if isinstance(data.header, str):
        one_of("data.header", data.header, ("auto",))
    require(is_separator(data.separator), "data.separator", A_SEPARATOR, data.separator)
    for part in ("train", "validation", "test"):
        _finite(f"data.split.{part}", getattr(split, part), lambda v: 0 <= v <= 1, "a fraction from 0 to 1")
    if not data.own_parts:
        _check_folds(split)
    if split.folds:
        refuse_learned(data)
    require(0 <= split.seed < 2**63 - 1, "data.split.seed", "0 or more, below 2**63 - 1", split.seed)
    if split.stratify:
        require(data.task == "classification", "data.split.stratify",
                 "false unless data.task is 'classification'", True)  # fmt: skip


def _check_folds(split: Split) -> None:
    """Fractions that add up, or folds in place of those of training and validation."""
    among = split.folds == 0 or 2 <= split.folds <= MOST_FOLDS
    require(among, "data.split.folds", f"0 (no folds), or 2 to {MOST_FOLDS}", split.folds)
    if split.folds:
        low, high = -1, split.folds - 1
        require(low <= split.fold <= high, "data.split.fold", f"{low} (none) to {high}", split.fold)
        require(split.test < 1, "data.split.test", "less than 1", split.test)
        return
    require(split.fold == 0, "data.split.fold", "0 unless data.split.folds is set", split.fold)
    require(split.train > 0, "data.split.train", "more than 0", split.train)
    total = split.train + split.validation + split.test
    require(abs(total - 1) < 1e-9, "data.split", "train + validation + test = 1", round(total, 12))


def _check_network(recipe: Recipe) -> None:
    network = recipe.network
    for units in network.hidden:
        require(units >= 1, "network.hidden", "layers of at least one unit ([] for none)", network.hidden)
    require(network.output_units >= 0, "network.output_units", "0 (automatic) or more", network.output_units)
    for key, value in network.init.items():
        if key not in ("name", "bias"):
            ok = is_number(value) and math.isfinite(value) and value >= 0
            require(ok, f"network.init.{key}", "a number of at least 0", value)


def _check_training(recipe: Recipe) -> None:
    training = recipe.training
    _finite("training.learning_rate", training.learning_rate, lambda v: v > 0, "a number above 0")
    _finite("training.bias_learning_rate", training.bias_learning_rate, lambda v: v >= 0,
            "0 (the same as learning_rate) or more")  # fmt: skip
    _finite("training.l2", training.l2, lambda v: v >= 0, "a number of at least 0")
    require(training.epochs >= 1, "training.epochs", "1 or more", training.epochs)
    require(0 <= training.seed < 2**63, "training.seed", "0 or more, below 2**63", training.seed)
    one_of("training.dtype", training.dtype, ("float32", "float64"))
    one_of("training.engine", training.engine, ("spark", "local", "auto"))
    require(training.threads >= 0, "training.threads", "0 (all cores) or more", training.threads)
    require(training.block_rows >= 0, "training.block_rows", "0 (by the table) or more", training.block_rows)
    _finite(
        "training.label_smoothing",
        training.label_smoothing,
        lambda v: 0 <= v < 1,
        "a number from 0 to below 1",
    )
    if isinstance(training.class_weight, str):
        one_of("training.class_weight", training.class_weight, ("none", "balanced"))
    else:
        for label, weight in training.class_weight.items():
            number = is_number(weight)
            require(number and math.isfinite(weight) and weight >= 0, f"training.class_weight.{label}",
                     "a number of at least 0", weight)  # fmt: skip


def _check_rounds_and_stopping(recipe: Recipe) -> None:
    rounds, stopping = recipe.rounds, recipe.stopping
    for key, low in (("batch_size", 0), ("replicas", 1), ("local_epochs", 1), ("local_steps", 0)):
        require(getattr(rounds, key) >= low, f"rounds.{key}", f"{low} or more", getattr(rounds, key))
    if rounds.batch_size == 0:
        require(rounds.replicas == 1, "rounds.replicas", "1 unless rounds.batch_size is set", rounds.replicas)
    _finite("rounds.dropout", rounds.dropout, lambda v: 0 <= v < 1, "a number from 0 to below 1")
    if rounds.batch_size == 0:
        require(rounds.dropout == 0, "rounds.dropout", "0 unless rounds.batch_size is set", rounds.dropout)
    for key in ("patience", "min_delta", "tolerance", "min_epochs", "max_seconds", "max_evaluations"):
        _finite(f"stopping.{key}", getattr(stopping, key), lambda v: v >= 0, "a number of at least 0")
    require(
        stopping.tolerance_epochs >= 1, "stopping.tolerance_epochs", "1 or more", stopping.tolerance_epochs
    )
    if stopping.patience and stopping.monitor.startswith("validation"):
        require_validation(recipe.data, f"to stop on {stopping.monitor}")


RULES = '"f1", {precision = p}, {recall = r} or {costs = {false_positive = a, false_negative = b}}'


def _check_prediction(recipe: Recipe) -> None:
    prediction, task = recipe.prediction, recipe.data.task
    require(
        prediction.calibration == "none" or task != "regression",
        "prediction.calibration",
        "'none' for data.task 'regression'",
        prediction.calibration,
    )
    key, rule = "prediction.threshold", prediction.threshold
    require(rule == 0.5 or task == "classification", key, f"0.5 for data.task {task!r}", rule)
    if isinstance(rule, dict):
        require(len(rule) == 1 and next(iter(rule)) in ("precision", "recall", "costs"), key, RULES, rule)
        name, value = next(iter(rule.items()))
        if name == "costs":
            names = {"false_positive", "false_negative"}
            require(isinstance(value, dict) and set(value) == names, key, RULES, rule)
            for kind, cost in value.items():
                ok = is_number(cost) and math.isfinite(cost) and cost >= 0
                require(ok, f"{key}.costs.{kind}", "a number of at least 0", cost)
            require(any(value.values()), f"{key}.costs", "a cost above 0", value)
        else:
            ok = is_number(value) and 0 < value <= 1
            require(ok, f"{key}.{name}", "a number above 0, up to 1", value)
    elif isinstance(rule, str):
        require(rule == "f1", key, f"a number, {RULES}", rule)
    else:
        _finite(key, rule, lambda v: 0 <= v <= 1, "a number from 0 to 1")
