"""Scaling fitted to the training rows with sums that do not depend on their order.

Each column has a fixed grid of powers of two, taken from its largest magnitude; values are rounded
to it once and added as integers, so that any cut into chunks gives the same mean and deviation.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.plan import Scaling
from nnspark.errors import RecipeError

__all__ = ["ColumnSums", "class_weights", "fit_scaling", "fit_target_scaling"]

Array = NDArray[Any]
Chunks = Sequence[Array]


class ColumnSums:
    """Order-independent sums of columns whose magnitudes are known not to exceed ``largest``."""

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
    return fit_over(spec, lambda function: [function(chunk) for chunk in chunks if len(chunk)])


def fit_target_scaling(spec: str, chunks: Chunks, columns: int) -> Scaling | None:
    """The recipe's ``data.target_scale`` as a Scaling, or None."""
    return None if spec == "none" else fit_scaling(spec, chunks, columns)


def fit_over(spec: str, each: Callable[[Callable[[Array], Any]], Iterable[Any]]) -> Scaling:
    """Fit "standard" or "minmax"; ``each(function)`` applies a function to every chunk of rows.

    standard: centre on the mean and divide by the (population) standard deviation, as scikit-learn's
    StandardScaler; minmax: to 0..1. A constant column is centred and left at that.
    """
    ranges = list(each(column_range))
    low = np.min([r[0] for r in ranges], axis=0)
    high = np.max([r[1] for r in ranges], axis=0)
    rows = sum(r[2] for r in ranges)
    if spec == "minmax":
        return Scaling(low, np.where(high > low, high - low, 1.0))
    largest = np.maximum(np.abs(low), np.abs(high))
    mean = _total(each(_Sum(largest, rows, None))) / rows
    spread = np.maximum(high - mean, mean - low)
    variance = _total(each(_Sum(np.square(spread) * 1.5, rows, mean))) / rows
    deviation = np.sqrt(variance)
    return Scaling(mean, np.where((high > low) & (deviation > 0), deviation, 1.0))


def column_range(chunk: Array) -> tuple[Array, Array, int]:
    """Least and largest value of each column, and the number of rows."""
    return chunk.min(axis=0), chunk.max(axis=0), len(chunk)


class _Sum:
    """A picklable function: a chunk's exact column sums, or those of squared deviations from a mean."""

    def __init__(self, largest: Array, rows: int, mean: Array | None) -> None:
        self.largest, self.rows, self.mean = largest, rows, mean

    def __call__(self, chunk: Array) -> ColumnSums:
        values = chunk if self.mean is None else np.square(chunk - self.mean)
        return ColumnSums(self.largest, self.rows).add(values)


def _total(parts: Iterable[ColumnSums]) -> NDArray[np.float64]:
    first, *others = parts
    for other in others:
        first.merge(other)
    return first.value()


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
    return np.array([float(spec.get(name, 1.0)) for name in names])
