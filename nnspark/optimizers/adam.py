"""Adam, and AdamW, which decays the weights apart from the gradient.

    mean'   = beta1 * mean   + (1 - beta1) * grad
    square' = beta2 * square + (1 - beta2) * grad**2
    rate_t  = rate * sqrt(1 - beta2**t) / (1 - beta1**t)             t = 1, 2, ...
    theta'  = theta - rate_t * mean' / (sqrt(square') + eps)         adam
    theta'  = the same - rate * weight_decay * theta                 adamw, biases left alone

This is the form at the end of section 2 of the paper and the one scikit-learn uses: eps is added before the
bias correction.

References
----------
D. Kingma, J. Ba, Adam: a method for stochastic optimization, arXiv:1412.6980.
I. Loshchilov, F. Hutter, Decoupled weight decay regularization, arXiv:1711.05101.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.optimizers.base import Rule, Vector
from nnspark.optimizers.elementwise import Move, Piece, elementwise
from nnspark.recipe.options import check_number

__all__ = ["AdamState", "adam", "adamw"]


class AdamState(NamedTuple):
    """Steps taken and the running means of the gradient and of its square."""

    steps: int
    mean: Vector
    square: Vector


def adam(*, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> Rule:
    """Adam; in scikit-learn ``solver="adam"``.

    Parameters
    ----------
    beta1, beta2 : shares of the running means kept, in [0, 1).
    eps : keeps the division finite.
    """
    mover = _mover(*_checked(beta1, beta2, eps))
    return Rule(_init, elementwise(mover, scratch=2, counted=_counted))


def adamw(
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.01,
    bias_mask: NDArray[np.bool_] | None = None,
) -> Rule:
    """AdamW: Adam plus a decay of the weights that its running means do not see.

    Parameters
    ----------
    beta1, beta2, eps : as for `adam`.
    weight_decay : the share of a weight lost in a step is rate * weight_decay.
    bias_mask : bool array like theta, True for the biases, which do not decay; None decays everything.
    """
    check_number("weight_decay", weight_decay, lambda v: v >= 0, "of 0 or more")
    adams = _mover(*_checked(beta1, beta2, eps))
    decays = None if bias_mask is None else ~bias_mask

    def move(piece: Piece) -> None:
        decay = np.multiply(piece.rate * weight_decay, piece.theta, out=piece.scratch[2])
        if decays is not None:
            decay *= decays[piece.here]
        adams(piece._replace(scratch=piece.scratch[:2]))
        np.subtract(piece.moved, decay, out=piece.moved)

    return Rule(_init, elementwise(move, scratch=3, counted=_counted))


def _checked(beta1: float, beta2: float, eps: float) -> tuple[float, float, float]:
    check_number("beta1", beta1, lambda v: 0 <= v < 1, "in [0, 1)")
    check_number("beta2", beta2, lambda v: 0 <= v < 1, "in [0, 1)")
    check_number("eps", eps, lambda v: v >= 0, "of 0 or more")
    return beta1, beta2, eps


def _init(theta: Vector) -> AdamState:
    return AdamState(0, np.zeros_like(theta), np.zeros_like(theta))


def _counted(state: AdamState) -> AdamState:
    return state._replace(steps=state.steps + 1)


def _mover(beta1: float, beta2: float, eps: float) -> Move:
    """Adam's move of a piece; needs two scratch arrays."""

    def move(piece: Piece) -> None:
        (size, way), grad, steps = piece.scratch, piece.grad, piece.state.steps
        mean = np.multiply(beta1, piece.state.mean, out=piece.new.mean)
        mean += np.multiply(1 - beta1, grad, out=size)
        np.multiply(grad, grad, out=size)
        size *= 1 - beta2
        square = np.multiply(beta2, piece.state.square, out=piece.new.square)
        square += size
        np.sqrt(square, out=size)
        size += eps
        correction = math.sqrt(1 - beta2**steps) / (1 - beta1**steps)
        np.multiply(piece.rate * correction, mean, out=way)
        way /= size
        np.subtract(piece.theta, way, out=piece.moved)

    return move
