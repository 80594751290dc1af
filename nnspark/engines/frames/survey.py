"""One pass over a DataFrame to learn what the plan needs: counts, ranges, split keys, bad values.

A ``Survey`` is an accumulator; all it holds adds up in any order. Split keys are counted in buckets
by their leading bits; a second, narrow pass collects the keys of the few buckets in which a part
ends, and so the split's thresholds are exact without a sort.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.plan import part_counts
from nnspark.data.rows import hash_rows, split_keys
from nnspark.engines.frames.columns import Arrays, Layout, arrays_of
from nnspark.errors import DataError
from nnspark.recipe import Split

__all__ = ["Boundaries", "Survey", "boundaries_of", "collect_keys", "survey_batches"]

Array = NDArray[Any]
CELLS = 65_536
KINDS = ("corrupt", "null", "width", "not finite", "negative")


@dataclass
class Survey:
    """What one pass finds.

    ``histogram`` (classes or 1, buckets) counts split keys by class and leading bits; ``hash_sums`` are
    the wrapped sums of the rows' hashes; ``bad`` counts unusable values by kind and normalised column.
    """

    histogram: Array
    rows: int = 0
    hash_sums: tuple[int, int] = (0, 0)
    bad: dict[tuple[str, str], int] = field(default_factory=dict)

    def merge(self, other: "Survey") -> "Survey":
        """Add another survey; returns self."""
        self.histogram += other.histogram
        self.rows += other.rows
        words = zip(self.hash_sums, other.hash_sums, strict=True)
        first, second = ((mine + theirs) % 2**64 for mine, theirs in words)
        self.hash_sums = (first, second)
        for key, count in other.bad.items():
            self.bad[key] = self.bad.get(key, 0) + count
        return self

    @property
    def fingerprint(self) -> str:
        """What identifies the set of rows."""
        return f"{self.rows}-{self.hash_sums[0]:016x}{self.hash_sums[1]:016x}"


@dataclass(frozen=True)
class Boundaries:
    """The buckets, among ``buckets`` of the leading bits, in which a part may end, for each stratum."""

    buckets: int
    wanted: tuple[frozenset[int], ...]


def empty_survey(layout: Layout) -> Survey:
    """A survey of nothing; more classes, fewer buckets."""
    classes = 1 if layout.classes is None else len(layout.classes)
    buckets = 1 << max(4, (CELLS // classes).bit_length() - 1)
    return Survey(np.zeros((classes, buckets), dtype=np.int64))


def survey_batches(batches: Iterable[Any], layout: Layout, seed: int) -> Survey:
    """Worker function: survey Arrow batches."""
    survey = empty_survey(layout)
    buckets = survey.histogram.shape[1]
    for batch in batches:
        if not batch.num_rows:
            continue
        bad = bad_values(batch, layout)
        if bad:
            survey.merge(replace(empty_survey(layout), bad=bad))
            continue
        rows = present(arrays_of(batch, layout))
        hashes = hash_rows(*rows)
        keys = split_keys(hashes, seed)
        stratum = rows.target if layout.classes is not None else np.zeros(len(keys), dtype=np.int64)
        np.add.at(survey.histogram, (stratum, bucket_of(keys, buckets)), 1)
        first, second = (int(word) for word in hashes.sum(axis=0, dtype=np.uint64))
        survey.merge(Survey(np.zeros_like(survey.histogram), len(keys), (first, second)))
    return survey


def boundaries_of(survey: Survey, split: Split) -> Boundaries:
    """Where the parts of a split end, to within a bucket."""
    histogram = survey.histogram if split.stratify else survey.histogram.sum(axis=0, keepdims=True)
    wanted = []
    for counts in histogram:
        ends = np.cumsum(counts)
        ranks = [rank for rank in part_counts(int(ends[-1]), split) if rank < ends[-1]]
        wanted.append(frozenset(int(np.searchsorted(ends, rank, side="right")) for rank in ranks))
    return Boundaries(histogram.shape[1], tuple(wanted))


def near_boundaries(survey: Survey, boundaries: Boundaries) -> int:
    """Rows in the buckets of the boundaries."""
    histogram = survey.histogram if len(boundaries.wanted) > 1 else survey.histogram.sum(axis=0)[None]
    wanted = zip(histogram, boundaries.wanted, strict=True)
    return int(sum(counts[sorted(buckets)].sum() for counts, buckets in wanted))


def collect_keys(
    batches: Iterable[Any], layout: Layout, seed: int, boundaries: Boundaries
) -> Iterator[tuple[Array, Array]]:
    """Worker function: class and split key of the rows that fall into a boundary's bucket."""
    wanted = np.zeros((len(boundaries.wanted), boundaries.buckets), dtype=bool)
    for stratum, buckets in enumerate(boundaries.wanted):
        wanted[stratum, sorted(buckets)] = True
    for batch in batches:
        rows = present(arrays_of(batch, layout))
        keys = split_keys(hash_rows(*rows), seed)
        label = rows.target if layout.classes is not None else np.zeros(len(keys), dtype=np.int64)
        near = wanted[label if len(wanted) > 1 else 0, bucket_of(keys, boundaries.buckets)]
        yield label[near], keys[near]


