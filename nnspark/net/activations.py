"""Activation functions of the hidden and output units, in place.

``apply(z)`` turns pre-activations into activations; ``grad(a)`` turns activations into the
derivative da/dz. Both overwrite their argument, shape (n, units), and return it. Most derivatives are
written in terms of ``a``, so that z need not be kept. Where a does not tell z (a SiLU takes most of its
negative values twice), ``needs_z`` is true and it is ``grad(z)``: z is kept then, at the price of one copy.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.net.normal import bell_and_tail, normal_cdf

__all__ = ["ACTIVATIONS", "OUTPUTS", "Activation", "by_rows", "row_dot", "row_max", "row_sum"]

Array = NDArray[Any]
LEAK = 0.01
ROOT_2_PI = math.sqrt(2.0 * math.pi)
FEW_UNITS, TWO = 64, 2


class Activation(NamedTuple):
    """A pair of in-place functions: z to a, and a, or z if it needs that, to da/dz."""

    apply: Callable[[Array], Array]
    grad: Callable[[Array], Array]
    needs_z: bool = False


def _sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)); where exp overflows to infinity, 0."""
    np.negative(z, out=z)
    with np.errstate(over="ignore"):
        np.exp(z, out=z)
    z += 1.0
    return np.divide(1.0, z, out=z)


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


def _silu(z: Array) -> Array:
    """z sigmoid(z) (Elfwing et al., 2018)."""
    return np.multiply(z, _sigmoid(z.copy()), out=z)


def _silu_grad(z: Array) -> Array:
    """s + z s (1 - s) = s (1 + z (1 - s)) with s = sigmoid(z)."""
    s = _sigmoid(z.copy())
    z *= 1.0 - s
    z += 1.0
    return np.multiply(z, s, out=z)


def _gelu(z: Array) -> Array:
    """z Φ(z), exactly, not by tanh (Hendrycks & Gimpel, 2016)."""
    return np.multiply(z, normal_cdf(z), out=z)


def _gelu_grad(z: Array) -> Array:
    """Φ(z) + z exp(-z²/2) / sqrt(2π)."""
    bell, tail = bell_and_tail(z)
    cdf = np.where(z < 0.0, tail, 1.0 - tail)
    bell /= ROOT_2_PI
    z *= bell
    return np.add(z, cdf, out=z)


def _identity(z: Array) -> Array:
    return z


def _identity_grad(a: Array) -> Array:
    a.fill(1.0)
    return a


def _softmax(z: Array) -> Array:
    """exp(z) / sum(exp(z)) over the units of a row, shifted by the row's largest z."""
    by_rows(np.subtract, z, row_max(z))
    np.exp(z, out=z)
    return by_rows(np.divide, z, row_sum(z))


def row_max(values: Array) -> Array:
    """The largest value of each row, shape (n,).

    NumPy's maximum along short rows takes five times as long as a transposed copy and this.
    """
    if values.shape[1] == TWO:
        return np.asarray(np.maximum(values[:, 0], values[:, 1]))
    return np.asarray((values.T.copy() if values.shape[1] < FEW_UNITS else values.T).max(axis=0))


def row_sum(values: Array) -> Array:
    """The sum of each row, shape (n,); for short rows einsum is twice as quick as ``sum``."""
    if values.shape[1] == TWO:
        return np.asarray(values[:, 0] + values[:, 1])
    return np.asarray(np.einsum("ij->i", values) if values.shape[1] < FEW_UNITS else values.sum(axis=1))


def row_dot(first: Array, second: Array) -> Array:
    """The sum of the products of each row, shape (n,)."""
    if first.shape[1] == TWO:
        return np.asarray(first[:, 0] * second[:, 0] + first[:, 1] * second[:, 1])
    return np.asarray(np.einsum("ij,ij->i", first, second))


def by_rows(operate: np.ufunc, values: Array, one: Array) -> Array:
    """``operate`` on each row of values (n, units) and its number of ``one`` (n,); in place.

    With two units column by column, as NumPy goes along rows and has not got going when one ends.
    """
    if values.shape[1] == TWO:
        for column in values.T:
            operate(column, one, out=column)
        return values
    return np.asarray(operate(values, one[:, None], out=values))


ACTIVATIONS: dict[str, Activation] = {
    "gelu": Activation(_gelu, _gelu_grad, needs_z=True),
    "identity": Activation(_identity, _identity_grad),
    "leaky_relu": Activation(_leaky_relu, _leaky_relu_grad),
    "relu": Activation(_relu, _relu_grad),
    "sigmoid": Activation(_sigmoid, _sigmoid_grad),
    "silu": Activation(_silu, _silu_grad, needs_z=True),
    "softplus": Activation(_softplus, _softplus_grad),
    "tanh": Activation(_tanh, _tanh_grad),
}
OUTPUTS: dict[str, Callable[[Array], Array]] = {
    "identity": _identity,
    "sigmoid": _sigmoid,
    "softmax": _softmax,
}
