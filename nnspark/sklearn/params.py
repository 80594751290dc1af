"""The estimators' arguments: is each one a value it can have? One line says what was expected, what came."""

import math
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from nnspark.errors import RecipeError
from nnspark.net import activations

__all__ = ["ACTIVATIONS", "STOCHASTIC", "check_params", "hidden_layers"]

ACTIVATIONS = {"logistic": "sigmoid"} | {name: name for name in activations.ACTIVATIONS}
STOCHASTIC = ("sgd", "adam", "adamw", "rmsprop")
SOLVERS = (*STOCHASTIC, "lbfgs", "cg")


class Rule(NamedTuple):
    """What an argument has to be, in words and as a test."""

    expected: str
    fits: Callable[[Any], bool]


def check_params(name: str, params: Mapping[str, Any]) -> None:
    """Raise RecipeError, a ValueError, at the first argument that cannot be; ``name`` is the class's."""
    hidden_layers(name, params["hidden_layer_sizes"])
    for key, value in params.items():
        rule = RULES.get(key)
        if rule is not None and not rule.fits(value):
            raise RecipeError(f"{name}: {key}: expected {rule.expected}, got {value!r}")


def hidden_layers(name: str, sizes: Any) -> list[int]:
    """Units of each hidden layer, from a number or a sequence of numbers."""
    layers = list(sizes) if isinstance(sizes, Iterable) and not isinstance(sizes, str) else [sizes]
    if not all(_whole(units, 1) for units in layers):
        raise RecipeError(
            f"{name}: hidden_layer_sizes must be > 0, a whole number of units a layer, got {sizes!r}"
        )
    return [int(units) for units in layers]


def _whole(value: Any, low: int) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool | np.bool_) and int(value) >= low


def _number(value: Any, fits: Callable[[float], bool]) -> bool:
    if not isinstance(value, Real) or isinstance(value, bool | np.bool_):
        return False
    try:
        return math.isfinite(value) and fits(float(value))
    except OverflowError:  # a whole number that no float can hold
        return False


def _one_of(*names: str) -> Rule:
    return Rule(f"one of {', '.join(names)}", lambda value: isinstance(value, str) and value in names)


FLAG = Rule("True or False", lambda value: isinstance(value, bool | np.bool_))
FROM_0 = Rule("a number of at least 0", lambda value: _number(value, lambda v: v >= 0))
ABOVE_0 = Rule("a number above 0", lambda value: _number(value, lambda v: v > 0))
SHARE = Rule("a number from 0 to below 1", lambda value: _number(value, lambda v: 0 <= v < 1))
FROM_1 = Rule("a whole number of 1 or more", lambda value: _whole(value, 1))

RULES = {
    "activation": _one_of(*ACTIVATIONS),
    "solver": _one_of(*SOLVERS),
    "loss": _one_of("squared_error"),
    "alpha": FROM_0,
    "batch_size": Rule("'auto' or a whole number of 1 or more", lambda v: v == "auto" or _whole(v, 1)),
    "learning_rate": _one_of("constant", "invscaling", "adaptive"),
    "learning_rate_init": ABOVE_0,
    "power_t": FROM_0,
    "max_iter": FROM_1,
    "shuffle": FLAG,
    "tol": FROM_0,
    "verbose": Rule("True, False or a number", lambda v: isinstance(v, bool | np.bool_) or _whole(v, 0)),
    "warm_start": FLAG,
    "momentum": SHARE,
    "nesterovs_momentum": FLAG,
    "early_stopping": FLAG,
    "validation_fraction": SHARE,
    "beta_1": SHARE,
    "beta_2": SHARE,
    "epsilon": ABOVE_0,
    "n_iter_no_change": Rule(
        "a whole number of 1 or more, or infinity", lambda v: _whole(v, 1) or v == math.inf
    ),
    "max_fun": FROM_1,
    "block_rows": Rule("a whole number of at least 0", lambda value: _whole(value, 0)),
    "engine": _one_of("auto", "local", "spark"),
}
