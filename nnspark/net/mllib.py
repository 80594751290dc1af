"""The flat vector in which Spark's MLlib keeps a perceptron's weights, and ours.

MLlib lays out layer after layer the weights, numOut × numIn column by column, and then the biases. Our theta
is row by row with the bias first: ``W[:, 0]`` biases, ``W[:, 1:]`` weights, W of shape (numOut, 1 + numIn).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import ShapeError
from nnspark.net.weights import count, shapes

__all__ = ["from_mllib", "to_mllib"]

Array = NDArray[Any]


def to_mllib(weights: Sequence[Array]) -> NDArray[np.float64]:
    """The vector of ``model.weights`` in Spark."""
    pieces = [part for W in weights for part in (W[:, 1:].ravel(order="F"), W[:, 0])]
    return np.concatenate(pieces).astype(np.float64)


def from_mllib(vector: Array, layers: Sequence[int], name: str = "initialWeights") -> NDArray[np.float64]:
    """Theta of a vector as ``initialWeights`` takes it in Spark; ShapeError if it has another length."""
    if vector.shape != (count(layers),):
        raise ShapeError(f"{name}: layers {list(layers)} take {count(layers)} weights, got {vector.size}")
    rows, start = [], 0
    for units, columns in shapes(layers):
        size = units * (columns - 1)
        W = vector[start : start + size].reshape(units, columns - 1, order="F")
        bias = vector[start + size : start + size + units]
        rows.append(np.column_stack([bias, W]).ravel())
        start += size + units
    return np.concatenate(rows).astype(np.float64)
