"""Find and name what cannot be trained on: NaN, missing labels, bad weights, lengths that differ.

Pure NumPy, shared by the local readers and by the worker functions that read with Spark. A `find_*` function
returns what it found, so that executors can report it; a `check_*` function raises one line naming the place.

Conventions
-----------
features : (n, num_features)
target : (n,) or (n, k)
weight : (n,)
locate : row -> text such as "digits.csv line 18" or "X.npy row 17 (counted from 0)"
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import ShapeError
from nnspark.sources import refusals

__all__ = [
    "BadRows",
    "Locate",
    "NonFinite",
    "check_above",
    "check_finite",
    "check_label_present",
    "check_raw",
    "check_same_length",
    "check_weights",
    "find_bad_weights",
    "find_missing_labels",
    "find_non_finite",
]

Locate = Callable[[int], str]

VALUES_AT_ONCE = 1 << 20


class NonFinite(NamedTuple):
    """How many values are NaN or infinite, in how many rows, and where the first one is."""

    num_values: int
    num_rows: int
    first_row: int
    first_col: int


class BadRows(NamedTuple):
    """How many rows are unusable and which is the first."""

    num_rows: int
    first_row: int


def find_non_finite(features: NDArray[Any]) -> NonFinite | None:
    """Count NaN and infinite values, a block of rows at a time; None when there are none."""
    num_rows, num_features = features.shape
    step = max(1, VALUES_AT_ONCE // max(1, num_features))
    count = rows = 0
    first: tuple[int, int] | None = None
    for start in range(0, num_rows, step):
        bad = ~np.isfinite(features[start : start + step])
        if not bad.any():
            continue
        bad_rows = np.flatnonzero(bad.any(axis=1))
        count += int(bad.sum())
        rows += len(bad_rows)
        if first is None:
            first = start + int(bad_rows[0]), int(np.flatnonzero(bad[bad_rows[0]])[0])
    return None if first is None else NonFinite(count, rows, *first)


def check_finite(features: NDArray[Any], names: Sequence[str], locate: Locate) -> None:
    """Raise DataError naming the first NaN or infinite feature and counting the rest."""
    found = find_non_finite(features)
    if found is not None:
        column = found.first_col
        times = int(np.count_nonzero(~np.isfinite(features[:, column])))
        others = f" ({found.num_values} values in {found.num_rows} row(s) of all columns)"
        raise refusals.not_finite(names[column], times, locate(found.first_row), others=others)


def check_raw(
    features: NDArray[Any], names: Sequence[str], kinds: Sequence[str], locate: Locate, *, may_miss: bool
) -> None:
    """Raise DataError for the first raw value that cannot be used; see ``raw.py``.

    That is an infinite one, and a missing one unless values ``may_miss``. ``kinds`` are empty for numbers.
    """
    for column, kind in enumerate(kinds):
        if kind == "number":
            continue
        misfits = np.flatnonzero(np.isinf(features[:, column]))
        if len(misfits):
            raise refusals.no_date(names[column], len(misfits), locate(int(misfits[0])))
        missing = np.flatnonzero(np.isnan(features[:, column]))
        if len(missing) and not may_miss:
            raise refusals.null(names[column], len(missing), locate(int(missing[0])))
    if not may_miss:
        check_finite(features, names, locate)
        return
    for column, name in enumerate(names):
        infinite = np.flatnonzero(np.isinf(features[:, column]))
        if len(infinite):
            raise refusals.not_finite(name, len(infinite), locate(int(infinite[0])))


def check_above(target: NDArray[Any], locate: Locate, where: str) -> None:
    """Raise DataError for the first target of -1 or less, which has no log(1 + y)."""
    low = np.flatnonzero((target <= -1).reshape(len(target), -1).any(axis=1))
    if len(low):
        raise refusals.no_logarithm(where, len(low), f"at {locate(int(low[0]))}")


def find_missing_labels(target: NDArray[Any]) -> BadRows | None:
    """Count rows whose label is NaN or an empty string; None when there are none."""
    if target.dtype.kind == "f":
        missing = np.isnan(target)
    elif target.dtype.kind == "U":
        missing = np.char.str_len(np.char.strip(target)) == 0
    else:
        return None
    return _bad_rows(missing.reshape(len(target), -1).any(axis=1))


def check_label_present(target: NDArray[Any], locate: Locate, where: str = "") -> None:
    """Raise DataError naming the first row without a label, and refuse infinite labels."""
    missing = find_missing_labels(target)
    if missing is not None:
        raise refusals.no_label(where, missing.num_rows, f"at {locate(missing.first_row)}")
    if target.dtype.kind == "f":
        infinite = _bad_rows(np.isinf(target).reshape(len(target), -1).any(axis=1))
        if infinite is not None:
            raise refusals.infinite_label(where, infinite.num_rows, f"at {locate(infinite.first_row)}")


def find_bad_weights(weight: NDArray[Any]) -> BadRows | None:
    """Count weights that are negative, NaN or infinite; None when there are none."""
    return _bad_rows(~(np.isfinite(weight) & (weight >= 0)))


def check_weights(weight: NDArray[Any], locate: Locate, where: str = "") -> None:
    """Raise DataError unless every weight is a finite number >= 0 and one at least is positive."""
    found = find_bad_weights(weight)
    if found is not None:
        place = f"{weight[found.first_row]} at {locate(found.first_row)}"
        raise refusals.bad_weights(where, found.num_rows, place)
    if not weight.any():
        raise refusals.no_weight(len(weight))


def check_same_length(num_features_rows: int, num_others: int, *, features: str, others: str) -> None:
    """Raise ShapeError unless two arrays that describe the same rows have the same length."""
    if num_features_rows != num_others:
        raise ShapeError(
            f"{features} has {num_features_rows} rows but {others} has {num_others}; "
            "they must describe the same rows in the same order"
        )


def _bad_rows(bad: NDArray[np.bool_]) -> BadRows | None:
    rows = np.flatnonzero(bad)
    return BadRows(len(rows), int(rows[0])) if len(rows) else None
