"""Schedules: the learning rate as a pure function of the epoch (or step, or round), counted from 0.

    rate(t) = learning_rate * (t + 1) / (warmup + 1)                 t <  warmup
    rate(t) = learning_rate * factor(t - warmup)                     t >= warmup

A recipe names a schedule, with options or without: ``"constant"``, ``{name = "exponential", factor = 0.95,
warmup = 3}``. `SCHEDULES` maps a name to a factory of factor(t), which starts at 1.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from nnspark.recipe.options import check_number, check_whole, choose, name_and_options

__all__ = ["SCHEDULES", "Factor", "Schedule", "make_schedule"]

Factor: TypeAlias = Callable[[int], float]


@dataclass(frozen=True)
class Schedule:
    """A learning rate and what multiplies it; call it with a count from 0.

    ``dataclasses.replace(schedule, learning_rate=...)`` is the same course at another rate, say the biases'.
    """

    learning_rate: float
    factor: Factor

    def __call__(self, count: int) -> float:
        """The rate at `count`."""
        return self.learning_rate * self.factor(count)


def constant() -> Factor:
    """Always 1."""
    return lambda t: 1.0


def step(*, factor: float = 0.5, every: int = 10) -> Factor:
    """Multiply by `factor` once every `every` epochs."""
    check_number("factor", factor, lambda v: 0 < v <= 1, "in (0, 1]")
    check_whole("every", every, 1)
    return lambda t: float(factor ** (t // every))


def exponential(*, factor: float = 0.95) -> Factor:
    """Multiply by `factor` every epoch."""
    check_number("factor", factor, lambda v: 0 < v <= 1, "in (0, 1]")
    return lambda t: float(factor**t)


def inverse_scaling(*, power: float = 0.5, pace: float = 1.0) -> Factor:
    """1 / (pace * t + 1)**power; with the number of training rows as pace, scikit-learn's "invscaling"."""
    check_number("power", power, lambda v: v >= 0, "of 0 or more")
    check_number("pace", pace, lambda v: v >= 0, "of 0 or more")
    return lambda t: float((pace * t + 1) ** -power)


def cosine(*, epochs: int, floor: float = 0.0) -> Factor:
    """Half a cosine from 1 down to `floor`, a share of the learning rate, at `epochs` and after.

    I. Loshchilov, F. Hutter, SGDR: stochastic gradient descent with warm restarts, 2017, equation (5), no
    restart.
    """
    check_number("floor", floor, lambda v: 0 <= v <= 1, "in [0, 1], a share of learning_rate")

    def factor(t: int) -> float:
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(t, epochs) / epochs))

    return factor


SCHEDULES: dict[str, Callable[..., Factor]] = {
    "constant": constant,
    "cosine": cosine,
    "exponential": exponential,
    "inverse_scaling": inverse_scaling,
    "step": step,
}


def make_schedule(learning_rate: float, spec: str | Mapping[str, Any], epochs: int) -> Schedule:
    """Make the schedule a recipe asks for.

    Parameters
    ----------
    learning_rate : the rate that the schedule's factor multiplies, positive.
    spec : a name in `SCHEDULES`, or a mapping with ``name``, ``warmup`` (0) and the schedule's own options.
    epochs : how long training takes; the cosine reaches its floor there, warm-up included.

    Raises
    ------
    RecipeError : an unknown name or option, or a value out of range.
    """
    check_number("learning_rate", learning_rate, lambda v: v > 0, "above 0")
    name, options = name_and_options(spec, "constant")
    warmup = options.pop("warmup", 0)
    check_whole("warmup", warmup, 0)
    factory = choose("schedule", name, SCHEDULES, options, given=["epochs"], shared=["name", "warmup"])
    if "epochs" in inspect.signature(factory).parameters:
        options["epochs"] = max(1, epochs - warmup)
    factor = factory(**options)

    def warmed(t: int) -> float:
        return (t + 1) / (warmup + 1) if t < warmup else factor(t - warmup)

    return Schedule(float(learning_rate), warmed)
