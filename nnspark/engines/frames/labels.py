"""The distinct labels of a column as the driver's readers would have them, and which are none."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.sources import refusals
from nnspark.sources.labels import class_labels, parse_labels

__all__ = ["labels_of"]


def labels_of(
    spellings: Sequence[Any], rows: Sequence[int], where: str, *, is_text: bool
) -> NDArray[np.int64] | NDArray[np.float64] | NDArray[np.str_]:
    """Labels as they stand in the rows, as classes; ``rows`` says how many rows have each.

    ``is_text``: they were read from a text file, where "1" and "1.0" are one number if all are numbers.

    Raises
    ------
    DataError : missing or infinite labels, counted; integers that are no int64.
    """
    missing = sum(count for value, count in zip(spellings, rows, strict=True) if _is_missing(value))
    if missing:
        raise refusals.no_label(where, missing)
    infinite = sum(count for value, count in zip(spellings, rows, strict=True) if value in (np.inf, -np.inf))
    if infinite:
        raise refusals.infinite_label(where, infinite)
    values: Any = list(spellings)
    if is_text:
        values = parse_labels(values, lambda row: where, where=where, rows=rows)
    elif isinstance(values[0], Decimal):
        values = [int(value) for value in values]
        if max(map(abs, values)) > refusals.LARGEST:
            raise refusals.too_large_label(where)
    return class_labels(np.array(values), where)


def _is_missing(value: Any) -> bool:
    return value is None or value != value or (isinstance(value, str) and not value.strip())
