"""A weighted average of numbered parts, always added in the same order, whichever part comes first.

Parts are the leaves of a binary tree over their numbers. Two siblings are added, left + right, as soon
as both are there, so an accumulator holds at most a few sums and the floating-point result does not
depend on how the parts were grouped. One part alone comes out as it went in, bit for bit.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["OrderedSum"]

Array = NDArray[Any]
Arrays = dict[str, Array]


class OrderedSum:
    """Sums of ``weight · arrays`` over the parts 0..count-1, float64; integer arrays take their maximum."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._nodes: dict[tuple[int, int], tuple[float, Arrays]] = {}

    def add(self, part: int, weight: float, arrays: Mapping[str, Array]) -> None:
        """Add one part; each part is added once."""
        weight = 1.0 if self.count == 1 else weight
        weighted = {
            name: values.astype(np.float64) * weight if values.dtype.kind == "f" else values
            for name, values in arrays.items()
        }
        self._insert(0, part, weight, weighted)

    def merge(self, other: "OrderedSum") -> "OrderedSum":
        """Add other parts; returns self."""
        for (level, index), (weight, arrays) in other._nodes.items():
            self._insert(level, index, weight, arrays)
        return self

    def average(self) -> Arrays:
        """Sum over all parts divided by the sum of their weights. Parts without rows may be absent."""
        nodes = [self._nodes[key] for key in sorted(self._nodes, key=lambda key: key[1] << key[0])]
        weight, total = nodes[0]
        for other_weight, other in nodes[1:]:
            weight, total = weight + other_weight, _added(total, other)
        return {
            name: values / weight if values.dtype.kind == "f" else values for name, values in total.items()
        }

    def _insert(self, level: int, index: int, weight: float, arrays: Arrays) -> None:
        while (level, index ^ 1) in self._nodes:
            other_weight, other = self._nodes.pop((level, index ^ 1))
            arrays = _added(arrays, other) if index % 2 == 0 else _added(other, arrays)
            weight = weight + other_weight if index % 2 == 0 else other_weight + weight
            level, index = level + 1, index // 2
        self._nodes[level, index] = (weight, arrays)


def _added(left: Arrays, right: Arrays) -> Arrays:
    return {
        name: values + right[name] if values.dtype.kind == "f" else np.maximum(values, right[name])
        for name, values in left.items()
    }
