"""What a worker reads of Parquet files: batches with the columns of ``normal.py``, to the same values.

(Above 200 lines: which types are read alike, and how each is made, are one table.)
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.data.fold_numbers import NAMED
from nnspark.data.rows import PARTS
from nnspark.engines.conservation import changed
from nnspark.engines.frames.columns import Layout
from nnspark.engines.vectors import DENSE
from nnspark.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BATCH_BYTES", "Columns", "Groups", "batches_of", "reads_alike"]

BATCH_BYTES, MOST_ROWS = 16 << 20, 1 << 16
WHOLE = {"tinyint": "int8", "smallint": "int16", "int": "int32", "bigint": "int64"}
BROKEN = {"float": "float", "double": "double"}
VECTOR = ("int8", "int32", "list of int32", "list of double")  # type, size, indices, values


class Groups(NamedTuple):
    """Row groups of a file by number, and how many rows each had when the plan was made."""

    path: str
    numbers: tuple[int, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Columns:
    """Normalised columns: ``made[alias]`` are the name in the files and what to make of its values.

    That is one of number, array, vector, as it is, whole, label, validates, fold. ``width`` is of a row, in
    values.
    """

    made: Mapping[str, tuple[str, str]]
    width: int

    @staticmethod
    def of(
        layout: Layout, types: Mapping[str, str], stored: Mapping[str, str], given_by: str
    ) -> "Columns | None":
        """Those of a layout; None where one is of a kind that only Spark is to read.

        ``types`` are Spark's of the columns as they come, ``stored`` those of the same columns in the files.
        """
        if layout.text is not None or (layout.given and not given_by):
            return None
        made: dict[str, tuple[str, str]] = {}
        for at, (name, width) in enumerate(zip(layout.columns, layout.widths, strict=True)):
            kind = layout.raw[at] if layout.raw else "number"
            what = "number" if width is None else "vector" if stored.get(name) == "vector" else "array"
            made[f"f{at}"] = name, "as it is" if kind == "category" else "" if kind != "number" else what
        for at, name in enumerate(layout.targets):
            what = _label_of(types[name]) if layout.task == "classification" else "number"
            made[f"t{at}"] = name, what
        if layout.weight:
            made["w"] = _own_name(layout.weight, types), "number"
        if layout.given:
            made["g"] = given_by, "validates" if types[given_by] == "boolean" else "fold"
        usable = all(what and name in stored and "." not in name for name, what in made.values())
        return Columns(made, max(1, len(layout.names))) if usable else None


def _label_of(kind: str) -> str:
    if kind in (*WHOLE, "boolean"):
        return "whole"
    return "as it is" if kind == "string" else "label" if kind in BROKEN else ""


def _own_name(name: str, types: Mapping[str, str]) -> str:
    """A column's name as the files spell it."""
    return next((own for own in types if own.lower() == name.lower()), name)


def reads_alike(schema: "pa.Schema", columns: Columns, types: Mapping[str, str]) -> bool:
    """Whether a file has the columns, once each, of types that Arrow and Spark read to the same values."""
    folded = [name.lower() for name in schema.names]
    for name, what in columns.made.values():
        if name not in schema.names or folded.count(name.lower()) > 1:
            return False
        if not _alike(schema.field(name).type, types[name], what):
            return False
    return True


def _alike(kind: "pa.DataType", sparks: str, what: str) -> bool:
    import pyarrow.types as t

    if what == "vector":
        return t.is_struct(kind) and tuple(_shown(field.type) for field in kind) == VECTOR
    if what == "array":
        inner = sparks.removeprefix("array<").removesuffix(">")
        return t.is_list(kind) and _alike(kind.value_type, inner, "number")
    if sparks == "string":
        return what == "as it is" and (t.is_string(kind) or t.is_large_string(kind))
    if sparks == "boolean":
        return bool(t.is_boolean(kind))
    return str(kind) == (WHOLE | BROKEN).get(sparks)


def _shown(kind: "pa.DataType") -> str:
    """A type without what may be null in it, which depends on who wrote it."""
    import pyarrow.types as t

    return f"list of {kind.value_type}" if t.is_list(kind) else str(kind)


