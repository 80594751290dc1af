"""Gradient descent: theta' = theta - rate * grad."""

from typing import NamedTuple

from nnspark.optimizers.base import Rate, Rule, Vector

__all__ = ["GDState", "gd"]


class GDState(NamedTuple):
    """Gradient descent remembers nothing."""


def gd() -> Rule:
    """Gradient descent; in scikit-learn ``solver="sgd", momentum=0``."""

    def init(theta: Vector) -> GDState:
        return GDState()

    def step(theta: Vector, grad: Vector, state: GDState, rate: Rate) -> tuple[Vector, GDState]:
        return theta - rate * grad, state

    return Rule(init, step)