def thresholds_of(
    survey: Survey, split: Split, boundaries: Boundaries, label: Array, keys: Array
) -> tuple[Array, Array]:
    """The exact cuts (strata, 2), and the number of rows of each part and class, (3, classes)."""
    classes, buckets = survey.histogram.shape
    cuts = np.zeros((len(boundaries.wanted), 2), dtype=np.uint64)
    counts = np.zeros((3, classes), dtype=np.int64)
    bucket = bucket_of(keys, buckets)
    for stratum in range(len(boundaries.wanted)):
        members = np.array([stratum]) if split.stratify else np.arange(classes)
        histogram = survey.histogram[members].sum(axis=0)
        ends = np.cumsum(histogram)
        mine = np.isin(label, members)
        below = np.zeros((3, classes), dtype=np.int64)
        for column, rank in enumerate(part_counts(int(ends[-1]), split)):
            if rank >= ends[-1]:
                cuts[stratum, column] = np.iinfo(np.uint64).max
                below[column, members] = survey.histogram[members].sum(axis=1)
                continue
            at = int(np.searchsorted(ends, rank, side="right"))
            inside = np.sort(keys[mine & (bucket == at)])
            cut = inside[rank - (ends[at] - histogram[at])]
            cuts[stratum, column] = cut
            lower = mine & (bucket == at) & (keys < cut)
            below[column] = np.bincount(label[lower], minlength=classes)
            below[column, members] += survey.histogram[members, :at].sum(axis=1)
        below[2, members] = survey.histogram[members].sum(axis=1)
        counts += np.stack([below[2] - below[1], below[1] - below[0], below[0]])
    return cuts, counts


def bucket_of(keys: Array, buckets: int) -> Array:
    """The leading bits of split keys: an index below ``buckets``, a power of two."""
    return (keys >> np.uint64(64 - (buckets.bit_length() - 1))).astype(np.int64)


def present(rows: Arrays) -> Arrays:
    """The rows whose weight is not 0."""
    if rows.weight is None or (rows.weight > 0).all():
        return rows
    keep = rows.weight > 0
    return Arrays(rows.features[keep], rows.target[keep], rows.weight[keep])


def bad_values(batch: Any, layout: Layout) -> dict[tuple[str, str], int]:
    """Counts of unusable values: nulls, NaN and infinities, arrays of another length, bad weights."""
    bad: dict[tuple[str, str], int] = {}
    for index, name in enumerate(batch.schema.names):
        column = batch.column(index)
        if name == "corrupt":
            if column.null_count < batch.num_rows:
                bad["corrupt", name] = batch.num_rows - column.null_count
            continue
        if column.null_count:
            bad["null", name] = column.null_count
            continue
        if name == "f0" and layout.is_array:
            offsets = column.offsets.to_numpy()
            wrong = int((np.diff(offsets) != len(layout.names)).sum())
            if wrong:
                bad["width", name] = wrong
            column = column.flatten()
            if column.null_count:
                bad["null", name] = column.null_count
                continue
        elif name.startswith("t") and layout.classes is not None:
            continue
        values = column.to_numpy(zero_copy_only=False)
        wrong = int((~np.isfinite(values)).sum())
        if wrong:
            bad["not finite", name] = wrong
        elif name == "w" and (values < 0).any():
            bad["negative", name] = int((values < 0).sum())
    return bad


def refuse_bad(survey: Survey, layout: Layout, locate: Any) -> None:
    """Raise DataError for the unusable values of a survey; ``locate(kind, column)`` names the first."""
    if not survey.bad:
        return
    (kind, column), count = min(survey.bad.items(), key=lambda item: (KINDS.index(item[0][0]), item[0]))
    total = sum(survey.bad.values())
    name = layout.source_of(column)
    where = locate(kind, column)
    place = f"; the first is {where}" if where else ""
    others = f" ({total} unusable values in all columns)" if total > count else ""
    what = {
        "corrupt": f"{count} records do not have one number a feature column and as many fields as the first",
        "null": f"column {name!r} is null in {count} rows",
        "width": f"column {name!r} has another length than {len(layout.names)} in {count} rows",
        "not finite": f"column {name!r} is NaN or infinite {count} times",
        "negative": f"weight column {name!r} is negative in {count} rows",
    }[kind]
    raise DataError(f"{what}{others}{place}; remove or fill such rows")
