"""Activation functions of the hidden and output units, in place.

``apply(z)`` turns pre-activations into activations; ``grad(a)`` turns activations into the
derivative da/dz. Both overwrite their argument, shape (n, units), and return it. Derivatives are
written in terms of ``a``, so z need not be kept.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ACTIVATIONS", "OUTPUTS", "Activation", "row_max", "row_sum"]

Array = NDArray[Any]
LEAK = 0.01
FEW_UNITS = 64


class Activation(NamedTuple):
    """A pair of in-place functions: z to a, and a to da/dz."""

    apply: Callable[[Array], Array]
    grad: Callable[[Array], Array]


def _sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)); where exp overflows to infinity, 0."""
    np.negative(z, out=z)
    with np.errstate(over="ignore"):
        np.exp(z, out=z)
    z += 1.0
    return np.reciprocal(z, out=z)


def _sigmoid_grad(a: Array) -> Array:
    return np.multiply(a, 1.0 - a, out=a)


def _tanh(z: Array) -> Array:
    return np.tanh(z, out=z)


def _tanh_grad(a: Array) -> Array:
    np.square(a, out=a)
    return np.subtract(1.0, a, out=a)


def _relu(z: Array) -> Array:
    return np.maximum(z, 0.0, out=z)


def _relu_grad(a: Array) -> Array:
    return np.greater(a, 0.0, out=a, casting="unsafe")


def _leaky_relu(z: Array) -> Array:
    return np.maximum(z, LEAK * z, out=z)


def _leaky_relu_grad(a: Array) -> Array:
    np.greater(a, 0.0, out=a, casting="unsafe")
    return np.maximum(a, LEAK, out=a)


def _softplus(z: Array) -> Array:
    """log(1 + exp(z)) = max(z, 0) + log1p(exp(-|z|))."""
    positive = np.maximum(z, 0.0)
    np.log1p(np.exp(-np.abs(z)), out=z)
    return np.add(z, positive, out=z)


def _softplus_grad(a: Array) -> Array:
    """The sigmoid of z, which is 1 - exp(-a)."""
    np.negative(a, out=a)
    return np.negative(np.expm1(a, out=a), out=a)


def _identity(z: Array) -> Array:
    return z


def _identity_grad(a: Array) -> Array:
    a.fill(1.0)
    return a


def _softmax(z: Array) -> Array:
    """exp(z) / sum(exp(z)) over the units of a row, shifted by the row's largest z."""
    z -= row_max(z)[:, None]
    np.exp(z, out=z)
    z /= row_sum(z)[:, None]
    return z


def row_max(values: Array) -> Array:
    """The largest value of each row, shape (n,).

    NumPy's maximum along short rows takes five times as long as a transposed copy and this.
    """
    return np.asarray((values.T.copy() if values.shape[1] < FEW_UNITS else values.T).max(axis=0))


def row_sum(values: Array) -> Array:
    """The sum of each row, shape (n,); for short rows einsum is twice as quick as ``sum``."""
    return np.asarray(np.einsum("ij->i", values) if values.shape[1] < FEW_UNITS else values.sum(axis=1))


ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(_identity, _identity_grad),
    "leaky_relu": Activation(_leaky_relu, _leaky_relu_grad),
    "relu": Activation(_relu, _relu_grad),
    "sigmoid": Activation(_sigmoid, _sigmoid_grad),
    "softplus": Activation(_softplus, _softplus_grad),
    "tanh": Activation(_tanh, _tanh_grad),
}
OUTPUTS: dict[str, Callable[[Array], Array]] = {
    "identity": _identity,
    "sigmoid": _sigmoid,
    "softmax": _softmax,
}
