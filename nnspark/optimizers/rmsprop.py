"""RMSprop: each weight's step is divided by a running root mean square of its gradient.

    square' = decay * square + (1 - decay) * grad**2
    theta'  = theta - rate * grad / (sqrt(square') + eps)

References
----------
T. Tieleman, G. Hinton, Lecture 6.5 of Neural Networks for Machine Learning, 2012.
"""

from typing import NamedTuple

import numpy as np

from nnspark.optimizers.base import Rule, Vector
from nnspark.optimizers.elementwise import Piece, elementwise
from nnspark.recipe.options import check_number

__all__ = ["RMSpropState", "rmsprop"]


class RMSpropState(NamedTuple):
    """The running mean of squared gradients."""

    square: Vector


def rmsprop(*, decay: float = 0.9, eps: float = 1e-8) -> Rule:
    """RMSprop.

    Parameters
    ----------
    decay : share of the running mean kept, in [0, 1).
    eps : keeps the division finite.
    """
    check_number("decay", decay, lambda v: 0 <= v < 1, "in [0, 1)")
    check_number("eps", eps, lambda v: v >= 0, "of 0 or more")

    def init(theta: Vector) -> RMSpropState:
        return RMSpropState(np.zeros_like(theta))

    def move(piece: Piece) -> None:
        size, way = piece.scratch
        np.multiply(piece.grad, piece.grad, out=size)
        size *= 1 - decay
        square = np.multiply(decay, piece.state.square, out=piece.new.square)
        square += size
        np.sqrt(square, out=size)
        size += eps
        np.multiply(piece.rate, piece.grad, out=way)
        way /= size
        np.subtract(piece.theta, way, out=piece.moved)

    return Rule(init, elementwise(move, scratch=2))
