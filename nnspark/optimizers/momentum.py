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

from nnspark.optimizers.base import Rate, Rule, Vector, in_pieces
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

    def step(theta: Vector, grad: Vector, state: VelocityState, rate: Rate) -> tuple[Vector, VelocityState]:
        velocity = momentum * state.velocity
        velocity -= rate * grad
        return theta + velocity, VelocityState(velocity)

    return Rule(at_rest, in_pieces(step))


def nesterov(*, momentum: float = 0.9) -> Rule:
    """Nesterov's momentum; in scikit-learn ``solver="sgd", nesterovs_momentum=True``.

    Parameters
    ----------
    momentum : share of the velocity kept, in [0, 1).
    """
    check_number("momentum", momentum, lambda v: 0 <= v < 1, "in [0, 1)")

    def step(theta: Vector, grad: Vector, state: VelocityState, rate: Rate) -> tuple[Vector, VelocityState]:
        push = rate * grad
        velocity = momentum * state.velocity
        velocity -= push
        ahead = momentum * velocity
        ahead -= push
        ahead += theta
        return ahead, VelocityState(velocity)

    return Rule(at_rest, in_pieces(step))


def at_rest(theta: Vector) -> VelocityState:
    """The state before the first step: no velocity."""
    return VelocityState(np.zeros_like(theta))
