"""Weights: initial values, the flat vector the optimizers see, and which of its entries are biases.

Conventions: a network with layers (d, h, k) has weights ``[W1, W2]`` of shapes ``(h, 1 + d)`` and
``(k, 1 + h)``; column 0 of each W is the bias. ``theta`` is all of them in one vector, row by row.
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import RecipeError, ShapeError
from nnspark.recipe.options import name_and_options

__all__ = ["INITS", "bias_mask", "count", "flatten", "init_weights", "sha256", "shapes", "unflatten"]

Array = NDArray[Any]


def shapes(layers: Sequence[int]) -> list[tuple[int, int]]:
    """Shape of each W for the given layer sizes, inputs first."""
    return [(units, 1 + fan_in) for fan_in, units in pairwise(layers)]


def count(layers: Sequence[int]) -> int:
    """Number of weights, biases included: the length of theta."""
    return sum(rows * columns for rows, columns in shapes(layers))


def flatten(weights: Sequence[Array]) -> Array:
    """One new vector with every W, row by row, layer by layer."""
    return np.concatenate([W.ravel() for W in weights])


def unflatten(theta: Array, layers: Sequence[int]) -> list[Array]:
    """Views into ``theta`` with the shapes of the layers' weights."""
    if theta.shape != (count(layers),):
        raise ShapeError(
            f"layers {list(layers)} take {count(layers)} weights but the vector has shape {theta.shape}"
        )
    weights, start = [], 0
    for rows, columns in shapes(layers):
        weights.append(theta[start : start + rows * columns].reshape(rows, columns))
        start += rows * columns
    return weights


def bias_mask(layers: Sequence[int]) -> NDArray[np.bool_]:
    """True where theta holds a bias."""
    mask = np.zeros(count(layers), dtype=bool)
    for W in unflatten(mask, layers):
        W[:, 0] = True
    return mask


def sha256(weights: Sequence[Array]) -> str:
    """SHA-256 of the weights' little-endian bytes, layer by layer."""
    digest = hashlib.sha256()
    for W in weights:
        digest.update(np.ascontiguousarray(W, dtype=W.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def _uniform(rng: np.random.Generator, shape: tuple[int, int], limit: float = 0.12) -> Array:
    """U(-limit, limit)."""
    return rng.uniform(-limit, limit, shape)


def _normal(rng: np.random.Generator, shape: tuple[int, int], scale: float = 1.0) -> Array:
    """N(0, scale²)."""
    return rng.normal(0.0, scale, shape)


def _glorot(rng: np.random.Generator, shape: tuple[int, int], gain: float = 6.0) -> Array:
    """U(-b, b) with b = sqrt(gain / (fan_in + units)) (Glorot & Bengio, 2010); gain 2 suits sigmoid."""
    bound = math.sqrt(gain / (shape[0] + shape[1] - 1))
    return rng.uniform(-bound, bound, shape)


def _fan_in(rng: np.random.Generator, shape: tuple[int, int], gain: float = 2.4) -> Array:
    """U(-b, b) with b = gain / sqrt(fan_in): what Spark's perceptron starts from."""
    bound = gain / math.sqrt(shape[1] - 1)
    return rng.uniform(-bound, bound, shape)


def _he(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """N(0, 2 / fan_in) (He et al., 2015)."""
    return rng.normal(0.0, math.sqrt(2.0 / (shape[1] - 1)), shape)


def _zeros(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """All zeros; for networks without a hidden layer."""
    return np.zeros(shape)


INITS: dict[str, Callable[..., Array]] = {
    "fan_in": _fan_in,
    "glorot": _glorot,
    "he": _he,
    "normal": _normal,
    "uniform": _uniform,
    "zeros": _zeros,
}
INIT_OPTIONS = {
    "fan_in": {"gain"},
    "glorot": {"gain"},
    "he": set[str](),
    "normal": {"scale"},
    "uniform": {"limit"},
    "zeros": set[str](),
}
ZERO_BIAS = {"he"}


def init_weights(
    layers: Sequence[int], init: Mapping[str, Any], *, seed: int, dtype: str = "float64"
) -> list[Array]:
    """Initial weights, layer l drawn from the generator seeded ``[seed, l]``.

    ``init`` is the recipe's table: ``name``, that init's own options, and ``bias`` = "drawn" (like the
    weights) or "zero". He's biases are zero unless asked otherwise.
    """
    name, bias, options = parse_init(init)
    weights = []
    for layer, shape in enumerate(shapes(layers)):
        W = INITS[name](np.random.default_rng([seed, layer]), shape, **options)
        if bias == "zero":
            W[:, 0] = 0.0
        weights.append(W.astype(dtype))
    return weights


def parse_init(init: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """Name, bias and options of the recipe's table; RecipeError where there is no such init."""
    name, options = name_and_options(init)
    bias = options.pop("bias", "zero" if name in ZERO_BIAS else "drawn")
    unknown = set(options) - INIT_OPTIONS.get(name, set())
    if name not in INITS or unknown or bias not in ("drawn", "zero"):
        known = ", ".join(f"{key}({', '.join(sorted(INIT_OPTIONS[key]))})" for key in sorted(INITS))
        raise RecipeError(
            f"network.init: {dict(init)} is not one of {known}, each with bias = 'drawn' or 'zero'"
        )
    return name, bias, options
