"""Losses with the output they sit on: the loss of each row, and its derivative with respect to z.

A pair (output, loss) is one entry of ``HEADS``. Where the derivative is a - Y (the canonical pairs)
the loss is computed from z, so that it stays finite however sure and wrong the network is.

Shapes: z, a, Y (n, units); row losses (n,).
    cross_entropy, softmax   -sum_k Y_k log a_k            (multinomial)
    cross_entropy, sigmoid   -sum_k Y_k log a_k + (1 - Y_k) log(1 - a_k)    (binary or per unit)
    squared_error            1/2 sum_k (a_k - Y_k)²        (with every output)
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.net.activations import by_rows, row_dot, row_max, row_sum

__all__ = ["HEADS", "Head"]

Array = NDArray[Any]


class Head(NamedTuple):
    """Row losses from (z, a, Y), and delta = d loss / dz written into ``out``."""

    loss: Callable[[Array, Array, Array], Array]
    delta: Callable[[Array, Array, Array], Array]


def _softmax_cross_entropy(z: Array, a: Array, Y: Array) -> Array:
    """sum(Y) logsumexp(z) - Y·z, shifted by the row's largest z, where logsumexp is -log(largest a)."""
    shifted = by_rows(np.subtract, z.copy(), row_max(z))
    return np.asarray(-row_sum(Y) * np.log(row_max(a)) - row_dot(Y, shifted))


def _sigmoid_cross_entropy(z: Array, a: Array, Y: Array) -> Array:
    """sum over units of log(1 + exp(z)) - Y z, without overflow."""
    losses = np.log1p(np.exp(-np.abs(z)))
    losses += np.maximum(z, 0.0)
    losses -= Y * z
    return row_sum(losses)


def _squared_error(z: Array, a: Array, Y: Array) -> Array:
    error = a - Y
    return np.asarray(0.5 * row_dot(error, error))


def _difference(a: Array, Y: Array, out: Array) -> Array:
    return np.subtract(a, Y, out=out)


def _sigmoid_squared_error_delta(a: Array, Y: Array, out: Array) -> Array:
    np.subtract(a, Y, out=out)
    out *= a
    out *= 1.0 - a
    return out


def _softmax_squared_error_delta(a: Array, Y: Array, out: Array) -> Array:
    """The whole softmax Jacobian: delta_k = a_k (e_k - sum_j e_j a_j) with e = a - Y."""
    np.subtract(a, Y, out=out)
    by_rows(np.subtract, out, row_dot(out, a))
    out *= a
    return out


HEADS: dict[tuple[str, str], Head] = {
    ("softmax", "cross_entropy"): Head(_softmax_cross_entropy, _difference),
    ("sigmoid", "cross_entropy"): Head(_sigmoid_cross_entropy, _difference),
    ("identity", "squared_error"): Head(_squared_error, _difference),
    ("sigmoid", "squared_error"): Head(_squared_error, _sigmoid_squared_error_delta),
    ("softmax", "squared_error"): Head(_squared_error, _softmax_squared_error_delta),
}
