"""Where the parts of a split end: exact thresholds and counts, in bounded memory and without a sort.

A boundary is the split key of the first row of the next part. The survey tells its leading bits; while more
than ``NEAR_ROWS`` rows share them with a boundary, another narrow pass counts those by their next bits. Then
the keys that are left are collected, equal ones once, and the rows of each part and class counted. Of a table
of few rows the survey kept all keys (``few_keys.py``), and no pass is made.

With ``s`` strata (classes, or 1) and ``b`` boundaries (2, or as many as folds) a pass sends at most
8 * max(``CELLS``, 16 b s) bytes a partition to be merged (``NarrowCounts``), the last one 24 * ``NEAR_ROWS``
+ (8 + 8 b) * classes (``Near``): that many keys there are in all partitions together. A pass narrows by 16
times at least, by 32,768 where there is one stratum and two boundaries.

(Above 200 lines: two passes over one kind of key, with what each sends.)
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.plan import part_counts
from nnspark.data.rows import split_keys
from nnspark.engines.frames.columns import Layout, arrays_of
from nnspark.engines.frames.few_keys import NOTHING, Keys
from nnspark.engines.frames.survey import Survey, bits_for, bucket_of, compact, labels_of, present, undecided
from nnspark.recipe import Split

__all__ = [
    "NEAR_ROWS",
    "Boundaries",
    "NarrowCounts",
    "Near",
    "boundaries_of",
    "collect_near",
    "count_inside",
    "near_of",
    "nothing_near",
    "rows_of_parts",
]

Array = NDArray[Any]
NEAR_ROWS = 1 << 20
LAST = np.uint64(np.iinfo(np.uint64).max)


@dataclass(frozen=True)
class Boundaries:
    """What is known of the keys at which parts end; each array is (strata, boundaries).

    Of a boundary that is ``open`` the key's leading ``bits`` are ``prefix``; ``inside`` rows have them, and
    the one of rank ``rank`` among those is the first of the next part. Of one that is not open, no row is
    below where ``rank`` is 0, a part of no rows, else all are.
    """

    bits: int
    open: NDArray[np.bool_]
    prefix: NDArray[np.uint64]
    rank: NDArray[np.int64]
    inside: NDArray[np.int64]

    @property
    def rows(self) -> int:
        """Rows near the boundaries; those near several of a stratum's count once."""
        again = np.zeros_like(self.open)  # prefixes of a stratum's open boundaries do not fall
        last = np.zeros_like(self.prefix[:, 0])
        seen = np.zeros(len(last), bool)
        for column in range(self.open.shape[1]):
            mine = self.open[:, column]
            again[:, column] = mine & seen & (self.prefix[:, column] == last)
            last = np.where(mine, self.prefix[:, column], last)
            seen |= mine
        return int(self.inside[self.open & ~again].sum())

    def narrowed(self, found: "NarrowCounts") -> "Boundaries":
        """Some more bits of each boundary, from the counts of the rows inside by those bits."""
        ends = found.counts.cumsum(axis=2)
        at = (ends <= self.rank[:, :, None]).sum(axis=2)
        at = np.minimum(at, found.counts.shape[2] - 1)
        inside = np.take_along_axis(found.counts, at[:, :, None], 2)[:, :, 0]
        below = np.take_along_axis(ends, at[:, :, None], 2)[:, :, 0] - inside
        return replace(
            self,
            bits=self.bits + found.bits,
            prefix=(self.prefix << np.uint64(found.bits)) | at.astype(np.uint64),
            rank=self.rank - below,
            inside=inside,
        )

    def near(self, keys: Array, stratum: Array | int) -> tuple[Array, Array]:
        """Of each key and boundary, shapes (n, boundaries): whether it is inside, whether it is below."""
        leading, prefix, wanted = (
            bucket_of(keys, self.bits)[:, None],
            self.prefix[stratum],
            self.open[stratum],
        )
        return wanted & (leading == prefix), np.where(wanted, leading < prefix, self.rank[stratum] > 0)


@dataclass
class NarrowCounts:
    """Rows inside each boundary by their next ``bits`` bits: counts (strata, boundaries, 2**bits)."""

    bits: int
    counts: NDArray[np.int64]

    def merge(self, other: "NarrowCounts") -> "NarrowCounts":
        """Add other rows' counts; returns self."""
        self.counts += other.counts
        return self

    def __getstate__(self) -> tuple[int, Array]:
        return self.bits, compact(self.counts)

    def __setstate__(self, state: tuple[int, Array]) -> None:
        self.bits, self.counts = state[0], state[1].astype(np.int64)


