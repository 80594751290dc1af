"""The split keys of a table of few rows: its survey keeps them, so that no other pass need find them."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEW_ROWS", "NOTHING", "FewKeys", "Keys"]

Array = NDArray[Any]
FEW_ROWS = 1 << 16
"""A megabyte and a half of keys at most, for which a pass over all columns is spared."""


class Keys(NamedTuple):
    """Classes and split keys, and how many rows have each pair; all (n,)."""

    label: Array
    keys: Array
    times: Array

    def plus(self, other: "Keys") -> "Keys":
        """Other rows' too, each pair once, sorted by key."""
        return Keys(*(np.append(mine, theirs) for mine, theirs in zip(self, other, strict=True))).once()

    def once(self) -> "Keys":
        """Each pair once, sorted by key."""
        label, keys, times = self
        if not len(keys):
            return self
        order = np.lexsort((label, keys))
        label, keys, times = label[order], keys[order], times[order]
        first = np.flatnonzero(np.append(True, (np.diff(keys) != 0) | (np.diff(label) != 0)))
        return Keys(label[first], keys[first], np.add.reduceat(times, first))


NOTHING = Keys(np.empty(0, np.int64), np.empty(0, np.uint64), np.empty(0, np.int64))


@dataclass
class FewKeys:
    """The keys of all ``rows`` that were added, while those are at most ``most``; then none.

    It takes 24 bytes a row, so at most 24 * ``most``.
    """

    most: int
    rows: int = 0
    keys: Keys = NOTHING

    @property
    def all_known(self) -> bool:
        """Whether no row was left out."""
        return self.rows <= self.most

    def add(self, label: Array, keys: Array) -> "FewKeys":
        """Add rows; returns self."""
        few = self.rows + len(keys) <= self.most
        own = Keys(label, keys, np.ones(len(keys), np.int64)) if few else NOTHING
        return self.merge(FewKeys(self.most, len(keys), own))

    def merge(self, other: "FewKeys") -> "FewKeys":
        """Add another table's rows; returns self."""
        self.rows += other.rows
        self.keys = self.keys.plus(other.keys) if self.all_known else NOTHING
        return self
