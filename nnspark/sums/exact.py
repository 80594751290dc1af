"""Sums that do not depend on order or grouping, so that neither do the weights.

Float addition is not associative and ``treeAggregate`` merges in arrival order. Here each addend is
rounded once, to integers on a grid of powers of two, and integers add exactly.

A vector is cut into segments. An addend's segment has a largest magnitude below 2**e, with e rounded
up to a multiple of ``STEP``: it is *on grid e*. It is rounded to multiples of 2**(e - bits) and added to
that segment's sum on that grid, an array of integers: int64, or for float32 addends float64, which is
exact below 2**53 and faster. The grid follows from the addend alone, so there is no scale to guess, to
carry from epoch to epoch, or to overflow: ``bits`` leaves room for ``terms`` addends and counting them
is the proof. Sums on different grids stay apart and are put together once, by ``value``.

Beside a weight whose gradients are 1e15 times as large that grid would round a small one's to nothing.
So what it cuts off a value goes to grid e - bits, what that cuts off to e - 2 bits, and so on. A value
*fills* the first grid g on which it is 2**(g - FAR) or more, its remainder is left alone from there on, and
a weight's *top* is the highest grid that any of its addends filled. Sums on grids at or below top - bits are
dropped. In most vectors all but a few values fill their segment's own grid, and no finer one is kept.

Order. Which slices an addend has follows from the addend, which are dropped from the tops, and a top is a
maximum. A slice that is not taken, because the top so far says so, would be dropped in the end.

Error. Of each addend of a weight all slices on grids above top - bits are kept, so what is missing of it is
at most half a unit of the last, 2**(top - bits - 1). The addend that filled the top is 2**(top - FAR) or more
in magnitude, but for half a unit. So the sum of n addends is off by at most

    n · 2**(FAR - bits - 1) · (the largest magnitude among that weight's own addends),

whatever other weights are like: for float32 2**-25 an addend, as much as rounding it to float32. (Putting the
grids together rounds to float64. Compare the binned sums of Demmel & Nguyen, "Parallel Reproducible
Summation", IEEE Trans. Comput. 2015, which keep the highest bins of each sum in the same way.)

Scalars (losses, counts) need no rounding at all: a float is an integer multiple of 2**-1074 and
Python's integers are unbounded.

(Above 200 lines for this text: the code and its proof are read together.)
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.sums.packing import Levels, Packed, pack, pack_levels, unpack, unpack_levels
from nnspark.sums.segments import NONE, Segment

__all__ = ["ExactVector", "exact", "from_exact"]

SEGMENT = 32_768
STEP = 8
FAR = 16
FLOAT32_BITS = 40
SMALLEST_EXPONENT = {"float32": -64, "float64": -896}
TIDY = 64  # addends
TOGETHER = 8  # addends of few values that are added in one go: as many steps as for one
UNIT = 1 << 1074
UNIT_BITS = UNIT.bit_length()

Array = NDArray[Any]


def exact(value: float) -> int:
    """A finite float as an integer number of units of 2**-1074."""
    numerator, denominator = value.as_integer_ratio()
    return numerator << UNIT_BITS - denominator.bit_length()


def from_exact(total: int) -> float:
    """The float nearest to a sum of ``exact`` values."""
    return total / UNIT if total else 0.0


class ExactVector:
    """An order-independent sum of float vectors of one length.

    Parameters
    ----------
    size : length of the vectors.
    terms : the largest number of vectors that will ever be added, over all merged parts.
    dtype : "float32" or "float64", the addends' type. ``bits``, see above, is 62 - log2(terms), for float32
        at most 40.
    """

    def __init__(self, size: int, terms: int, dtype: str) -> None:
        spent = math.ceil(math.log2(max(terms, 1)))
        self.size, self.terms, self.dtype = size, terms, dtype
        self.bits = min(62 - spent, FLOAT32_BITS) if dtype == "float32" else 62 - spent
        in_floats = dtype == "float32" and spent <= 53 - FLOAT32_BITS
        self._integers: type[np.int64] | type[np.float64] = np.float64 if in_floats else np.int64
        self.added = 0
        self.finite = True
        self._scratch: Array | None = None
        self._waiting: Array | None = None
        self._waits = 0
        self._segments = self._empty()
        self._pickled: list[list[tuple[dict[int, Packed], Levels]]] = []

    def add(self, vector: Array) -> None:
        """Add one vector; ``vector`` is left as it was."""
        if vector.shape != (self.size,):
            raise ValueError(f"expected a vector of length {self.size}, got shape {vector.shape}")
        self._count(1)
        if TOGETHER * self.size <= SEGMENT:
            self._wait(vector)
        else:
            self._add(vector)

    def _wait(self, vector: Array) -> None:
        """Keep the vector until there are several."""
        if self._waiting is None or self._waiting.dtype != vector.dtype:
            self._settle()
            self._waiting = np.empty((TOGETHER, self.size), vector.dtype)
        self._waiting[self._waits] = vector
        self._waits += 1
        if self._waits == TOGETHER:
            self._settle()

    def _settle(self) -> None:
        """Add what waits."""
        if self._waiting is None or not self._waits:
            return
        vectors, self._waits = self._waiting[: self._waits], 0
        largest = np.maximum(vectors.max(axis=1), -vectors.min(axis=1)).tolist()
        if not all(map(math.isfinite, largest)):
            self.finite = False
            return
        grids = [self._grid(one) if one else None for one in largest]
        for grid in set(grids) - {None}:
            assert grid is not None
            on = vectors if grids.count(grid) == len(grids) else vectors[[one == grid for one in grids]]
            self._segments[0].add(on, grid, self.bits, FAR, self._integers)
        if self.added % TIDY < len(vectors):
            self._segments[0].keep(self.bits)

    def _add(self, vector: Array) -> None:
        if self._scratch is None or self._scratch.dtype != vector.dtype:
            self._scratch = np.empty(min(SEGMENT, self.size), dtype=vector.dtype)
        scratch = self._scratch
        for index, segment in enumerate(self._segments):
            part = vector[index * SEGMENT : (index + 1) * SEGMENT]
            largest = max(float(part.max()), -float(part.min()))
            if largest == 0.0:
                continue
            if not math.isfinite(largest):
                self.finite = False
                continue
            grid = self._grid(largest)
            whole = np.multiply(part, math.ldexp(1.0, self.bits - grid), out=scratch[: part.size])
            np.rint(whole, out=whole)
            total = segment.sums.get(grid)
            if total is None:
                segment.sums[grid] = whole.astype(self._integers)
            else:
                np.add(total, whole, out=total, dtype=self._integers, casting="unsafe")
            if segment.lowest < grid:
                segment.add_rest(part, whole, grid, self.bits, FAR, self._integers)
                if self.added % TIDY == 0:
                    segment.keep(self.bits)

    def merge(self, other: "ExactVector") -> None:
        """Add another sum, of other vectors, to this one."""
        if (self.size, self.terms, self.bits) != (other.size, other.terms, other.bits):
            raise ValueError("only sums made for the same vectors can be merged")
        self._settle()
        other._settle()
        self._count(other.added)
        self.finite &= other.finite
        for mine, theirs in zip(self._segments, other._segments, strict=True):
            mine.merge(theirs)
        self._pickled += other._pickled

    def value(self) -> NDArray[np.float64]:
        """The sum, shape (size,); all NaN if any addend was not finite."""
        result = np.empty(self.size)
        for index, part in self.parts():
            result[index] = part
        return result

    def parts(self) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """The sum piece by piece, small enough for the cache: where it goes, and an array used again."""
        self._settle()
        size = min(SEGMENT, self.size)
        whole, scaled = np.empty(size), np.empty(size)
        for index in range(len(self._segments)):
            where = slice(index * SEGMENT, min((index + 1) * SEGMENT, self.size))
            part = whole[: where.stop - where.start]
            part.fill(0.0 if self.finite else np.nan)
            sums = self._summed(index).sums if self.finite else {}
            with np.errstate(over="ignore"):
                for grid in sorted(sums):
                    np.multiply(sums[grid], math.ldexp(1.0, grid - self.bits), out=scaled[: part.size])
                    part += scaled[: part.size]
            yield where, part

    def _summed(self, index: int) -> Segment:
        """A segment with all that was merged; what came pickled is unpacked only here, piece by piece."""
        mine = self._segments[index]
        if not self._pickled:
            mine.keep(self.bits)
            return mine
        size = mine.top.size
        whole = Segment(0)
        whole.sums, whole.top = dict(mine.sums), mine.top
        for pieces in self._pickled:
            packed, levels = pieces[index]
            for grid, one in packed.items():
                total = unpack(one, size, self._integers)
                whole.sums[grid] = whole.sums[grid] + total if grid in whole.sums else total
            whole.top = np.maximum(whole.top, unpack_levels(levels, size, NONE))
        whole.keep(self.bits)
        return whole

    def _count(self, terms: int) -> None:
        self.added += terms
        if self.added > self.terms:
            raise OverflowError(f"an exact sum made for {self.terms} terms was given {self.added}")

    def _grid(self, largest: float) -> int:
        """The multiple of STEP, at or above the exponent of ``largest``, that names its grid."""
        exponent = max(math.frexp(largest)[1], SMALLEST_EXPONENT[self.dtype])
        return -(-exponent // STEP) * STEP

    def _empty(self) -> list[Segment]:
        return [Segment(min(SEGMENT, self.size - start)) for start in range(0, self.size, SEGMENT)]

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: every sum in as few bytes as its largest value needs."""
        self._settle()
        packed = []
        for index in range(len(self._segments)):
            segment = self._summed(index)
            sums = {grid: pack(total) for grid, total in segment.sums.items()}
            packed.append((sums, pack_levels(segment.top, NONE)))
        spare: dict[str, Any] = {"_scratch": None, "_waiting": None, "_segments": []}
        return self.__dict__ | spare | {"_pickled": [packed]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = state
        self._segments = self._segments or self._empty()
