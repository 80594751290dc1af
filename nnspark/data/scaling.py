"""Scaling fitted to the training rows with sums that do not depend on their order.

Each column has a fixed grid of powers of two, taken from its largest magnitude; values are rounded
to it once and added as integers, so that any cut into chunks gives the same mean and deviation.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.plan import Scaling
from nnspark.errors import RecipeError

__all__ = [
    "ColumnSums",
    "Ranges",
    "class_weights",
    "fit_over",
    "fit_scaling",
    "fit_target_scaling",
    "only_measured",
]

Array = NDArray[Any]
Chunks = Sequence[Array]
HUGE = 480
"""Columns of larger exponents are divided by a power of two while their squares are summed."""


class Ranges:
    """Least and largest value of each column, and the number of rows; pickled 16 bytes a column and some.

    -0.0 counts as 0.0, so that the order of rows does not matter.
    """

    def __init__(self, chunk: Array) -> None:
        self.low, self.high, self.rows = chunk.min(axis=0) + 0.0, chunk.max(axis=0) + 0.0, len(chunk)

    def merge(self, other: "Ranges") -> "Ranges":
        """Add other rows' ranges; returns self."""
        np.minimum(self.low, other.low, out=self.low)
        np.maximum(self.high, other.high, out=self.high)
        self.rows += other.rows
        return self


class ColumnSums:
    """Order-independent sums of columns whose magnitudes are known not to exceed ``largest``.

    Pickled 16 bytes a column and some.
    """

    def __init__(self, largest: NDArray[np.float64], rows: int) -> None:
        bits = 62 - math.ceil(math.log2(max(rows, 1)))
        self.shift = bits - np.frexp(largest)[1]
        self.total = np.zeros(len(largest), dtype=np.int64)

    def add(self, values: NDArray[np.float64]) -> "ColumnSums":
        """Add rows, shape (n, columns)."""
        self.total += np.rint(np.ldexp(values, self.shift)).astype(np.int64).sum(axis=0)
        return self

    def merge(self, other: "ColumnSums") -> "ColumnSums":
        """Add other rows' sums."""
        self.total += other.total
        return self

    def value(self) -> NDArray[np.float64]:
        """The sums, shape (columns,)."""
        return np.asarray(np.ldexp(self.total.astype(np.float64), -self.shift))


def fit_scaling(spec: str | Mapping[str, Any], chunks: Chunks, columns: int) -> Scaling:
    """The recipe's ``data.scale`` as a Scaling; ``chunks`` are the training rows, shape (n, columns)."""
    if not isinstance(spec, str):
        return Scaling(np.full(columns, float(spec["center"])), np.full(columns, float(spec["divide"])))
    if spec == "none":
        return Scaling(np.zeros(columns), np.ones(columns))
    rows = [chunk for chunk in chunks if len(chunk)]
    if not rows:
        return Scaling(np.zeros(columns), np.ones(columns))
    return fit_over(spec, lambda function: reduce(_merge, map(function, rows)))


def fit_target_scaling(spec: str, chunks: Chunks, columns: int) -> Scaling | None:
    """The recipe's ``data.target_scale`` as a Scaling, or None."""
    return None if spec == "none" else fit_scaling(spec, chunks, columns)


def fit_over(spec: str, over: Callable[[Callable[[Array], Any]], Any]) -> Scaling:
    """Fit "standard", "minmax" or "log"; ``over(function)`` merges a function's results of all chunks.

    standard: centre on the mean and divide by the (population) standard deviation, as scikit-learn's
    StandardScaler; minmax: to 0..1; log: standard of log(1 + x), x above -1. A constant column is centred and
    left at that.
    """
    if spec == "log":
        return replace(fit_over("standard", lambda function: over(_OfLog(function))), log=True)
    ranges: Ranges = over(Ranges)
    low, high, rows = ranges.low, ranges.high, ranges.rows
    if spec == "minmax":
        return Scaling(low, np.where(high > low, high - low, 1.0))
    exponents = np.frexp(np.maximum(np.abs(low), np.abs(high)))[1]
    down = np.where(exponents > HUGE, exponents, 0)  # whose squares would overflow
    low, high = np.ldexp(low, -down), np.ldexp(high, -down)
    largest = np.maximum(np.abs(low), np.abs(high))
    mean = over(_Sum(largest, rows, None, down)).value() / rows
    spread = np.maximum(high - mean, mean - low)
    variance = over(_Sum(np.square(spread) * 1.5, rows, mean, down)).value() / rows
    deviation = np.sqrt(variance)
    moves = (high > low) & (deviation > 0)
    return Scaling(np.ldexp(mean, down), np.where(moves, np.ldexp(deviation, down), 1.0))


class _Sum:
    """A picklable function: a chunk's exact column sums, or those of squared deviations from a mean.

    Columns are divided by powers of two, ``down``, before.
    """

    def __init__(self, largest: Array, rows: int, mean: Array | None, down: NDArray[np.int32]) -> None:
        self.largest, self.rows, self.mean, self.down = largest, rows, mean, down

    def __call__(self, chunk: Array) -> ColumnSums:
        if self.down.any():
            chunk = np.ldexp(chunk, -self.down)
        values = chunk if self.mean is None else np.square(chunk - self.mean)
        return ColumnSums(self.largest, self.rows).add(values)


class _OfLog:
    """A picklable function: another one of log(1 + chunk)."""

    def __init__(self, function: Callable[[Array], Any]) -> None:
        self.function = function

    def __call__(self, chunk: Array) -> Any:
        return self.function(np.log1p(chunk))


def only_measured(scaling: Scaling, measured: NDArray[np.bool_] | None) -> Scaling:
    """The scaling of the features that are ``measured``; the others, 0 or 1, stay as they are."""
    if measured is None:
        return scaling
    return Scaling(np.where(measured, scaling.center, 0.0), np.where(measured, scaling.divide, 1.0))


def _merge(one: Any, other: Any) -> Any:
    return one.merge(other)


def class_weights(
    spec: str | Mapping[str, Any], classes: Array | None, counts: NDArray[np.int64] | None
) -> NDArray[np.float64] | None:
    """Weight of each class: n / (classes · count) for "balanced" (as scikit-learn), or the table's."""
    if spec == "none":
        return None
    if classes is None or counts is None:
        raise RecipeError("training.class_weight: expected 'none' unless data.task is 'classification'")
    if isinstance(spec, str):
        return np.asarray(counts.sum() / (len(classes) * np.maximum(counts, 1)), dtype=np.float64)
    names = [str(label) for label in classes.tolist()]
    unknown = [label for label in spec if label not in names]
    if unknown:
        raise RecipeError(
            f"training.class_weight: class {unknown[0]!r} is not in the data, whose classes are "
            f"{', '.join(names)}"
        )
    weights = np.array([float(spec.get(name, 1.0)) for name in names])
    if not weights[counts > 0].any():
        raise RecipeError(
            "training.class_weight: every class of the training rows weighs 0: expected at least one above 0"
        )
    return weights
