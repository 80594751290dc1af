"""Turn one Arrow column into NumPy: scalars, equally long arrays, Spark's vectors; nulls are refused.

Above 200 lines, since each type of column has its own sentence when it is refused.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError
from nnspark.sources import refusals
from nnspark.sources.arrow_types import VECTOR_FIELDS, is_list, is_number, shown
from nnspark.sources.files import row_in
from nnspark.sources.odd_columns import not_a_number

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["feature_column", "label_column", "mixes_types", "refuse_unknown_to_spark", "scalar_column"]

MOST_DIGITS = 38
SHORT_INTEGERS = ("int8", "uint8", "int16", "uint16", "int32")
WIDER = {  # what Spark reads as the wider type of a folder's first file
    "double": ("float", *SHORT_INTEGERS),
    "int64": (*SHORT_INTEGERS, "uint32"),
    "int32": SHORT_INTEGERS,
    "uint32": (),
}


def feature_column(
    column: "pa.ChunkedArray", name: str, path: str | Path, *, may_miss: bool = False
) -> NDArray[Any]:
    """Return scalars as (n,), NaN where one is missing and may be; arrays and vectors as (n, width)."""
    import pyarrow as pa

    kind = column.type
    if may_miss and column.null_count and not (is_list(kind) or pa.types.is_struct(kind)):
        if pa.types.is_null(kind):
            return np.full(len(column), np.nan)
        there = scalar_column(column.drop_null(), name, path)
        values = np.full(len(column), np.nan)
        values[np.asarray(column.is_valid())] = there
        return values
    _refuse_nulls(column, name, path)
    if is_list(kind):
        if not is_number(kind.value_type) and not pa.types.is_null(kind.value_type):
            raise not_a_number("feature", name, shown(kind), str(path))
        return _arrays(_combined(column), name, path)
    if pa.types.is_struct(kind) and {field.name for field in kind} == VECTOR_FIELDS:
        return _vectors(_combined(column), name, path)
    return scalar_column(column, name, path)


def scalar_column(
    column: "pa.ChunkedArray | pa.Array", name: str, path: str | Path, role: str = "feature"
) -> NDArray[Any]:
    """Return a column of integers, floats, booleans or decimals as (n,).

    A decimal becomes the double nearest to it, by way of its digits: Arrow's own conversion divides by a
    power of ten and so rounds twice.
    """
    import pyarrow as pa

    _refuse_nulls(column, name, path)
    kind = column.type
    refuse_unknown_to_spark(kind, name, path)
    if not is_number(kind):
        raise not_a_number(role, name, shown(kind), str(path), text=role == "label")
    if pa.types.is_decimal(kind):
        column = column.cast(pa.string())
    if pa.types.is_boolean(kind) or pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
    return np.asarray(column.to_numpy())


def label_column(column: "pa.ChunkedArray", name: str, path: str | Path) -> NDArray[Any]:
    """Return a column of numbers or strings as (n,); whole decimals are integers, exactly."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if column.null_count:
        row = int(np.flatnonzero(np.asarray(column.is_null()))[0])
        raise refusals.no_label(f"column {name!r}", column.null_count, f"at {row_in(path, row)}")
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return np.array(column.to_pylist(), dtype=np.str_)
    if pa.types.is_decimal(kind) and kind.scale <= 0:
        try:
            column = column.cast(pa.int64())
        except pa.ArrowInvalid:
            raise refusals.too_large_label(f"column {name!r} of {path}") from None
    return scalar_column(column, name, path, "label")


def mixes_types(kind: "pa.DataType", first: "pa.DataType") -> bool:
    """Whether Spark would refuse numbers of this type in a folder whose first file has the other."""
    if not (is_number(kind) and is_number(first)) or kind == first:
        return False
    return str(kind) not in WIDER.get(str(first), ())


