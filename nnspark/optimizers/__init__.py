"""Optimizers by name: what a recipe's ``training.optimizer`` can be and the options each one takes.

`OPTIMIZERS` maps a name to a factory with keyword-only options; `RULES` holds the first-order ones, which
also serve mini-batches. `make_optimizer` and `make_rule` check a recipe's options and say what is known when
one is not.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import RecipeError
from nnspark.optimizers.adam import adam, adamw
from nnspark.optimizers.base import CostFn, Optimizer, Rate, Rule, Vector, first_order
from nnspark.optimizers.cg import cg
from nnspark.optimizers.gd import gd
from nnspark.optimizers.lbfgs import lbfgs
from nnspark.optimizers.momentum import momentum, nesterov
from nnspark.optimizers.rmsprop import rmsprop
from nnspark.optimizers.schedules import Schedule
from nnspark.optimizers.state import state_from_arrays, state_to_arrays
from nnspark.recipe.options import choose

__all__ = [
    "OPTIMIZERS",
    "RULES",
    "CostFn",
    "Optimizer",
    "Rate",
    "Rule",
    "Vector",
    "first_order",
    "make_optimizer",
    "make_rates",
    "make_rule",
    "state_from_arrays",
    "state_to_arrays",
]

BiasMask = NDArray[np.bool_]

RULES: dict[str, Callable[..., Rule]] = {
    "adam": adam,
    "adamw": adamw,
    "gd": gd,
    "momentum": momentum,
    "nesterov": nesterov,
    "rmsprop": rmsprop,
}

OPTIMIZERS: dict[str, Callable[..., Rule | Optimizer]] = {**RULES, "cg": cg, "lbfgs": lbfgs}


def make_optimizer(
    name: str,
    *,
    schedule: Schedule,
    options: Mapping[str, Any] | None = None,
    bias_mask: BiasMask | None = None,
    bias_learning_rate: float = 0.0,
) -> Optimizer:
    """Make the optimizer a recipe asks for.

    Parameters
    ----------
    name, options : a key of `OPTIMIZERS` and its own options.
    schedule : learning rate per update; conjugate gradient and L-BFGS find their own step and ignore it.
    bias_mask : bool array like theta, True for the biases.
    bias_learning_rate : the biases' own rate on the same schedule; 0 for the same as the weights.

    Raises
    ------
    RecipeError : an unknown name or option, a value out of range, a bias rate where there is no rate.
    """
    options = options or {}
    factory = choose("optimizer", name, OPTIMIZERS, options, given=["bias_mask"])
    if name in RULES:
        rule = make_rule(name, options=options, bias_mask=bias_mask)
        return first_order(rule, make_rates(schedule, bias_learning_rate, bias_mask))
    if bias_learning_rate:
        raise RecipeError(
            f"bias_learning_rate: expected 0 with optimizer {name}, which has no learning rate, "
            f"got {bias_learning_rate!r}; leave it out or use one of {', '.join(RULES)}"
        )
    optimizer = factory(**options)
    assert isinstance(optimizer, Optimizer)
    return optimizer


def make_rule(
    name: str, *, options: Mapping[str, Any] | None = None, bias_mask: BiasMask | None = None
) -> Rule:
    """Make the first-order rule a recipe asks for; the parameters are those of `make_optimizer`."""
    options = options or {}
    if name in OPTIMIZERS and name not in RULES:
        raise RecipeError(
            f"optimizer {name} needs all rows for every step; expected one of {', '.join(RULES)} "
            "for mini-batches"
        )
    factory = choose("optimizer", name, RULES, options, given=["bias_mask"])
    if "bias_mask" in inspect.signature(factory).parameters:
        return factory(**options, bias_mask=bias_mask)
    return factory(**options)


def make_rates(
    schedule: Schedule, bias_learning_rate: float = 0.0, bias_mask: BiasMask | None = None
) -> Callable[[int], Rate]:
    """Make the rate per count: a float, or an array where the biases have a rate of their own."""
    if not bias_learning_rate:
        return schedule
    if bias_mask is None:
        raise ValueError("bias_learning_rate needs bias_mask, to know which entries of theta are biases")
    bias_schedule = replace(schedule, learning_rate=float(bias_learning_rate))
    return lambda count: np.where(bias_mask, bias_schedule(count), schedule(count))
