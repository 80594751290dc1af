"""A segment of an exact sum: its sums on each grid, and each weight's top; see ``sums/exact.py``."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.sums.packing import SPARSE

__all__ = ["NONE", "Segment"]

NONE = -(2**14)

Array = NDArray[Any]
Integers = type[np.int64] | type[np.float64]


class Segment:
    """The sums of a segment on each grid, and the top of each weight, NONE before one is filled.

    ``lowest`` is the lowest top: addends on grids up to it have nothing for finer grids.
    """

    def __init__(self, size: int) -> None:
        self.sums: dict[int, Array] = {}
        self.top: NDArray[np.int16] = np.broadcast_to(
            np.int16(NONE), size
        )  # takes no room until it is written to
        self.lowest = NONE

    def add(self, vectors: Array, grid: int, bits: int, far: int, integers: Integers) -> None:
        """Add the rows of (n, size), which are all on ``grid``: each value's slices as far as tops want them.

        Tops are raised by all rows before a finer slice is taken of any.
        """
        scale, full = math.ldexp(1.0, bits - grid), math.ldexp(1.0, bits - far)
        whole = np.rint(vectors * scale)
        self._add_at(grid, slice(None), whole.astype(integers).sum(axis=0))
        if self.lowest >= grid:
            return
        if not self.top.flags.writeable:
            self.top = self.top.copy()
        top = self.top
        largest = np.abs(vectors).max(axis=0)
        np.maximum(top, _levels(np.rint(largest * scale) >= full, grid), out=top)
        where = np.flatnonzero((top < grid) & (largest > 0))
        # take, as an index would lay the columns one after the other, which are slow to reduce
        rest = vectors.take(where, 1) - np.ldexp(whole.take(where, 1).astype(np.float64), grid - bits)
        while True:
            more = np.flatnonzero((np.abs(rest).max(axis=0, initial=0.0) > 0) & (top[where] < grid))
            if not more.size:
                break
            where, rest = where[more], rest.take(more, 1)
            grid -= bits
            slices = np.rint(np.ldexp(rest, bits - grid))
            self._add_at(grid, where, slices.astype(integers).sum(axis=0))
            top[where] = np.maximum(top[where], _levels(np.abs(slices).max(axis=0) >= full, grid))
            rest -= np.ldexp(slices, grid - bits)
        self.lowest = int(top.min())

    def add_rest(self, part: Array, whole: Array, grid: int, bits: int, far: int, integers: Integers) -> None:
        """Add to finer grids what the grid cut off values that do not fill it, where it may be kept.

        ``whole`` (size,) are the integers that ``part`` was rounded to on its grid.
        """
        if not self.top.flags.writeable:
            self.top = self.top.copy()
        full, top = math.ldexp(1.0, bits - far), self.top
        below = top < grid
        below &= part != 0
        if SPARSE * np.count_nonzero(below) > part.size:  # the first addend, mostly: quicker without places
            np.maximum(top, _levels(np.abs(whole) >= full, grid), out=top)
            below &= top < grid
        where = np.flatnonzero(below)
        if not where.size:  # mostly, but for the first addends
            self.lowest = int(top.min())
            return
        slices = whole[where].astype(np.float64)
        small = np.abs(slices) < full
        top[where[~small]] = grid
        where, slices = where[small], slices[small]
        rest = part[where] - np.ldexp(slices, grid - bits)
        while True:
            more = (rest != 0) & (top[where] < grid)
            where, rest = where[more], rest[more]
            if not where.size:
                break
            grid -= bits
            slices = np.rint(np.ldexp(rest, bits - grid))
            if grid not in self.sums:
                self.sums[grid] = np.zeros(part.size, integers)
            self.sums[grid][where] += slices.astype(integers)
            high = where[np.abs(slices) >= full]
            top[high] = np.maximum(top[high], grid)
            rest -= np.ldexp(slices, grid - bits)
        self.lowest = int(top.min())

    def _add_at(self, grid: int, where: Any, integers: Array) -> None:
        if grid not in self.sums:
            self.sums[grid] = np.zeros(self.top.size, integers.dtype)
        self.sums[grid][where] += integers

    def keep(self, bits: int) -> None:
        """Drop what the tops say."""
        lowest, highest = int(self.top.min()), int(self.top.max())
        for grid in [grid for grid in self.sums if grid <= highest - bits]:
            if grid > lowest - bits:
                self.sums[grid] = self.sums[grid] * (self.top < grid + bits)
            if grid <= lowest - bits or not self.sums[grid].any():
                del self.sums[grid]

    def merge(self, other: "Segment") -> None:
        """Add another segment's sums to this one's."""
        for grid, total in other.sums.items():
            if grid in self.sums:
                self.sums[grid] += total
            else:
                self.sums[grid] = total
        if other.sums:
            self.top = np.maximum(self.top, other.top)
        self.lowest = int(self.top.min())


def _levels(filled: Array, grid: int) -> NDArray[np.int16]:
    """The grid where it is filled, NONE elsewhere."""
    levels = np.multiply(filled, np.int16(grid - NONE), dtype=np.int16)
    levels += np.int16(NONE)
    return levels
