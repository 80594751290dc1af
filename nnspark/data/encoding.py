"""From raw columns to features: what was learned of each column, and the pure function it makes.

    source columns --sources/raw.py--> raw (n, columns) float64: numbers, codes of text, days; NaN is missing
    raw --hash--> split, part, block of each row            nothing is learned before, so every route agrees
    raw training rows --data/learning.py--> Encoding        categories, fills; small, kept in plan and model
    raw --Encoding.apply--> features (n, names) float64 --scaling--> blocks

A number or date is one feature, a category one of 0 and 1 for each of its values, named ``city=Paris``, and
``city=(rare)`` for all rare ones; a hashed one has ``zip#0``, ``zip#1``, ...; a value that was not among the
training rows has zeros only. Where a column had missing values among the training rows, and it is asked for,
``age=(missing)`` says where; a missing category has zeros.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.sources.raw import KINDS
from nnspark.sources.values import code_of

__all__ = ["MISSING", "RARE", "Column", "Encoding"]

Array = NDArray[Any]
RARE, MISSING = "(rare)", "(missing)"


@dataclass(frozen=True)
class Column:
    """One raw column, its ``kind`` one of ``sources.raw.KINDS``, and what was learned of it.

    categories : spellings with a feature of their own, sorted; ``rare`` : those that share one, sorted.
    width : features that share the values by their hash; 0 where each has its own.
    fill : stands for a missing number or date; None where there can be none.
    indicator : whether a last feature says where the value was missing.
    """

    name: str
    kind: str = "number"
    categories: tuple[str, ...] = ()
    rare: tuple[str, ...] = ()
    width: int = 0
    fill: float | None = None
    indicator: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its features."""
        return (*self._value_names, *([f"{self.name}={MISSING}"] if self.indicator else []))

    @property
    def _value_names(self) -> list[str]:
        if self.kind != "category":
            return [self.name]
        if self.width:
            return [f"{self.name}#{at}" for at in range(self.width)]
        shared = [f"{self.name}={RARE}"] if self.rare else []
        return [*(f"{self.name}={text}" for text in self.categories), *shared]

    @cached_property
    def _places(self) -> tuple[Array, Array]:
        """Codes in order, and the feature of each."""
        texts = (*self.categories, *self.rare)
        codes = np.array([code_of(text) for text in texts])
        features = np.minimum(np.arange(len(texts)), len(self.categories))
        order = np.argsort(codes)
        return codes[order], features[order]

    def write(self, raw: Array, features: Array) -> None:
        """Write the features of raw values (n,) into zeros (n, len(names))."""
        missing = np.isnan(raw)
        if self.kind != "category":
            features[:, 0] = raw if self.fill is None else np.where(missing, self.fill, raw)
        else:
            rows, at = self._chosen(raw, missing)
            features[rows, at] = 1.0
        if self.indicator:
            features[:, -1] = missing

    def _chosen(self, raw: Array, missing: Array) -> tuple[Array, Array]:
        """The rows that have a category among the features, and which."""
        rows = np.flatnonzero(~missing)
        if self.width:
            return rows, raw[rows].astype(np.int64) % self.width
        codes, features = self._places
        if not len(codes):
            return rows[:0], rows[:0]
        at = np.searchsorted(codes, raw[rows]).clip(max=len(codes) - 1)
        known = codes[at] == raw[rows]
        return rows[known], features[at[known]]


@dataclass(frozen=True)
class Encoding:
    """What was learned of all raw columns; ``may_miss``: whether values may be missing at all."""

    columns: tuple[Column, ...]
    may_miss: bool = False

    @cached_property
    def raw_names(self) -> tuple[str, ...]:
        """Names of the raw columns."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of the raw columns."""
        return tuple(column.kind for column in self.columns)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(name for column in self.columns for name in column.names)

    @cached_property
    def measured(self) -> NDArray[np.bool_]:
        """Which features (features,) are numbers or days, to be scaled: the others are 0 or 1."""
        plain = [
            at == 0 and column.kind != "category"
            for column in self.columns
            for at in range(len(column.names))
        ]
        return np.array(plain, dtype=bool)

    @cached_property
    def places(self) -> tuple[range, ...]:
        """Which features each raw column has."""
        return tuple(range(start, start + len(column.names)) for column, start in self._starts())

    def apply(self, raw: Array) -> NDArray[np.float64]:
        """Features (n, len(names)) of raw values (n, columns)."""
        features = np.zeros((len(raw), len(self.names)))
        for at, (column, start) in enumerate(self._starts()):
            column.write(raw[:, at], features[:, start : start + len(column.names)])
        return features

    def usable(self, raw: Array) -> NDArray[np.bool_]:
        """Which rows (n,) can be encoded: none infinite, and nothing missing where nothing may be."""
        bad = np.isinf(raw) if self.may_miss else ~np.isfinite(raw)
        return np.asarray(~bad.any(axis=1))

    def _starts(self) -> Iterator[tuple[Column, int]]:
        start = 0
        for column in self.columns:
            yield column, start
            start += len(column.names)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; what a column does not have is left out."""
        plain = Column("")
        columns = [
            {
                key: value
                for key, value in vars(column).items()
                if key in FIELDS and value != getattr(plain, key)
            }
            for column in self.columns
        ]
        return {"may_miss": self.may_miss, "columns": columns}

    @staticmethod
    def from_dict(found: Mapping[str, Any]) -> "Encoding":
        """What ``to_dict`` wrote; ValueError, KeyError or TypeError for anything else."""
        columns = tuple(_column_of(entry) for entry in found["columns"])
        for column in columns:
            if column.kind not in KINDS or not isinstance(column.name, str):
                raise ValueError(f"column {column.name!r} is of an unknown kind {column.kind!r}")
            if not all(isinstance(text, str) for text in (*column.categories, *column.rare)):
                raise ValueError(f"the categories of column {column.name!r} are no text")
        return Encoding(columns, bool(found["may_miss"]))


def _column_of(entry: Mapping[str, Any]) -> Column:
    values: dict[str, Any] = {key: tuple(one) if isinstance(one, list) else one for key, one in entry.items()}
    return Column(**values)


FIELDS = tuple(Column.__dataclass_fields__)
