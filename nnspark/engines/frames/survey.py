"""One pass over a DataFrame to learn what the plan needs: counts, ranges, split keys, bad values.

A ``Survey`` is an accumulator; all it holds adds up in any order. Split keys are counted in buckets
by their leading bits; ``boundaries.py`` finds the split's exact thresholds from there, without a sort.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.crowded import Common, kinds
from nnspark.data.fold_numbers import parts_of
from nnspark.data.hints import Sample, sample_rows
from nnspark.data.rows import PARTS, fingerprint_of, split_keys, sum_hashes
from nnspark.engines.frames.bad_values import bad_values
from nnspark.engines.frames.columns import Arrays, Layout, arrays_of
from nnspark.engines.frames.few_keys import FewKeys
from nnspark.recipe import Split

__all__ = [
    "Survey",
    "add_batch",
    "bits_for",
    "bucket_of",
    "compact",
    "empty_survey",
    "present",
    "strata_of",
    "survey_batches",
    "undecided",
]

Array = NDArray[Any]
CELLS, LEAST_BITS = 65_536, 4


@dataclass
class Survey:
    """What one pass finds.

    ``histogram`` (strata, buckets) counts split keys by stratum and leading bits; ``by_class`` counts rows of
    each class, (classes or 1,), ``given`` (3, classes or 1) those whose part is given, which the others leave
    out; ``hash_sums`` are the wrapped sums of the rows' hashes; ``bad`` counts unusable values by kind and
    normalised column; ``common`` are hashes that came often (the one thing here that depends on the order,
    within its bounds); ``sample`` are the rows of least hash; ``few`` are all keys of a table of few rows.

    It takes 8 bytes a cell of the tables, which are at most max(``CELLS``, 16 strata) + 4 classes, 16
    a common hash, 8 a value of the sample, 24 a row while those are few, and some for each kind of bad value
    and column; pickled no more, and one to four bytes a cell where rows are few.
    """

    histogram: Array
    by_class: Array
    given: Array
    common: Common
    sample: Sample
    few: FewKeys
    rows: int = 0
    hash_sums: tuple[int, int] = (0, 0)
    bad: dict[tuple[str, str], int] = field(default_factory=dict)

    def merge(self, other: "Survey") -> "Survey":
        """Add another survey; returns self."""
        self.histogram += other.histogram
        self.by_class += other.by_class
        self.given += other.given
        self.common.merge(other.common)
        self.sample.merge(other.sample)
        self.few.merge(other.few)
        self.rows += other.rows
        words = zip(self.hash_sums, other.hash_sums, strict=True)
        first, second = ((mine + theirs) % 2**64 for mine, theirs in words)
        self.hash_sums = (first, second)
        for key, count in other.bad.items():
            self.bad[key] = self.bad.get(key, 0) + count
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {
            **self.__dict__,
            "histogram": compact(self.histogram),
            "by_class": compact(self.by_class),
            "given": compact(self.given),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        tables = (self.histogram, self.by_class, self.given)
        self.histogram, self.by_class, self.given = (table.astype(np.int64) for table in tables)

    @property
    def fingerprint(self) -> str:
        """What identifies the set of rows."""
        return fingerprint_of(self.rows, self.hash_sums)


def compact(counts: Array) -> Array:
    """Counts in the smallest type that holds them, to travel."""
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))


def strata_of(layout: Layout, split: Split) -> int:
    """How many strata are split each by itself: the classes, or all rows as one."""
    return 1 if layout.classes is None or not split.stratify else len(layout.classes)


def bits_for(tables: int) -> int:
    """Leading bits to tell keys apart by, in each of so many tables: more tables, fewer bits."""
    return max(LEAST_BITS, (CELLS // tables).bit_length() - 1)


def survey_batches(batches: Iterable[Any], layout: Layout, split: Split, few_rows: int) -> Survey:
    """Worker function: survey Arrow batches; the keys of at most so many rows are kept."""
    survey = empty_survey(layout, split, few_rows, bits_for(strata_of(layout, split)))
    for batch in batches:
        add_batch(survey, batch, layout, split)
    survey.common.settle()
    return survey


def empty_survey(layout: Layout, split: Split, few_rows: int, bits: int) -> Survey:
    """A survey of no rows, with so many leading bits of their keys."""
    strata, classes = strata_of(layout, split), 1 if layout.classes is None else len(layout.classes)
    return Survey(
        np.zeros((strata, 1 << bits), np.int64),
        np.zeros(classes, np.int64),
        np.zeros((len(PARTS), classes), np.int64),
        Common(kinds(len(layout.names))),
        Sample(sample_rows(len(layout.names)), len(layout.names)),
        FewKeys(few_rows),
    )


def add_batch(survey: Survey, batch: Any, layout: Layout, split: Split) -> tuple[Arrays, Array] | None:
    """Survey an Arrow batch; its rows and their hashes, or None where it has none that can be used."""
    if not batch.num_rows:
        return None
    bad = bad_values(batch, layout)
    if bad:
        for key, count in bad.items():
            survey.bad[key] = survey.bad.get(key, 0) + count
        return None
    rows = present(arrays_of(batch, layout))
    hashes, own = rows.hashes(), undecided(rows)
    if rows.given is not None:
        decided = rows.given >= 0
        np.add.at(survey.given, (parts_of(rows.given[decided]), labels_of(rows, layout)[decided]), 1)
    keys = split_keys(hashes if own is rows else own.hashes(), split.seed)
    label = labels_of(own, layout)
    strata, buckets = survey.histogram.shape
    stratum = label if strata > 1 else np.zeros_like(label)
    np.add.at(survey.histogram, (stratum, bucket_of(keys, buckets.bit_length() - 1)), 1)
    survey.by_class += np.bincount(label, minlength=len(survey.by_class))
    survey.few.add(label, keys)
    survey.common.add(hashes[:, 0])
    survey.sample.add(hashes, rows.features)
    survey.rows += len(hashes)
    words = zip(survey.hash_sums, sum_hashes(hashes, rows.given if layout.part else None), strict=True)
    first, second = ((mine + theirs) % 2**64 for mine, theirs in words)
    survey.hash_sums = (first, second)
    return rows, hashes


def labels_of(rows: Arrays, layout: Layout) -> Array:
    """Class of each row, 0 where there are no classes."""
    return rows.target if layout.classes is not None else np.zeros(len(rows.features), dtype=np.int64)


def bucket_of(keys: Array, bits: int) -> Array:
    """The leading bits of split keys."""
    return keys >> np.uint64(64 - bits)


def present(rows: Arrays) -> Arrays:
    """The rows whose weight is not 0."""
    return rows if rows.weight is None or (rows.weight > 0).all() else rows.take(rows.weight > 0)


def undecided(rows: Arrays) -> Arrays:
    """The rows whose part is not given."""
    return rows if rows.given is None else rows.take(rows.given < 0)