def batches_of(groups: Iterable[Groups], columns: Columns) -> Iterator["pa.RecordBatch"]:
    """The normalised rows of some row groups, ``BATCH_BYTES`` at a time."""
    names = sorted({name for name, _ in columns.made.values()})
    rows = min(MOST_ROWS, max(1, BATCH_BYTES // (8 * columns.width)))
    for one in groups:
        for batch in _read(one, names, rows):
            yield _normalised(batch, columns)


def _read(groups: Groups, names: list[str], rows: int) -> Iterator["pa.RecordBatch"]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(groups.path, pre_buffer=False) as file:
            found = file.metadata
            there = [found.row_group(at).num_rows for at in groups.numbers if at < found.num_row_groups]
            if there != list(groups.rows):
                raise changed(
                    "two passes over the file", f"{sum(groups.rows)} rows of {groups.path}", str(sum(there))
                )
            yield from file.iter_batches(rows, row_groups=groups.numbers, columns=names, use_threads=False)
    except FileNotFoundError:
        raise DataError(f"cannot read {groups.path}: it was there and is not any more; put it back") from None
    except (OSError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"cannot read {groups.path}: {reason}") from None


def _normalised(batch: "pa.RecordBatch", columns: Columns) -> "pa.RecordBatch":
    import pyarrow as pa

    made = {alias: _made(batch.column(name), what) for alias, (name, what) in columns.made.items()}
    return pa.RecordBatch.from_pydict(made)


def _made(column: "pa.Array", what: str) -> "pa.Array":
    """A column as ``normal.py`` has it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if what == "number":
        return column.cast(pa.float64(), safe=False)
    if what == "array":
        return column.cast(pa.list_(pa.float64()), safe=False)
    if what == "vector":
        return _lists(column)
    if what == "whole":
        return column.cast(pa.int64())
    if what == "label":
        return pc.add(column.cast(pa.float64()), 0.0)
    if what == "fold":
        return pc.add(column, pa.scalar(NAMED, column.type)).cast(pa.int8())
    if what == "validates":
        part, split = PARTS.index("validation"), -1
        return pc.if_else(
            pc.fill_null(column, False), pa.scalar(part, pa.int8()), pa.scalar(split, pa.int8())
        )
    return column.cast(pa.string()) if pa.types.is_large_string(column.type) else column


def _lists(vectors: "pa.StructArray") -> "pa.ListArray":
    """Vectors as lists of numbers, sparse ones filled with zeros; null where they are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, size, indices, values = vectors.flatten()
    null = np.asarray(vectors.is_null())
    dense = np.asarray(pc.fill_null(pc.equal(kind, DENSE), False)) | null
    if dense.all():
        return values
    stored = np.asarray(pc.fill_null(pc.list_value_length(values), 0)).astype(np.int64)
    lengths = np.where(dense, stored, np.asarray(pc.fill_null(size, -1))).astype(np.int64)
    ends = np.cumsum(np.maximum(lengths, 0))
    row = np.repeat(np.arange(len(stored)), stored)
    at = np.arange(len(row)) - np.repeat(np.cumsum(stored) - stored, stored)
    inside = ~dense[row]
    places = indices.filter(pa.array(~dense)).flatten().to_numpy(zero_copy_only=False)
    if len(places) != inside.sum() or not _are_in_order(places, row[inside], lengths):
        raise DataError(
            "a sparse vector's indices are not as many as its values, rising, and below its size: write the "
            "vectors again"
        )
    at[inside] = places
    filled = np.zeros(int(ends[-1]))
    filled[(ends - np.maximum(lengths, 0))[row] + at] = values.flatten().to_numpy(zero_copy_only=False)
    offsets = pa.array(np.append(0, ends).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(filled), mask=pa.array(null))


def _are_in_order(places: NDArray[np.int32], row: NDArray[np.int64], lengths: NDArray[np.int64]) -> bool:
    """Whether each row's places, one row after the other, rise and are below its length."""
    rising = (np.diff(places) > 0) | (np.diff(row) > 0)
    return bool(
        (lengths >= 0).all() and rising.all() and (places >= 0).all() and (places < lengths[row]).all()
    )
