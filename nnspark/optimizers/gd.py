"""Gradient descent: theta' = theta - rate * grad."""

from typing import NamedTuple

import numpy as np

from nnspark.optimizers.base import Rate, Rule, Vector

__all__ = ["GDState", "gd"]


class GDState(NamedTuple):
    """Gradient descent remembers nothing."""


def gd() -> Rule:
    """Gradient descent; in scikit-learn ``solver="sgd", momentum=0``."""

    def init(theta: Vector) -> GDState:
        return GDState()

    def step(theta: Vector, grad: Vector, state: GDState, rate: Rate) -> tuple[Vector, GDState]:
        move = rate * grad
        return np.subtract(theta, move, out=move), state

    return Rule(init, step)
