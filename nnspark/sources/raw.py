"""Raw columns as float64, whatever they hold: the form in which every route hashes, splits and sends rows.

    number     itself
    category   the code of its spelling: 53 bits of a hash, a whole number
    date       days since 1970-01-01, of a moment with a time zone in UTC
    missing    NaN: null, NaN, text of nothing but blanks
    misfit     infinity: a date that is none

A row has the same raw values wherever it is read, and so the same hash, part and block before anything is
learned from it. ``values.py`` says what a value's spelling, code and days are.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError
from nnspark.sources.arrow_types import is_number, shown
from nnspark.sources.values import (
    DAY,
    code_of,
    days_of,
    days_of_micros,
    is_missing,
    number_of,
    spelling,
    type_of_value,
)

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "KINDS",
    "RawColumn",
    "Spellings",
    "merge_spellings",
    "raw_column",
    "raw_of_arrow",
    "type_of_values",
]

KINDS = ("number", "category", "date")
UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}

Spellings: TypeAlias = Mapping[float, str]
NONE: Spellings = {}


class RawColumn(NamedTuple):
    """A column's values (n,) float64 and, of categories, the spelling of each code."""

    values: NDArray[np.float64]
    spellings: Spellings = NONE


def raw_column(kind: str, values: NDArray[Any], name: str) -> RawColumn:
    """A column (n,) of NumPy's, of objects too, as its raw values.

    Raises
    ------
    DataError : a value of another kind, named with its row.
    """
    if kind == "number" and values.dtype.kind in "buif":
        return RawColumn(_plain(values.astype(np.float64)))
    if kind == "date" and values.dtype.kind == "M":
        return RawColumn(days_of_micros(values.astype("datetime64[us]")))
    if kind == "category" and values.dtype.kind in "buif":
        distinct, at = np.unique(values, return_inverse=True)
        found = raw_column(kind, distinct.astype(object), name)
        return RawColumn(found.values[at], found.spellings)
    converted, texts, known = np.empty(len(values)), dict[float, str](), dict[Any, float]()
    for row, value in enumerate(values.tolist() if values.dtype.kind != "M" else list(values)):
        is_text = type(value) is str  # 1, 1.0 and True would be one key
        if is_text and value in known:
            converted[row] = known[value]
            continue
        try:
            one = CONVERSIONS[kind](value)
        except (TypeError, ValueError, OverflowError):
            raise DataError(
                f"column {name!r} must hold {WORDS[kind]}, but row {row} has {str(value)[:40]!r}"
            ) from None
        if kind == "category" and one is not None:
            code = code_of(one)
            _note(texts, code, one, name)
            one = code
        converted[row] = np.nan if one is None else one
        if is_text:
            known[value] = converted[row]
    return RawColumn(_plain(converted), texts)


def raw_of_arrow(kind: str, column: "pa.Array | pa.ChunkedArray", name: str) -> RawColumn:
    """A column of Arrow's as its raw values; numbers have a type that Arrow casts to double."""
    import pyarrow as pa

    if kind == "number":
        if pa.types.is_decimal(column.type):
            column = column.cast(pa.string())  # Arrow's own conversion to double rounds twice
        elif not (is_number(column.type) or pa.types.is_null(column.type)):
            raise DataError(f"column {name!r} must hold numbers, but is {shown(column.type)}")
        if not pa.types.is_float64(column.type):
            column = column.cast(pa.float64())
        return RawColumn(_plain(np.array(column.to_numpy(zero_copy_only=False), dtype=np.float64)))
    if pa.types.is_timestamp(column.type) and column.type.unit in UNITS:
        scale, missing = UNITS[column.type.unit], np.asarray(column.is_null())
        whole = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        return RawColumn(np.where(missing, np.nan, whole * scale / DAY))
    if pa.types.is_timestamp(column.type):
        missing = np.asarray(column.is_null())
        whole = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        return RawColumn(np.where(missing, np.nan, whole // 1000 / DAY))
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
        column = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    distinct = np.empty(len(column.dictionary), dtype=object)
    distinct[:] = column.dictionary.to_pylist()
    found = raw_column(kind, distinct, name)
    values = np.append(found.values, np.nan)
    indices = column.indices.cast(pa.int64()).fill_null(len(distinct)).to_numpy(zero_copy_only=False)
    return RawColumn(values[indices], found.spellings)


def type_of_values(values: NDArray[Any]) -> str:
    """The type of an array (n,), of objects too, as ``raw_kinds.py`` calls it; missing ones aside."""
    if values.dtype.kind != "O":
        return {"b": "boolean", "U": "text", "M": "date"}.get(
            values.dtype.kind, "number" if values.dtype.kind in "iuf" else ""
        )
    found = {type_of_value(value) for value in values.tolist() if not is_missing(value)}
    return found.pop() if len(found) == 1 else "" if found else "number"


def merge_spellings(name: str, parts: Iterable[Spellings]) -> dict[float, str]:
    """The spellings of several parts of a column as one."""
    merged: dict[float, str] = {}
    for part in parts:
        for code, text in part.items():
            _note(merged, code, text, name)
    return merged


def _note(texts: dict[float, str], code: float, text: str, name: str) -> None:
    if texts.setdefault(code, text) != text:
        raise DataError(
            f"column {name!r}: {texts[code]!r} and {text!r} have one code, which happens once in a very "
            "long while; spell one of them another way"
        )


def _plain(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """With one NaN, so that rows are hashed alike."""
    values[np.isnan(values)] = np.nan
    return values


CONVERSIONS: dict[str, Callable[[Any], Any]] = {"number": number_of, "category": spelling, "date": days_of}
WORDS = {"number": "numbers", "category": "text, numbers or booleans", "date": "dates"}
