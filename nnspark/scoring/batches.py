"""Arrow batches of features as arrays, and answers as Arrow; on an executor, no more than NumPy and Arrow."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["lists_of", "usable_rows", "vectors_of"]

Array = NDArray[Any]
DENSE = 1


def usable_rows(batch: "pa.Array", width: int) -> tuple[Array, NDArray[np.bool_]]:
    """Features (m, width) of the lists that are ``width`` finite numbers, and which of the n lists those are.

    Where all are, as nearly always, the features are the batch's own memory.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    usable = np.asarray(pc.fill_null(pc.list_value_length(batch), -1)) == width
    kept = batch if usable.all() else batch.filter(pa.array(usable))
    values = np.asarray(kept.flatten().to_numpy(zero_copy_only=False), dtype=np.float64)
    features, finite = values.reshape(-1, width), np.isfinite(values)
    if not finite.all():
        whole = finite.reshape(-1, width).all(axis=1)
        features, usable[usable] = features[whole], whole
    return features, usable


def lists_of(rows: Array) -> "pa.Array":
    """Rows (n, width) of floats as lists."""
    import pyarrow as pa

    count, width = rows.shape
    offsets = pa.array(np.arange(0, count * width + 1, width, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(rows).ravel()))


def vectors_of(rows: Array) -> "pa.Array":
    """Rows (n, width) of floats as dense vectors, in the form in which Spark stores its vectors."""
    import pyarrow as pa

    count = len(rows)
    none, indices = pa.nulls(count, pa.int32()), pa.list_(pa.field("element", pa.int32(), nullable=False))
    values = pa.list_(pa.field("element", pa.float64(), nullable=False))
    fields = [
        pa.field("type", pa.int8(), nullable=False),
        pa.field("size", pa.int32()),
        pa.field("indices", indices),
        pa.field("values", values),
    ]
    stored = [
        pa.array(np.full(count, DENSE, np.int8)),
        none,
        pa.nulls(count, indices),
        lists_of(rows).cast(values),
    ]
    return pa.StructArray.from_arrays(stored, fields=fields)
