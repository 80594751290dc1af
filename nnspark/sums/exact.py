"""Sums that do not depend on order or grouping, so that neither do the weights.

Float addition is not associative and ``treeAggregate`` merges in arrival order. Here each addend is
rounded once, to integers on a grid of powers of two, and integers add exactly.

A vector is cut into segments. An addend's segment has a largest magnitude below 2**e, with e rounded
up to a multiple of ``STEP``; it is rounded to multiples of 2**(e - bits) and added to that segment's
sum on that grid, an array of integers: int64, or for float32 addends float64, which is exact below
2**53 and faster. Sums on different grids stay apart (there are rarely more than two) and are put
together once, by ``value``. The grid follows from the addend alone, so there is no scale to guess, to
carry from epoch to epoch, or to overflow: ``bits`` leaves room for ``terms`` addends and counting them
is the proof. (Compare the binned sums of Demmel & Nguyen, "Parallel Reproducible Summation", IEEE
Trans. Comput. 2015.)

Scalars (losses, counts) need no rounding at all: a float is an integer multiple of 2**-1074 and
Python's integers are unbounded.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ExactVector", "exact", "from_exact"]

SEGMENT = 32_768
STEP = 8
FLOAT32_BITS = 40
INTEGERS: dict[str, type[np.int64] | type[np.float64]] = {"float32": np.float64, "float64": np.int64}
SMALLEST_EXPONENT = {"float32": -64, "float64": -896}
UNIT = 1 << 1074

Array = NDArray[Any]
Planes = tuple[Array, Array | None]


def exact(value: float) -> int:
    """A finite float as an integer number of units of 2**-1074."""
    numerator, denominator = float(value).as_integer_ratio()
    return numerator * (UNIT // denominator)


def from_exact(total: int) -> float:
    """The float nearest to a sum of ``exact`` values."""
    return total / UNIT if total else 0.0


class ExactVector:
    """An order-independent sum of float vectors of one length.

    Parameters
    ----------
    size : length of the vectors.
    terms : the largest number of vectors that will ever be added, over all merged parts.
    dtype : "float32" or "float64", the addends' type. An addend keeps ``bits`` bits below the
        largest value of its segment, less STEP: 53 - log2(terms), at most 40, for float32;
        62 - log2(terms) for float64.
    """

    def __init__(self, size: int, terms: int, dtype: str) -> None:
        spent = math.ceil(math.log2(max(terms, 1)))
        self.size, self.terms, self.dtype = size, terms, dtype
        self.bits = min(53 - spent, FLOAT32_BITS) if dtype == "float32" else 62 - spent
        self.added = 0
        self.finite = True
        self._scratch: Array | None = None
        self._segments: list[dict[int, Array]] = [{} for _ in range(0, size, SEGMENT)]
        self._pickled: list[list[dict[int, Planes]]] = []

    def add(self, vector: Array) -> None:
        """Add one vector; ``vector`` is left as it was."""
        if vector.shape != (self.size,):
            raise ValueError(f"expected a vector of length {self.size}, got shape {vector.shape}")
        self._count(1)
        if self._scratch is None or self._scratch.dtype != vector.dtype:
            self._scratch = np.empty(min(SEGMENT, self.size), dtype=vector.dtype)
        scratch = self._scratch
        integers = INTEGERS[self.dtype]
        for index, sums in enumerate(self._segments):
            part = vector[index * SEGMENT : (index + 1) * SEGMENT]
            largest = max(float(part.max()), -float(part.min()))
            if largest == 0.0:
                continue
            if not math.isfinite(largest):
                self.finite = False
                continue
            exponent = self._grid(largest)
            scaled = np.multiply(part, math.ldexp(1.0, self.bits - exponent), out=scratch[: part.size])
            np.rint(scaled, out=scaled)
            total = sums.get(exponent)
            if total is None:
                sums[exponent] = scaled.astype(integers)
            else:
                np.add(total, scaled, out=total, dtype=integers, casting="unsafe")

    def merge(self, other: "ExactVector") -> None:
        """Add another sum, of other vectors, to this one."""
        if (self.size, self.terms, self.bits) != (other.size, other.terms, other.bits):
            raise ValueError("only sums made for the same vectors can be merged")
        self._count(other.added)
        self.finite &= other.finite
        for mine, theirs in zip(self._segments, other._segments, strict=True):
            for exponent, total in theirs.items():
                if exponent in mine:
                    mine[exponent] += total
                else:
                    mine[exponent] = total
        self._pickled += other._pickled

    def value(self) -> NDArray[np.float64]:
        """The sum, shape (size,); all NaN if any addend was not finite."""
        result = np.empty(self.size)
        for index, part in self.parts():
            result[index] = part
        return result

    def parts(self) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """The sum piece by piece, small enough for the cache: where it goes, and an array used again."""
        size = min(SEGMENT, self.size)
        whole, scaled = np.empty(size), np.empty(size)
        for index in range(len(self._segments)):
            sums = self._sums(index)
            where = slice(index * SEGMENT, min((index + 1) * SEGMENT, self.size))
            part = whole[: where.stop - where.start]
            part.fill(0.0 if self.finite else np.nan)
            with np.errstate(over="ignore"):
                for exponent in sorted(sums) if self.finite else ():
                    factor = math.ldexp(1.0, exponent - self.bits)
                    part += np.multiply(sums[exponent], factor, out=scaled[: part.size])
            yield where, part

    def _sums(self, index: int) -> dict[int, Array]:
        """A segment's sums on each grid; what came pickled is unpacked only here, piece by piece."""
        sums = dict(self._segments[index])
        for segments in self._pickled:
            for exponent, planes in segments[index].items():
                total = _unpack(planes, INTEGERS[self.dtype])
                sums[exponent] = sums[exponent] + total if exponent in sums else total
        return sums

    def _count(self, terms: int) -> None:
        self.added += terms
        if self.added > self.terms:
            raise OverflowError(f"an exact sum made for {self.terms} terms was given {self.added}")

    def _grid(self, largest: float) -> int:
        """The multiple of STEP, at or above the exponent of ``largest``, that names its grid."""
        exponent = max(math.frexp(largest)[1], SMALLEST_EXPONENT[self.dtype])
        return -(-exponent // STEP) * STEP

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: every sum in as few bytes as its largest value needs."""
        packed = [
            {exponent: _pack(total) for exponent, total in self._sums(index).items()}
            for index in range(len(self._segments))
        ]
        return self.__dict__ | {"_scratch": None, "_segments": [{} for _ in packed], "_pickled": [packed]}


def _pack(total: Array) -> Planes:
    """Integers as int32, as a plane of their low 32 bits and a narrow plane of the rest, or as int64."""
    largest = max(float(total.max()), -float(total.min()))
    if largest < 2**31:
        return total.astype(np.int32), None
    rest = total.astype(np.int64)
    if largest >= 2**46:
        return rest, None
    low = rest.astype(np.int32)
    rest += 2**31
    rest >>= 32
    return low, rest.astype(np.int8 if largest < 2**38 else np.int16)


def _unpack(planes: Planes, integers: type[np.generic]) -> Array:
    low, high = planes
    if high is None:
        return low.astype(integers, copy=False)
    total = high.astype(integers)
    total *= 2**32
    total += low
    return total