def _arrays(column: "pa.Array", name: str, path: str | Path) -> NDArray[Any]:
    """Return a column of equally long lists as (n, width)."""
    import pyarrow.compute as pc

    lengths = np.asarray(pc.list_value_length(column))
    _refuse_ragged(lengths, name, path)
    flat = column.flatten()
    if flat.null_count:
        row = int(np.flatnonzero(np.asarray(flat.is_null()))[0] // lengths[0])
        raise refusals.holes(name, flat.null_count, row_in(path, row))
    values = scalar_column(flat, name, path)
    return values.reshape(len(column), -1) if len(column) else values.reshape(0, 0)


def _vectors(column: "pa.Array", name: str, path: str | Path) -> NDArray[np.float64]:
    """Return Spark's vectors, sparse (type 0: size, indices, values) or dense (1: values), as (n, width)."""
    import pyarrow.compute as pc

    is_sparse = np.asarray(pc.struct_field(column, "type")) == 0
    value_lists, index_lists = pc.struct_field(column, "values"), pc.struct_field(column, "indices")
    counts = np.asarray(pc.fill_null(pc.list_value_length(value_lists), 0))
    sizes = np.where(is_sparse, np.asarray(pc.fill_null(pc.struct_field(column, "size"), -1)), counts)
    _refuse_ragged(sizes, name, path)
    if not len(column):
        return np.empty((0, 0))
    flat = value_lists.flatten()
    if flat.null_count:
        raise refusals.holes(name, flat.null_count, f"in {path}")
    values = scalar_column(flat, name, path)
    rows = np.repeat(np.arange(len(column)), counts)
    within = np.arange(len(values)) - np.repeat(np.cumsum(counts) - counts, counts)
    indices = np.asarray(index_lists.flatten())
    sparse_values = is_sparse[rows]
    index_counts = np.asarray(pc.fill_null(pc.list_value_length(index_lists), 0))
    wrong = np.flatnonzero(is_sparse & (index_counts != counts))
    used = indices[np.repeat(is_sparse, index_counts)]
    if (
        len(wrong)
        or used.dtype.kind not in "iu"
        or (len(used) and not (0 <= used.min() <= used.max() < sizes[0]))
    ):
        raise DataError(
            f"column {name!r} of {path} holds a damaged sparse vector: indices do not fit its size or values"
        )
    within[sparse_values] = used
    dense = np.zeros((len(column), int(sizes[0])))
    dense[rows, within] = values
    return dense


def _refuse_nulls(column: "pa.ChunkedArray | pa.Array", name: str, path: str | Path) -> None:
    if column.null_count:
        row = int(np.flatnonzero(np.asarray(column.is_null()))[0])
        raise refusals.null(name, column.null_count, row_in(path, row))


def _refuse_ragged(lengths: NDArray[Any], name: str, path: str | Path) -> None:
    odd = np.flatnonzero(lengths != lengths[0]) if len(lengths) else lengths
    if len(odd):
        raise refusals.ragged(
            name,
            f"row 0 has {lengths[0]} values and row {odd[0]} (counted from 0) has {lengths[odd[0]]}, "
            f"in {path}",
        )


def refuse_unknown_to_spark(kind: "pa.DataType", name: str, path: str | Path) -> None:
    """Refuse types that Spark cannot read, so that a file trains everywhere or nowhere."""
    import pyarrow as pa

    where, inner = f"column {name!r} of {path}", kind.value_type if is_list(kind) else kind
    for name_of, is_it in (("float16", pa.types.is_float16), ("time", pa.types.is_time)):
        if is_it(inner):
            raise refusals.unreadable_type(name_of, where)
    if pa.types.is_decimal(kind) and kind.precision > MOST_DIGITS:
        raise refusals.unreadable_type(f"a decimal of more than {MOST_DIGITS} digits", where)


def _combined(column: "pa.ChunkedArray") -> "pa.Array":
    import pyarrow as pa

    combined = column.combine_chunks()
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined
