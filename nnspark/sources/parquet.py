"""Read Parquet, a file or a folder of part files: numeric columns, an array or Spark's vector column."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nnspark.errors import DataError
from nnspark.sources import refusals
from nnspark.sources.arrow_parts import Part, part_of, table_of
from nnspark.sources.arrow_types import type_of
from nnspark.sources.columns import Columns, choose_columns, refuse_twins
from nnspark.sources.files import existing, one_line, part_files, row_of
from nnspark.sources.parquet_columns import mixes_types, refuse_unknown_to_spark
from nnspark.sources.table import DataRequest, Table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read_parquet"]


def read_parquet(request: DataRequest) -> Table:
    """Read a Parquet file or folder; nulls are refused with their column and count.

    A vector or array column `v` of width w gives w features: "0", "1", ... when it is the only feature
    column, else "v[0]", "v[1]", ...
    """
    path = existing(request.path, "data.path")
    files = part_files(path)
    schema = _schema(files[0])
    names = list(schema.names)
    chosen = choose_columns(
        names,
        label=request.label,
        weight=request.weight,
        columns=request.columns,
        exclude=request.exclude,
        where=str(files[0]),
    )
    parts = [_read_part(file, schema, chosen, request) for file in files]
    lengths = [len(part.target) for part in parts]
    return table_of(request, parts, files, names, chosen, str(path), partial(row_of, files, lengths))


def _schema(path: Path) -> "pa.Schema":
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error


def _read_part(path: Path, first: "pa.Schema", chosen: Columns, request: DataRequest) -> Part:
    """Read the chosen columns by the first file's names, in any order and case, as Spark does."""
    import pyarrow as pa
    from pyarrow import parquet

    names = first.names
    wanted = [names[at] for at in (*chosen.features, *chosen.labels)]
    wanted += [] if chosen.weight is None else [names[chosen.weight]]
    try:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            refuse_twins(schema.names, str(path))
            own = {name.lower(): name for name in schema.names}
            missing = [name for name in wanted if name.lower() not in own]
            table = None if missing else file.read(columns=[own[name.lower()] for name in wanted])
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    if table is None:
        raise DataError(f"{path} has no column {missing[0]!r}, unlike the other files of its folder")
    table = table.select([own[name.lower()] for name in wanted]).rename_columns(wanted)
    own_features = {names[at] for at in chosen.features}
    for name in wanted:
        kind, expected = table.schema.field(name).type, first.field(name).type
        refuse_unknown_to_spark(kind, name, path)
        mixed = name in own_features and (type_of(kind) == "text") != (type_of(expected) == "text")
        if mixed or mixes_types(kind, expected):
            raise refusals.other_type(name, str(path), str(kind), str(expected))
    return part_of(table, names, chosen, path, request)


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} is not a readable Parquet file (truncated?): {one_line(error)}")
