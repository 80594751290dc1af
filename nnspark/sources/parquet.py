"""Read Parquet or ORC files: numeric columns, an array or Spark's vector column."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nnspark.errors import DataError
from nnspark.sources import refusals
from nnspark.sources.arrow_parts import Part, part_of, table_of
from nnspark.sources.arrow_types import is_timestamp, type_of
from nnspark.sources.columns import Columns, choose_columns, refuse_twins
from nnspark.sources.files import one_line, row_of
from nnspark.sources.found import files_of
from nnspark.sources.orc import refuse_moments
from nnspark.sources.parquet_columns import mixes_types, refuse_unknown_to_spark
from nnspark.sources.table import DataRequest, Table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read_parquet"]


def read_parquet(request: DataRequest) -> Table:
    """Read Parquet or ORC files; nulls are refused with their column and count.

    A vector or array column `v` of width w gives w features: "0", "1", ... when it is the only feature
    column, else "v[0]", "v[1]", ...
    """
    where, files, found = files_of(request)
    with _opened(files[0], request.source) as first:
        schema = first.schema
    names = list(schema.names)
    chosen = choose_columns(names, request, str(files[0]))
    parts = [_read_part(file, schema, chosen, request) for file in files]
    lengths = [len(part.target) for part in parts]
    locate = partial(row_of, files, lengths)
    return table_of(request, parts, files, names, chosen, where, locate, found.given(lengths))


class _File(NamedTuple):
    """An open file."""

    schema: "pa.Schema"
    read: Callable[[list[str]], "pa.Table"]


@contextmanager
def _opened(path: Path, source: str) -> Iterator[_File]:
    """A file of a format; DataError where it cannot be read."""
    import pyarrow as pa

    try:
        if source == "orc":
            from pyarrow import orc

            file = orc.ORCFile(path)
            yield _File(file.schema, file.read)
        else:
            from pyarrow import parquet

            with parquet.ParquetFile(path) as opened:
                yield _File(opened.schema_arrow, lambda columns: opened.read(columns=columns))
    except (pa.ArrowException, OSError) as error:
        called = "ORC" if source == "orc" else "Parquet"
        raise DataError(f"{path} is not a readable {called} file (truncated?): {one_line(error)}") from error


def _read_part(path: Path, first: "pa.Schema", chosen: Columns, request: DataRequest) -> Part:
    """Read the chosen columns by the first file's names, in any order and case, as Spark does."""
    names = first.names
    wanted = [names[at] for at in (*chosen.features, *chosen.labels)]
    wanted += [names[at] for at in (chosen.weight, chosen.part) if at is not None]
    with _opened(path, request.source) as file:
        refuse_twins(file.schema.names, str(path))
        own = {name.lower(): name for name in file.schema.names}
        missing = [name for name in wanted if name.lower() not in own]
        table = None if missing else file.read([own[name.lower()] for name in wanted])
    if table is None:
        raise DataError(f"{path} has no column {missing[0]!r}, unlike the first file")
    table = table.select([own[name.lower()] for name in wanted]).rename_columns(wanted)
    own_features = {names[at] for at in chosen.features}
    for name in wanted:
        kind, expected = table.schema.field(name).type, first.field(name).type
        refuse_unknown_to_spark(kind, name, path)
        mixed = name in own_features and (type_of(kind) == "text") != (type_of(expected) == "text")
        if mixed or mixes_types(kind, expected):
            raise refusals.other_type(name, str(path), str(kind), str(expected))
    if request.source == "orc":
        moments = (name for name in wanted if is_timestamp(table.schema.field(name).type))
        refuse_moments(moments, request.wishes)
    return part_of(table, names, chosen, path, request)