@dataclass
class Near:
    """The keys near boundaries, each with its class once and how often, and all other rows by part and class.

    ``below`` (boundaries, classes) counts rows below each boundary that are not inside it.
    """

    inside: Keys
    below: NDArray[np.int64]

    def merge(self, other: "Near") -> "Near":
        """Add other rows; returns self."""
        self.inside = self.inside.plus(other.inside)
        self.below += other.below
        return self

    def thresholds(
        self, boundaries: Boundaries
    ) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
        """Cuts (strata, boundaries), rows below by class (boundaries, classes), rows inside like cuts."""
        strata, ends = boundaries.open.shape
        stratum = self.inside.label if strata > 1 else np.zeros_like(self.inside.label)
        inside, _ = boundaries.near(self.inside.keys, stratum)
        cuts = np.where(boundaries.open | (boundaries.rank > 0), LAST, np.uint64(0))
        found = np.zeros((strata, ends), dtype=np.int64)
        below = self.below.copy()
        for column in range(ends):
            mine = inside[:, column]
            label, keys, times = (values[mine] for values in self.inside)
            order = np.lexsort((keys, stratum[mine]))
            own, keys, label, times = stratum[mine][order], keys[order], label[order], times[order]
            before = times.cumsum() - times
            found[:, column] = np.bincount(own, weights=times, minlength=strata).astype(np.int64)
            start = found[:, column].cumsum() - found[:, column]
            reached = before + times - start[own] > boundaries.rank[own, column]
            first = np.flatnonzero(reached & ~_after_same(reached, own))
            cuts[own[first], column] = keys[first]
            lower = keys < cuts[own, column]
            np.add.at(below[column], label[lower], times[lower])
        return cuts, below, found


def boundaries_of(survey: Survey, split: Split) -> Boundaries:
    """Where the parts of a split end, to within a bucket of the survey."""
    rows = survey.histogram.sum(axis=1)
    ranks = np.array([part_counts(int(count), split) for count in rows])
    shape = ranks.shape
    start = Boundaries(
        0,
        (ranks > 0) & (ranks < rows[:, None]),
        np.zeros(shape, np.uint64),
        ranks,
        np.repeat(rows[:, None], shape[1], axis=1),
    )
    buckets = survey.histogram.shape[1]
    counts = np.broadcast_to(survey.histogram[:, None, :], (*shape, buckets))
    return start.narrowed(NarrowCounts(buckets.bit_length() - 1, counts))


def count_inside(
    batches: Iterable[Any], layout: Layout, split: Split, boundaries: Boundaries
) -> NarrowCounts:
    """Worker function: the rows inside each boundary, by their next bits."""
    strata, ends = boundaries.open.shape
    bits = min(bits_for(ends * strata), 64 - boundaries.bits)
    counts = NarrowCounts(bits, np.zeros((strata, ends, 1 << bits), np.int64))
    for batch in batches:
        rows = undecided(present(arrays_of(batch, layout)))
        keys = split_keys(rows.hashes(), split.seed)
        stratum = labels_of(rows, layout) if strata > 1 else np.zeros(len(keys), np.int64)
        at, boundary = np.nonzero(boundaries.near(keys, stratum)[0])
        following = bucket_of(keys[at] << np.uint64(boundaries.bits), bits)
        np.add.at(counts.counts, (stratum[at], boundary, following.astype(np.int64)), 1)
    return counts


def collect_near(batches: Iterable[Any], layout: Layout, split: Split, boundaries: Boundaries) -> Near:
    """Worker function: the keys inside a boundary, and the numbers of rows below."""
    classes = 1 if layout.classes is None else len(layout.classes)
    near = near_of(NOTHING, boundaries, classes)
    for batch in batches:
        rows = undecided(present(arrays_of(batch, layout)))
        keys, label = split_keys(rows.hashes(), split.seed), labels_of(rows, layout)
        near.merge(near_of(Keys(label, keys, np.ones(len(keys), np.int64)), boundaries, classes))
    return near


def near_of(keys: Keys, boundaries: Boundaries, classes: int) -> Near:
    """The same of rows whose keys are known, in any order."""
    label = keys.label
    inside, below = boundaries.near(keys.keys, label if len(boundaries.open) > 1 else np.zeros_like(label))
    mine = inside.any(axis=1)
    counted = [np.bincount(label[lower], keys.times[lower], classes).astype(np.int64) for lower in below.T]
    return Near(Keys(*(values[mine] for values in keys)).once(), np.array(counted))


def nothing_near(boundaries: Boundaries, by_class: Array) -> Near:
    """Of a split whose boundaries are all at an end: no row is below, or every row."""
    return Near(NOTHING, np.where(boundaries.rank.T > 0, by_class, 0))


def rows_of_parts(by_class: Array, below: Array, split: Split) -> NDArray[np.int64]:
    """Rows of each part and class (3, classes), of ``below`` each boundary (boundaries, classes)."""
    test, not_train = below[0], below[0 if split.folds else 1]
    return np.stack([by_class - not_train, not_train - test, test])


def _after_same(reached: Array, own: Array) -> Array:
    """Whether the entry before is of the same stratum and was reached too."""
    after: Array = np.append(False, reached[:-1] & (own[:-1] == own[1:])) if len(own) else reached
    return after
