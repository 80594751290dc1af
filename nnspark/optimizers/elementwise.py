"""Steps of first-order methods, ``PIECE`` weights at a time, so that what they need stays in a core's cache.

Each weight's move follows from its own entries of theta, the gradient, a rate and the arrays of the state. So
a rule is written for a piece of them, as a `Move`, which writes what comes of it where it is told: to new
arrays, or, of a caller that wants no old ones any more, over those that came in.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.optimizers.base import Rate, Vector

__all__ = ["Move", "Piece", "elementwise"]

PIECE = 32_768  # weights


class Piece(NamedTuple):
    """Some of the weights.

    theta, grad, rate, state : what is there; the state's arrays are those of the piece, its count of steps is
        that of this one.
    moved, new : where to write theta' and the state's arrays to; may be ``theta`` and those of ``state``.
    scratch : (number, n), to be overwritten.
    here : where the piece is, for what else there is of each weight.
    """

    theta: Vector
    grad: Vector
    rate: Rate
    state: Any
    moved: Vector
    new: Any
    scratch: NDArray[Any]
    here: slice


Move = Callable[[Piece], object]


def elementwise(
    move: Move, *, scratch: int = 1, counted: Callable[[Any], Any] = lambda state: state
) -> Callable[..., tuple[Vector, Any]]:
    """A rule's step, ``step(theta, grad, state, rate, into=None)``, from the move of a piece.

    ``scratch`` arrays it needs; ``counted`` is the state with what is no array moved on. ``into`` is a theta
    and a state whose arrays are written to, in place of new ones; they may be those that are given.
    """

    def step(
        theta: Vector, grad: Vector, state: Any, rate: Rate, into: tuple[Vector, Any] | None = None
    ) -> tuple[Vector, Any]:
        after = counted(state)
        moved, kept = into or (np.empty_like(theta), _like(after))
        new = _at(kept, slice(None), after)
        room = np.empty((scratch, min(PIECE, theta.size)), theta.dtype)
        for start in range(0, theta.size, PIECE):
            here = slice(start, min(start + PIECE, theta.size))
            rate_here = rate[here] if isinstance(rate, np.ndarray) else rate
            old, space = _at(after, here), room[:, : here.stop - start]
            move(Piece(theta[here], grad[here], rate_here, old, moved[here], _at(kept, here), space, here))
        return moved, new

    return step


def _like(state: Any) -> Any:
    """The state with new arrays."""
    arrays = {name: np.empty_like(value) for name, value in _arrays(state)}
    return state._replace(**arrays)


def _at(state: Any, here: slice, plain: Any = None) -> Any:
    """The state with a piece of each array, and what is no array of ``plain``, where that is given."""
    return (state if plain is None else plain)._replace(
        **{name: value[here] for name, value in _arrays(state)}
    )


def _arrays(state: Any) -> list[tuple[str, Vector]]:
    return [
        (name, value)
        for name, value in zip(state._fields, state, strict=True)
        if isinstance(value, np.ndarray)
    ]
