"""What a person should look at before training: columns that look like ids, features of unlike magnitude.

Both are judged by a sample, the rows of least hash, which depends on the set of rows only; that all values of
a column differ is then counted.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_ROWS", "Sample", "all_differ", "hints", "id_hint", "sample_rows"]

Array = NDArray[Any]
Words = NDArray[np.uint64]

MOST_ROWS, LEAST_ROWS, VALUES = 100, 50, 1 << 16
UNLIKE = 1_000.0
MOST_IDS = 5


def sample_rows(columns: int) -> int:
    """Rows of a sample: fewer of wide ones, of which there is nothing to say below ``LEAST_ROWS``."""
    rows = min(MOST_ROWS, VALUES // max(columns, 1))
    return rows if rows >= LEAST_ROWS else 0


class Sample:
    """The different rows of least hash, at most ``limit``; pickled 16 bytes a row and 8 a value, and some.

    ``hashes`` (m, 2) in order, ``rows`` (m, columns) raw.
    """

    def __init__(self, limit: int, columns: int) -> None:
        self.limit = limit
        self.hashes, self.rows = np.empty((0, 2), np.uint64), np.empty((0, columns))

    def add(self, hashes: Words, rows: Array) -> "Sample":
        """Add rows; returns self."""
        if not self.limit:
            return self
        if len(self.hashes) == self.limit:
            low = hashes[:, 0] <= self.hashes[-1, 0]
            hashes, rows = hashes[low], rows[low]
        elif len(hashes) > 8 * self.limit:
            first = np.argpartition(hashes[:, 0], 8 * self.limit)[: 8 * self.limit]
            if len(np.unique(hashes[first, 0])) >= self.limit:
                hashes, rows = hashes[first], rows[first]
        if len(hashes):
            self._keep(np.concatenate([self.hashes, hashes]), np.concatenate([self.rows, rows]))
        return self

    def merge(self, other: "Sample") -> "Sample":
        """Add another's rows; returns self."""
        return self.add(other.hashes, other.rows)

    def _keep(self, hashes: Words, rows: Array) -> None:
        order = np.lexsort((hashes[:, 1], hashes[:, 0]))
        hashes, rows = hashes[order], rows[order]
        first = np.flatnonzero(np.append(True, (np.diff(hashes, axis=0) != 0).any(axis=1)))[: self.limit]
        self.hashes, self.rows = hashes[first], rows[first]


def hints(
    sample: Sample, names: Sequence[str], kinds: Sequence[str], scale: Any, all_differ: Callable[[int], bool]
) -> tuple[str, ...]:
    """Sentences, each with the key to set.

    ``kinds`` of the columns are empty where all are numbers; ``all_differ(column)`` counts over all rows.
    """
    if len(sample.rows) < LEAST_ROWS:
        return ()
    numbers = [at for at in range(len(names)) if not kinds or kinds[at] == "number"]
    looks_alike = [at for at in numbers if _are_different_integers(sample.rows[:, at])]
    ids = [at for at in looks_alike[:MOST_IDS] if all_differ(at)]
    said = [id_hint(names[at], "whole numbers") for at in ids]
    scaled = [at for at in range(len(names)) if not kinds or kinds[at] in ("number", "date")]
    unlike = "" if scale != "none" else _unlike(sample, names, [at for at in scaled if at not in ids])
    return (*said, *filter(None, [unlike]))


def all_differ(rows: Array, column: int) -> bool:
    """Whether all values of a column that are there differ."""
    there = rows[~np.isnan(rows[:, column]), column]
    return len(np.unique(there)) == len(there)


def id_hint(name: str, what: str) -> str:
    """What is said of a column whose values are all different."""
    return (
        f"column {name!r} looks like an id: its {what} are all different; leave it out with "
        f'data.exclude = ["{name}"] unless it says something of the rows'
    )


def _are_different_integers(values: Array) -> bool:
    there = values[np.isfinite(values)]
    whole = bool(len(there) >= LEAST_ROWS and (there == np.floor(there)).all())
    return whole and len(np.unique(there)) == len(there)


def _unlike(sample: Sample, names: Sequence[str], numbers: Sequence[int]) -> str:
    sizes = {}
    for at in numbers:
        values = np.abs(sample.rows[:, at])
        largest = float(np.max(values, where=np.isfinite(values), initial=0.0))
        if largest:
            sizes[at] = largest
    if not sizes:
        return ""
    most, least = max(sizes, key=lambda at: sizes[at]), min(sizes, key=lambda at: sizes[at])
    if sizes[most] < UNLIKE * sizes[least]:
        return ""
    return (
        f"features are of very different magnitude, {names[most]!r} up to {sizes[most]:g} and "
        f'{names[least]!r} up to {sizes[least]:g} in a sample: set data.scale = "standard"'
    )
