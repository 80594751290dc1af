"""The L2 term: l2 / (2m) · sum of squared weights, biases left out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["add_l2"]

Array = NDArray[Any]


def add_l2(
    loss: float, grad: Array, theta: Array, *, l2: float, num_samples: float, is_bias: NDArray[np.bool_]
) -> tuple[float, Array]:
    """Cost and gradient with the penalty: loss + l2/(2m)·|W|², grad + l2/m·W, W without biases.

    ``loss`` and ``grad`` are means over the ``num_samples`` rows (the sum of their weights).
    """
    if l2 == 0.0:
        return loss, grad
    W = np.where(is_bias, 0.0, theta.astype(np.float64))
    with np.errstate(over="ignore", invalid="ignore"):
        return loss + l2 / (2.0 * num_samples) * float(np.dot(W, W)), grad + (l2 / num_samples) * W
