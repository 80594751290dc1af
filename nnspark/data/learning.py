"""Learn an encoding from the training rows: categories, means, medians. Exact, in any order of rows.

Every pass is a function of a chunk of raw rows whose results are merged: over the table on the driver, or
over the batches of an executor and then over the executors. One pass looks; "mean" takes one more, "median"
those of ``medians.py``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.encoding import Column, Encoding
from nnspark.data.hints import LEAST_ROWS, id_hint
from nnspark.data.medians import Over, RawRows, medians
from nnspark.data.plan import Plan
from nnspark.data.scaling import ColumnSums
from nnspark.errors import DataError
from nnspark.recipe import Recipe
from nnspark.recipe.raw_columns import Wishes, wishes_of

__all__ = ["MOST_CATEGORIES", "Looked", "Over", "RawRows", "learn", "with_encoding"]

Array = NDArray[Any]
MOST_CATEGORIES = 10_000


@dataclass
class Looked:
    """What one pass sees of columns (columns,): values present, least and largest (NaN where none); counts.

    ``counts`` are the rows of each spelling, of at most ``MOST_CATEGORIES`` and one more spellings a column.
    """

    rows: int
    present: NDArray[np.int64]
    low: Array
    high: Array
    counts: dict[int, dict[str, int]]

    def merge(self, other: "Looked") -> "Looked":
        """Add other rows; returns self."""
        self.rows += other.rows
        self.present = self.present + other.present
        self.low, self.high = np.fmin(self.low, other.low), np.fmax(self.high, other.high)
        for at, counts in other.counts.items():
            mine = self.counts[at]
            for text, rows in counts.items():
                if text in mine or len(mine) <= MOST_CATEGORIES:
                    mine[text] = mine.get(text, 0) + rows
        return self


class _Look:
    """A picklable function: what a chunk looks like; ``counted`` are the columns whose values are counted."""

    def __init__(self, counted: Sequence[int]) -> None:
        self.counted = counted

    def __call__(self, chunk: RawRows) -> Looked:
        values = chunk.values
        counts: dict[int, dict[str, int]] = {}
        for at in self.counted:
            column = values[:, at]
            codes, rows = np.unique(column[~np.isnan(column)], return_counts=True)
            pairs = list(zip(codes.tolist(), rows.tolist(), strict=True))[: MOST_CATEGORIES + 1]
            counts[at] = {chunk.spellings[at][code]: count for code, count in pairs}
        present = (~np.isnan(values)).sum(axis=0)
        return Looked(
            len(values), present, np.fmin.reduce(values) + 0.0, np.fmax.reduce(values) + 0.0, counts
        )


class _Mean:
    """A picklable function: exact sums of a chunk's columns, a missing value adding nothing."""

    def __init__(self, columns: Sequence[int], largest: Array, rows: int) -> None:
        self.columns, self.largest, self.rows = columns, largest, rows

    def __call__(self, chunk: RawRows) -> ColumnSums:
        values = chunk.values[:, self.columns]
        return ColumnSums(self.largest, self.rows).add(np.where(np.isnan(values), 0.0, values))


def with_encoding(plan: Plan, recipe: Recipe, kinds: Sequence[str], over: Over | None) -> Plan:
    """The plan with what is learned of its raw columns, whose ``kinds`` are empty where all are numbers.

    ``over`` is as in ``learning.learn``; None where there is no training row.
    """
    wishes = wishes_of(recipe.data)
    if over is None or not wishes.wanted:
        return plan
    names = plan.feature_names
    encoding, looked = learn(wishes, names, kinds or ("number",) * len(names), over)
    ids = [
        id_hint(names[at], "texts")
        for at, counts in looked.counts.items()
        if LEAST_ROWS <= len(counts) == looked.present[at]
    ]
    return replace(plan, encoding=encoding, feature_names=encoding.names, hints=tuple(ids))


def learn(wishes: Wishes, names: Sequence[str], kinds: Sequence[str], over: Over) -> tuple[Encoding, Looked]:
    """The encoding of raw columns, and what was seen of them.

    ``over(function)`` merges ``function(RawRows)`` of all training rows.

    Raises
    ------
    DataError : a column without any value to learn from, or with too many categories; names that are alike.
    """
    counted = [at for at, kind in enumerate(kinds) if kind == "category" and names[at] not in wishes.hashed]
    looked: Looked = over(_Look(counted))
    fills = _fills(wishes, names, kinds, looked, over)
    columns = []
    for at, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        column = Column(name, kind, fill=fills.get(at), width=wishes.hashed.get(name, 0))
        if at in looked.counts:
            column = _with_categories(column, looked.counts[at], wishes.least)
        missed = looked.present[at] < looked.rows
        columns.append(replace(column, indicator=bool(wishes.indicator and missed)))
    encoding = Encoding(tuple(columns), wishes.may_miss)
    twice = [name for name, count in Counter(encoding.names).items() if count > 1]
    if twice:
        raise DataError(f"two features would be named {twice[0]!r}; rename a column")
    return encoding, looked


def _with_categories(column: Column, counts: Mapping[str, int], least: int) -> Column:
    if len(counts) > MOST_CATEGORIES:
        name = column.name
        raise DataError(
            f"column {name!r} has more than {MOST_CATEGORIES} different values; leave it out with "
            f"data.exclude = [{name!r}], or hash it: data.categorical.hash.{name} = 256"
        )
    if not counts:
        raise _no_value(column.name)
    often = sorted(text for text, rows in counts.items() if rows >= least)
    rare = sorted(text for text, rows in counts.items() if rows < least)
    return replace(column, categories=tuple(often), rare=tuple(rare))


def _fills(
    wishes: Wishes, names: Sequence[str], kinds: Sequence[str], looked: Looked, over: Over
) -> dict[int, float]:
    """What stands for a missing value of each number or date column, by position."""
    columns = [at for at, kind in enumerate(kinds) if kind != "category"]
    if not wishes.may_miss or not columns:
        return {}
    if not isinstance(wishes.fill, str):
        return dict.fromkeys(columns, wishes.fill)
    empty = [at for at in columns if not looked.present[at]]
    if empty:
        raise _no_value(names[empty[0]])
    values = (
        _means(columns, looked, over)
        if wishes.fill == "mean"
        else medians(columns, looked.present[columns], over)
    )
    return dict(zip(columns, values.tolist(), strict=True))


def _no_value(name: str) -> DataError:
    return DataError(
        f"column {name!r} has no value in any training row: there is nothing to learn; leave it out with "
        f'data.exclude = ["{name}"]'
    )


def _means(columns: Sequence[int], looked: Looked, over: Over) -> Array:
    largest = np.maximum(np.abs(looked.low[columns]), np.abs(looked.high[columns]))
    sums: ColumnSums = over(_Mean(columns, largest, looked.rows))
    return np.asarray(sums.value() / looked.present[columns])
