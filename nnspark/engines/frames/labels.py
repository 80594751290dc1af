"""The distinct labels of a column as the driver's readers would have them, and which are none."""

from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.sources import refusals
from nnspark.sources.labels import MISSING_MARKS, class_labels, parse_labels

__all__ = ["labels_of"]


def labels_of(
    spellings: Sequence[Any],
    rows: Sequence[int],
    where: str,
    locate: Callable[[Collection[Any]], str],
    *,
    is_text: bool,
) -> NDArray[np.int64] | NDArray[np.float64] | NDArray[np.str_]:
    """Labels as they stand in the rows, as classes; ``rows`` says how many rows have each.

    ``locate`` names the first row that has one of some spellings, empty where nothing can.
    ``is_text``: they were read from a text file, where "1" and "1.0" are one number if all are numbers.

    Raises
    ------
    DataError : missing or infinite labels, counted; integers that are no int64.
    """
    counts = list(zip(spellings, rows, strict=True))
    for is_bad, refusal in ((_is_missing, refusals.no_label), (_is_infinite, refusals.infinite_label)):
        bad = [value for value in spellings if is_bad(value)]
        if bad:
            place = locate(bad)
            count = sum(count for value, count in counts if is_bad(value))
            raise refusal(where, count, f"at {place}" if place else "")
    values: Any = list(spellings)
    if is_text:
        values = parse_labels(
            values, lambda row: locate(_like(spellings, row)) or where, where=where, rows=rows
        )
    elif isinstance(values[0], Decimal):
        values = [int(value) for value in values]
        if max(map(abs, values)) > refusals.LARGEST:
            raise refusals.too_large_label(where)
    return class_labels(np.array(values), where)


def _like(spellings: Sequence[str], row: int) -> list[str]:
    """All that stand for a missing label, if one of them does; else the one itself."""
    marks = [one for one in spellings if one.strip().lower() in MISSING_MARKS]
    return marks if spellings[row] in marks else [spellings[row]]


def _is_infinite(value: Any) -> bool:
    return value in (np.inf, -np.inf)


def _is_missing(value: Any) -> bool:
    return value is None or value != value or (isinstance(value, str) and not value.strip())
