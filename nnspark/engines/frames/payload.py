"""Prepared rows as one run of bytes, for the shuffle: copied once on the way out, not at all on the way in.

A header says how many rows there are and what the arrays hold; the arrays follow, each at a multiple of
``ALIGN``.
"""

import pickle
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.data.rows import Rows

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["payload_of", "rows_in"]

ALIGN = 64
Array = NDArray[Any]


class Column(NamedTuple):
    """An array of the rows: its field, its type, the shape of a row's share."""

    field: str
    dtype: str
    shape: tuple[int, ...]


def payload_of(rows: Rows, chosen: NDArray[np.int64]) -> "pa.Array":
    """The chosen rows in a binary array of one value."""
    import pyarrow as pa

    arrays = {field: array for field, array in vars(rows).items() if array is not None}
    columns = [Column(field, array.dtype.str, array.shape[1:]) for field, array in arrays.items()]
    header = pickle.dumps((len(chosen), columns), 5)
    starts, end = _places(len(header), len(chosen), columns)
    whole = np.zeros(end, np.uint8)
    whole[:8].view(np.int64)[0] = len(header)
    whole[8 : 8 + len(header)] = np.frombuffer(header, np.uint8)
    for start, column in zip(starts, columns, strict=True):
        out = _view(whole, start, len(chosen), column)
        np.take(arrays[column.field], chosen, axis=0, out=out, mode="clip")
    offsets = pa.py_buffer(np.array([0, end], np.int32))
    return pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(whole)])


def rows_in(payload: "pa.Buffer") -> Rows:
    """The rows that were put into a payload; views of it."""
    whole: Array = np.frombuffer(payload, np.uint8)
    size = int(np.frombuffer(payload, np.int64, 1)[0])
    count, columns = pickle.loads(whole[8 : 8 + size].tobytes())
    starts, _ = _places(size, count, columns)
    found: dict[str, Any] = dict.fromkeys(Rows.__dataclass_fields__)
    for start, column in zip(starts, columns, strict=True):
        found[column.field] = _view(whole, start, count, column)
    return Rows(**found)


def _places(header: int, rows: int, columns: list[Column]) -> tuple[list[int], int]:
    """Where each array starts, and where the last one ends."""
    starts, end = [], 8 + header
    for column in columns:
        starts.append(-(-end // ALIGN) * ALIGN)
        end = starts[-1] + rows * _row_bytes(column)
    return starts, end


def _row_bytes(column: Column) -> int:
    return int(np.dtype(column.dtype).itemsize * np.prod(column.shape, dtype=np.int64))


def _view(whole: Array, start: int, rows: int, column: Column) -> Array:
    """The part of a payload that is one array."""
    size = rows * _row_bytes(column)
    return whole[start : start + size].view(column.dtype).reshape(rows, *column.shape)
