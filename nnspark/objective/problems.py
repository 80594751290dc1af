"""What a network can be asked to predict: the targets of the loss, and what outputs say.

What a problem is judged by is in ``metrics.py``. (The recipe calls a problem ``data.task``.)
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["PROBLEMS", "Problem", "places_of", "predicted_classes", "shares_of"]

Array = NDArray[Any]


class Problem(NamedTuple):
    """``targets(y, Y, smoothing)`` fills Y (n, units) from y as the plan holds it, and returns Y."""

    targets: Callable[[Array, Array, float], Array]


def predicted_classes(outputs: Array) -> NDArray[np.intp]:
    """Class index of each row: the largest output, or output >= 0.5 of a single unit."""
    if outputs.shape[1] == 1:
        return np.asarray(outputs[:, 0] >= 0.5, dtype=np.intp)
    if outputs.shape[1] == 2:
        return np.asarray(outputs[:, 1] > outputs[:, 0], dtype=np.intp)
    return np.asarray(outputs.argmax(axis=1), dtype=np.intp)


def places_of(y: Array, classes: int) -> NDArray[np.intp]:
    """Where each row's own class y (n,) is in a contiguous table (n, classes), as one run of values."""
    return np.arange(0, len(y) * classes, classes) + y


def shares_of(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each class's probability (n, classes): a single unit's two, or the outputs scaled to add up to 1.

    Where all outputs are 0 there is nothing to scale, and the classes share alike.
    """
    if outputs.shape[1] == 1:
        return np.hstack([1.0 - outputs, outputs])
    total = outputs.sum(axis=1, keepdims=True)
    even = np.full_like(outputs, 1 / outputs.shape[1])
    return np.asarray(np.divide(outputs, total, out=even, where=total > 0))


def _class_targets(y: Array, Y: Array, smoothing: float) -> Array:
    """One-hot rows (a 0/1 column for a single unit), smoothed towards 1/units."""
    if Y.shape[1] == 1:
        Y[:, 0] = y
    else:
        Y.fill(0.0)
        Y.reshape(-1)[places_of(y, Y.shape[1])] = 1.0
    if smoothing:
        Y *= 1.0 - smoothing
        Y += smoothing / max(Y.shape[1], 2)
    return Y


def _copied_targets(y: Array, Y: Array, smoothing: float) -> Array:
    np.copyto(Y, y)
    if smoothing:
        Y *= 1.0 - smoothing
        Y += smoothing / 2
    return Y


PROBLEMS: dict[str, Problem] = {
    "classification": Problem(_class_targets),
    "multilabel": Problem(_copied_targets),
    "regression": Problem(_copied_targets),
}
