"""Gradient descent with a velocity: plain momentum and Nesterov's, as scikit-learn writes them.

    velocity' = momentum * velocity - rate * grad
    theta'    = theta + velocity'                                  momentum
    theta'    = theta + momentum * velocity' - rate * grad         nesterov

The rate is inside the velocity, so a falling rate slows old gradients only as fast as the momentum forgets
them.

References
----------
I. Sutskever, J. Martens, G. Dahl, G. Hinton, On the importance of initialization and momentum in deep
learning, 2013.
"""

from typing import NamedTuple

import numpy as np

from nnspark.optimizers.base import Rule, Vector
from nnspark.optimizers.elementwise import Piece, elementwise
from nnspark.recipe.options import check_number

__all__ = ["VelocityState", "momentum", "nesterov"]


class VelocityState(NamedTuple):
    """The last move of theta, without Nesterov's look ahead."""

    velocity: Vector


def momentum(*, momentum: float = 0.9) -> Rule:
    """Momentum; in scikit-learn ``solver="sgd", nesterovs_momentum=False``.

    Parameters
    ----------
    momentum : share of the velocity kept, in [0, 1).
    """
    check_number("momentum", momentum, lambda v: 0 <= v < 1, "in [0, 1)")

    def move(piece: Piece) -> None:
        push = np.multiply(piece.rate, piece.grad, out=piece.scratch[0])
        velocity = np.multiply(momentum, piece.state.velocity, out=piece.new.velocity)
        velocity -= push
        np.add(piece.theta, velocity, out=piece.moved)

    return Rule(at_rest, elementwise(move))


def nesterov(*, momentum: float = 0.9) -> Rule:
    """Nesterov's momentum; in scikit-learn ``solver="sgd", nesterovs_momentum=True``.

    Parameters
    ----------
    momentum : share of the velocity kept, in [0, 1).
    """
    check_number("momentum", momentum, lambda v: 0 <= v < 1, "in [0, 1)")

    def move(piece: Piece) -> None:
        push = np.multiply(piece.rate, piece.grad, out=piece.scratch[0])
        velocity = np.multiply(momentum, piece.state.velocity, out=piece.new.velocity)
        velocity -= push
        ahead = np.multiply(momentum, velocity, out=piece.scratch[1])
        ahead -= push
        np.add(ahead, piece.theta, out=piece.moved)

    return Rule(at_rest, elementwise(move, scratch=2))


def at_rest(theta: Vector) -> VelocityState:
    """The state before the first step: no velocity."""
    return VelocityState(np.zeros_like(theta))
