"""Turn one Arrow column into NumPy: scalars, equally long arrays, Spark's vectors; nulls are refused."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError, ShapeError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["feature_column", "label_column", "scalar_column"]

VECTOR_FIELDS = {"type", "size", "indices", "values"}


def feature_column(column: "pa.ChunkedArray", name: str, path: Path) -> NDArray[Any]:
    """Return scalars as (n,), arrays and vectors as (n, width)."""
    import pyarrow as pa

    _refuse_nulls(column.null_count, len(column), name, path)
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _arrays(_combined(column), name, path)
    if pa.types.is_struct(kind) and {field.name for field in kind} == VECTOR_FIELDS:
        return _vectors(_combined(column), name, path)
    return scalar_column(column, name, path)


def scalar_column(column: "pa.ChunkedArray | pa.Array", name: str, path: Path) -> NDArray[Any]:
    """Return a column of integers, floats, booleans or decimals as (n,)."""
    import pyarrow as pa

    _refuse_nulls(column.null_count, len(column), name, path)
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise DataError(
            f"column {name!r} of {path} must be numbers, an array of numbers or a vector, but is {kind}; "
            "list the feature columns in data.columns"
        )
    return np.asarray(column.to_numpy())


def label_column(column: "pa.ChunkedArray", name: str, path: Path) -> NDArray[Any]:
    """Return a column of numbers or strings as (n,)."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return scalar_column(column, name, path)
    _refuse_nulls(column.null_count, len(column), name, path)
    return np.array(column.to_pylist(), dtype=np.str_)


def _arrays(column: "pa.Array", name: str, path: Path) -> NDArray[Any]:
    """Return a column of equally long lists as (n, width)."""
    import pyarrow.compute as pc

    lengths = np.asarray(pc.list_value_length(column))
    _refuse_ragged(lengths, name, path)
    values = scalar_column(column.flatten(), f"{name}[]", path)
    return values.reshape(len(column), -1) if len(column) else values.reshape(0, 0)


def _vectors(column: "pa.Array", name: str, path: Path) -> NDArray[np.float64]:
    """Return Spark's vectors, sparse (type 0: size, indices, values) or dense (1: values), as (n, width)."""
    import pyarrow.compute as pc

    is_sparse = np.asarray(pc.struct_field(column, "type")) == 0
    value_lists, index_lists = pc.struct_field(column, "values"), pc.struct_field(column, "indices")
    counts = np.asarray(pc.fill_null(pc.list_value_length(value_lists), 0))
    sizes = np.where(is_sparse, np.asarray(pc.fill_null(pc.struct_field(column, "size"), -1)), counts)
    _refuse_ragged(sizes, name, path)
    if not len(column):
        return np.empty((0, 0))
    values = scalar_column(value_lists.flatten(), f"{name}.values", path)
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


def _refuse_nulls(count: int, rows: int, name: str, path: Path) -> None:
    if count:
        raise DataError(
            f"column {name!r} of {path} has {count} nulls in {rows} values; fill or drop those rows first"
        )


def _refuse_ragged(lengths: NDArray[Any], name: str, path: Path) -> None:
    odd = np.flatnonzero(lengths != lengths[0]) if len(lengths) else lengths
    if len(odd):
        raise ShapeError(
            f"column {name!r} of {path} must have arrays of one length, but row 0 has {lengths[0]} values "
            f"and row {odd[0]} (counted from 0) has {lengths[odd[0]]}"
        )


def _combined(column: "pa.ChunkedArray") -> "pa.Array":
    import pyarrow as pa

    combined = column.combine_chunks()
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined
