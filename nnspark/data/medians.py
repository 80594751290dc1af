"""Exact medians of columns, in bounded memory and without a sort, whatever the order of rows.

A radix selection: a pass counts, of the values that share their leading bits with a middle one, how many have
which next bits. A value's key is a word that is ordered as values are; 64 bits tell it. Passes are of
``MOST_BITS`` at most, fewer where there are many columns: a pass's counts take 8 * ``CELLS`` bytes at most,
or 256 a column. Four passes do for 2 columns, eight for 512.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.sources.raw import Spellings

__all__ = ["Over", "RawRows", "medians"]

Array = NDArray[Any]
CELLS, LEAST_BITS, MOST_BITS = 1 << 18, 4, 16


class RawRows(NamedTuple):
    """Training rows: values (n, columns), and of category columns, by position, the codes' spellings."""

    values: Array
    spellings: Mapping[int, Spellings]


Over = Callable[[Callable[[RawRows], Any]], Any]


@dataclass
class _Counts:
    """Values by the next bits of their keys, (columns, 2, 2**bits), of those that share a rank's prefix."""

    counts: NDArray[np.int64]

    def merge(self, other: "_Counts") -> "_Counts":
        """Add other rows; returns self."""
        self.counts = self.counts + other.counts
        return self


class _Narrow:
    """A picklable function: count a chunk's keys with a prefix of ``known`` bits by ``bits`` more."""

    def __init__(self, columns: Sequence[int], prefix: Array, known: int, bits: int) -> None:
        self.columns, self.prefix, self.known, self.bits = columns, prefix, known, bits

    def __call__(self, chunk: RawRows) -> _Counts:
        counts = np.zeros((*self.prefix.shape, 1 << self.bits), np.int64)
        for at, column in enumerate(self.columns):
            values = chunk.values[:, column]
            keys = _keys(values[~np.isnan(values)])
            for rank in range(self.prefix.shape[1]):
                mine = keys
                if self.known:
                    mine = keys[keys >> np.uint64(64 - self.known) == self.prefix[at, rank]]
                following = (mine << np.uint64(self.known)) >> np.uint64(64 - self.bits)
                counts[at, rank] = np.bincount(following.astype(np.int64), minlength=1 << self.bits)
        return _Counts(counts)


def medians(columns: Sequence[int], present: NDArray[np.int64], over: Over) -> NDArray[np.float64]:
    """The middle value, or the mean of the two in the middle, of each column: (columns,).

    ``present`` are the numbers of values that are not missing, above 0; ``over(function)`` merges
    ``function(RawRows)`` of all rows.
    """
    rank = np.stack([(present - 1) // 2, present // 2], axis=1)
    prefix = np.zeros(rank.shape, np.uint64)
    most = max(LEAST_BITS, min(MOST_BITS, int(math.log2(CELLS / rank.size))))
    known = 0
    while known < 64:
        bits = min(most, 64 - known)
        counts = over(_Narrow(columns, prefix, known, bits)).counts
        ends = counts.cumsum(axis=2)
        at = (ends <= rank[:, :, None]).sum(axis=2)
        inside = np.take_along_axis(counts, at[:, :, None], 2)[:, :, 0]
        rank = rank - (np.take_along_axis(ends, at[:, :, None], 2)[:, :, 0] - inside)
        prefix = (prefix << np.uint64(bits)) | at.astype(np.uint64)
        known += bits
    low, high = _values(prefix).T
    return np.asarray(np.where(low == high, low, 0.5 * low + 0.5 * high))


def _keys(values: Array) -> NDArray[np.uint64]:
    """Words that are ordered as the values are; -0.0 is 0.0."""
    words = (values + 0.0).view(np.uint64)
    return np.where(words >> np.uint64(63), ~words, words | np.uint64(1 << 63))


def _values(keys: NDArray[np.uint64]) -> Array:
    """The values of such words."""
    positive = keys >> np.uint64(63) != 0
    return np.where(positive, keys ^ np.uint64(1 << 63), ~keys).view(np.float64)
