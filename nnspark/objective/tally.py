"""How often each value occurs, sorted: what ranks are made of (areas under curves, medians), in any order.

A value is kept as an unsigned integer of the same order: a score p, from 0 to 1, by the bits of the float32
of p or 1 - p, whichever is smaller; a magnitude by those of its float64. Counts are whole numbers, so tallies
add in any order to the same; what is read from them does not depend on how rows are spread. Equal values are
one entry: ties are ties.

Memory: 8 bytes an entry and 8 a column of counts; pickled, as few as the largest count needs. Entries are at
most the rows; of scores at most 2**32. ``within`` and ``coarse`` are for more values than are to be held at
once: count leading bits first, then a range at a time (``training/measure.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MAGNITUDES",
    "SCORES",
    "Areas",
    "Tally",
    "areas",
    "keys_of_magnitudes",
    "keys_of_scores",
    "median",
]

Array = NDArray[Any]
Keys = NDArray[np.uint64]
WAITING = 1 << 16
SCORES, MAGNITUDES = 1 << 32, 1 << 64
"""The keys of scores, and of magnitudes, are below these."""
HALF = np.float32(0.5).view(np.uint32)
ONE = np.uint32(2 * int(HALF))


def keys_of_scores(scores: Array) -> Keys:
    """Keys (n,) of scores (n,) from 0 to 1, in their order: as fine below 1 as above 0.

    Up to one half the bits of p as float32; above, those of 1 - p, which float64 has exactly, counted down
    from the key of 1. Scores that float32 tells apart have keys of their own. -0.0 is 0.0.
    """
    p = np.asarray(scores, dtype=np.float64)
    low = p <= 0.5
    bits = (np.where(low, p, 1.0 - p) + 0.0).astype(np.float32).view(np.uint32)
    bits = np.minimum(bits, HALF)  # of what is not a number, too
    return np.asarray(np.where(low, bits, ONE - bits).astype(np.uint64))


def keys_of_magnitudes(values: Array) -> Keys:
    """Keys (n,) of numbers (n,) that are not negative, in their order: their float64 to the last bit."""
    return np.abs(np.ascontiguousarray(values, dtype=np.float64)).view(np.uint64)


@dataclass
class Tally:
    """Counts (n, columns) of distinct keys (n,), ascending; in pieces, merged when they are read."""

    columns: int = 1
    pieces: list[tuple[Keys, NDArray[np.int64]]] = field(default_factory=list)

    @staticmethod
    def of(keys: Keys, group: Array | None = None, columns: int = 1) -> "Tally":
        """One of each key, in the column ``group`` (n,) says."""
        counts = np.ones((len(keys), 1), np.int64)
        if group is not None:
            counts = (np.asarray(group)[:, None] == np.arange(columns)).astype(np.int64)
        return Tally(columns, [_sorted(keys, counts)] if len(keys) else [])

    def __add__(self, other: "Tally | int") -> "Tally":
        """Both one's counts: neither is changed; 0 is neutral."""
        if not isinstance(other, Tally):
            return self
        if self.columns != other.columns:
            raise ValueError("only tallies of as many columns can be added")
        total = Tally(self.columns, [*self.pieces, *other.pieces])
        sizes = [len(keys) for keys, _ in total.pieces]
        if sum(sizes[1:]) > max(
            [WAITING, *sizes[:1]]
        ):  # as many again: a value is sorted a few times at most
            total.read()
        return total

    __radd__ = __add__

    def read(self) -> tuple[Keys, NDArray[np.int64]]:
        """Keys (n,), ascending and distinct, and their counts (n, columns)."""
        if not self.pieces:
            return np.empty(0, np.uint64), np.empty((0, self.columns), np.int64)
        if len(self.pieces) > 1:
            self.pieces = [_sorted(*(np.concatenate(part) for part in zip(*self.pieces, strict=True)))]
        return self.pieces[0]

    def within(self, low: int, high: int) -> "Tally":
        """The counts of keys from ``low`` to below ``high``."""
        if low >= high:
            return Tally(self.columns)
        keys, counts = self.read()
        last = high - 1
        inside = slice(
            int(np.searchsorted(keys, np.uint64(low))), int(np.searchsorted(keys, np.uint64(last), "right"))
        )
        return Tally(self.columns, [(keys[inside], counts[inside])] if inside.stop > inside.start else [])

    def coarse(self, shift: int) -> "Tally":
        """The counts of the keys without their last ``shift`` bits, which are 0 then."""
        if not shift or not self.pieces:
            return self
        keys, counts = self.read()
        return Tally(self.columns, [_sorted(keys >> np.uint64(shift) << np.uint64(shift), counts)])

    def __getstate__(self) -> dict[str, Any]:
        keys, counts = self.read()
        smallest = np.min_scalar_type(int(counts.max(initial=0)))
        narrow = np.uint32 if not len(keys) or keys[-1] < SCORES else np.uint64
        return {"columns": self.columns, "pieces": [(keys.astype(narrow), counts.astype(smallest))]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        pieces = [(keys.astype(np.uint64), counts.astype(np.int64)) for keys, counts in state["pieces"]]
        self.columns, self.pieces = state["columns"], [piece for piece in pieces if len(piece[0])]


def _sorted(keys: Keys, counts: NDArray[np.int64]) -> tuple[Keys, NDArray[np.int64]]:
    """Distinct keys, ascending, and the sums of their counts."""
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[starts], np.add.reduceat(counts, starts, axis=0)


class Areas(NamedTuple):
    """Areas under the two curves of scores of negatives and positives; NaN where one of the two is missing.

    roc : the share of pairs (positive, negative) in which the positive scores higher; ties count half.
    pr : average precision, Σ (recall_n - recall_{n-1}) precision_n over the thresholds.
    """

    roc: float
    pr: float


def areas(tally: Tally) -> Areas:
    """The areas of a tally of all negatives and positives."""
    return Downwards().add(tally).areas()


class Downwards:
    """The areas from ranges of scores that follow each other downwards: what is above is two numbers."""

    def __init__(self) -> None:
        self._true, self._false, self._pairs, self._precision = 0, 0, 0, 0.0

    def add(self, tally: Tally) -> "Downwards":
        """The next range of scores, all below those before; returns self."""
        counts = tally.read()[1][::-1]
        if len(counts):
            negative, positive = counts[:, 0], counts[:, 1]
            true, false = self._true + np.cumsum(positive), self._false + np.cumsum(negative)
            self._pairs += int((negative * (2 * (true - positive) + positive)).sum())
            self._precision += float((positive * (true / (true + false))).sum())
            self._true, self._false = int(true[-1]), int(false[-1])
        return self

    def areas(self) -> Areas:
        """The areas, once all ranges were added."""
        pairs = 2 * self._true * self._false
        precision = self._precision / self._true if self._true else np.nan
        return Areas(self._pairs / pairs if pairs else np.nan, precision)


def median(tally: Tally, skipped: int = 0, total: int | None = None) -> float:
    """The median of a tally of magnitudes; the mean of the two in the middle of an even number.

    ``skipped`` of the ``total`` values are below all that the tally has.
    """
    keys, counts = tally.read()
    ends = skipped + np.cumsum(counts[:, 0])
    total = int(ends[-1]) if total is None and len(ends) else total or 0
    if not total:
        return float("nan")
    ranks: Sequence[int] = ((total - 1) // 2, total // 2)
    low, high = keys[np.searchsorted(ends, ranks, "right")].view(np.float64).tolist()
    return float(low + (high - low) / 2)
