"""Gradient descent: theta' = theta - rate * grad."""

from typing import NamedTuple

import numpy as np

from nnspark.optimizers.base import Rule, Vector
from nnspark.optimizers.elementwise import Piece, elementwise

__all__ = ["GDState", "gd"]


class GDState(NamedTuple):
    """Gradient descent remembers nothing."""


def gd() -> Rule:
    """Gradient descent; in scikit-learn ``solver="sgd", momentum=0``."""

    def init(theta: Vector) -> GDState:
        return GDState()

    def move(piece: Piece) -> None:
        push = np.multiply(piece.rate, piece.grad, out=piece.scratch[0])
        np.subtract(piece.theta, push, out=piece.moved)

    return Rule(init, elementwise(move))
