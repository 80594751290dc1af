"""Read columns out of the history and thin long ones without losing a spike."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.report.text import as_float

History = Sequence[Mapping[str, Any]]
Column = NDArray[np.float64]

LARGEST_DRAWN = 1e100
"""Beyond it a plot's own arithmetic could overflow, so such a value is a gap."""


def column(history: History, key: str) -> Column:
    """Return one history column (num_epochs,); missing, non-finite and absurdly large values are NaN."""
    values = np.array([as_float(row.get(key)) for row in history], dtype=np.float64)
    values[~(np.abs(values) <= LARGEST_DRAWN)] = np.nan
    return values


def epochs_of(history: History) -> Column:
    """Return the epoch numbers (num_epochs,), counted from 1 where the history has none."""
    named = column(history, "epoch")
    return np.where(np.isnan(named), np.arange(1.0, len(history) + 1), named)


def last_finite(values: Column) -> float:
    """Return the last value that is a number, NaN if none is."""
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if finite.size else math.nan


def thin(values: Column, *, buckets: int = 300) -> NDArray[np.intp]:
    """Return the indices worth drawing: both ends, and each bucket's least, greatest and first missing value.

    A curve drawn through them looks the same at screen resolution, spikes and gaps included.
    """
    n = len(values)
    if n <= 2 * buckets:
        return np.arange(n, dtype=np.intp)
    keep = {0, n - 1}
    for start, stop in pairwise(np.linspace(0, n, buckets + 1).astype(int).tolist()):
        finite = np.isfinite(values[start:stop])
        if not finite.all():
            keep.add(start + int(finite.argmin()))
        if finite.any():
            keep.add(start + int(np.where(finite, values[start:stop], np.inf).argmin()))
            keep.add(start + int(np.where(finite, values[start:stop], -np.inf).argmax()))
    return np.array(sorted(keep), dtype=np.intp)


def even_rows(num_rows: int, *, wanted: int = 20) -> list[int]:
    """Return about `wanted` evenly spaced row numbers, first and last included."""
    return sorted({round(at) for at in np.linspace(0, num_rows - 1, min(wanted, num_rows)).tolist()})


def keys_of(history: History) -> list[str]:
    """Return every key of the history in order of first appearance, `epoch` first."""
    seen = dict.fromkeys(key for row in history for key in row)
    return sorted(seen, key=lambda key: key != "epoch")


def first_not_finite(history: History, keys: Iterable[str]) -> tuple[str, float] | None:
    """Return (key, epoch) of the first NaN or infinity; a column with no number at all counts as absent."""
    numbered = [(key, column(history, key)) for key in keys]
    filled = [key for key, values in numbered if np.isfinite(values).any()]
    epochs = epochs_of(history)
    for at, row in enumerate(history):
        for key in filled:
            if isinstance(row.get(key), float | np.floating) and not math.isfinite(row[key]):
                return key, float(epochs[at])
    return None
