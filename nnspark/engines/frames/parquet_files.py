"""Plain Parquet files that the workers read themselves: which row groups, by which task.

Rows on their way from the JVM to Python are turned to columns, to rows, and to columns again. That takes two
cores 6.4 s a pass for 2,000,000 rows of 50, where pyarrow reads them in half a second. So of a DataFrame that
is but columns of Parquet files on local paths each task reads its row groups (``parquet_batches.py``).
The rows are the same, and so are the bits. What is more than that (a filter, a cache, partitions by folder, a
table format, types that the two read differently) goes through Spark.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from nnspark.engines.connections import is_connect
from nnspark.engines.frames.columns import Layout
from nnspark.engines.frames.parquet_batches import Columns, Groups, batches_of, reads_alike

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["MOST_FILES", "TASK_BYTES", "ParquetFiles", "parquet_files", "plain_files"]

MOST_FILES = 1_000  # whose footers the driver reads
TASK_BYTES = 64 << 20  # of compressed row groups, at least, before there are more tasks than a few a core
SPARKS_OWN = "org.apache.spark.sql.execution.datasources."
CODECS = ("UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD", "LZ4", "LZ4_RAW")
FORGIVING = ("spark.sql.files.ignoreCorruptFiles", "spark.sql.files.ignoreMissingFiles")
Footer = tuple[Any, list[tuple[int, int]]]
"""A file's Arrow schema, and the rows and bytes of each row group."""


@dataclass(frozen=True)
class ParquetFiles:
    """What each task reads, and the columns that it makes of it."""

    tasks: tuple[tuple[Groups, ...], ...]
    columns: Columns

    def then(self, function: Callable[[Iterable[Any]], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
        """A worker function from numbers of tasks to what ``function`` makes of their rows."""
        return partial(_read_then, self, function)

    def batches(self, threads: int) -> Iterator[Any]:
        """All rows, read in this process by so many threads, in the files' order."""
        with ThreadPoolExecutor(threads) as pool:
            for found in pool.map(lambda task: list(batches_of(task, self.columns)), self.tasks):
                yield from found


def _read_then(
    files: ParquetFiles, function: Callable[[Iterable[Any]], Iterator[Any]], numbers: Iterable[Any]
) -> Iterator[Any]:
    mine = (number for batch in numbers for number in batch.column(0).to_pylist())
    return function(batch for number in mine for batch in batches_of(files.tasks[number], files.columns))


def parquet_files(
    df: "DataFrame", layout: Layout, given_by: str = "", stored: "DataFrame | None" = None
) -> ParquetFiles | None:
    """The files of a DataFrame that is nothing but columns of them; None where it may be more.

    Parameters
    ----------
    df, layout : the rows as they come, and what their normalised columns mean.
    given_by : the column that gives parts, if one does.
    stored : what ``df`` has of the files, where its columns are those under the same names, cast.
    """
    types, df = dict(df.dtypes), df if stored is None else stored
    columns = Columns.of(layout, types, dict(df.dtypes), given_by)
    return None if columns is None else plain_files(df, columns)


def plain_files(df: "DataFrame", columns: Columns) -> ParquetFiles | None:
    """The files of a DataFrame that is nothing but columns of them, to make these columns of; or None."""
    relation = None if is_connect(df.sparkSession) else _plain_scan(df)
    if relation is None:
        return None
    paths = _paths(relation)
    if not paths:
        return None
    try:
        with ThreadPoolExecutor(8) as pool:
            footers = list(pool.map(_footer, paths))
    except Exception:  # whatever keeps pyarrow from a file that Spark may read: encryption, rights, a codec
        return None
    if not all(reads_alike(schema, columns, dict(df.dtypes)) for schema, _ in footers):
        return None
    cores = df.sparkSession.sparkContext.defaultParallelism
    return ParquetFiles(_shared_out(paths, [groups for _, groups in footers], cores), columns)


def _plain_scan(df: "DataFrame") -> Any:
    """Spark's relation if its plan is columns of Parquet files and nothing else; else None."""
    if any(str(df.sparkSession.conf.get(key, "false")).lower() == "true" for key in FORGIVING):
        return None
    # A plan of its own: that of df is of when it was first asked for, and the rows may be cached since.
    plan: Any = df.select("*")._jdf.queryExecution().optimizedPlan()
    if _name(plan) == "Project":
        columns = plan.projectList()
        if any(_name(columns.apply(at)) != "AttributeReference" for at in range(columns.size())):
            return None
        plan = plan.child()
    if _name(plan) != "LogicalRelation" or plan.isStreaming():
        return None
    relation = plan.relation()
    if _name(relation) != "HadoopFsRelation" or relation.partitionSchema().size():
        return None
    options = relation.options()
    forgives = any(options.contains(key.rpartition(".")[2]) for key in FORGIVING)
    parts = relation.fileFormat(), relation.location()
    own = [str(part.getClass().getName()).removeprefix(SPARKS_OWN) for part in parts]
    return None if forgives or own != ["parquet.ParquetFileFormat", "InMemoryFileIndex"] else relation


def _paths(relation: Any) -> list[str]:
    """The files that Spark would read, in its order; none where they may not be what it would read.

    Each is local, named once, data (not a summary) and as it was when Spark listed it.
    """
    listed = relation.location().allFiles()
    if listed.size() > MOST_FILES:
        return []
    paths = []
    for at in range(listed.size()):
        status = listed.apply(at)
        path = _local_path(str(status.getPath().toUri().toString()))
        name = path.rpartition("/")[2]
        if not path or name.startswith(("_", ".")):
            return []
        try:
            now = os.stat(path)
        except OSError:
            return []
        if (now.st_size, now.st_mtime_ns // 1_000_000) != (status.getLen(), status.getModificationTime()):
            return []
        paths.append(path)
    return paths if len(set(paths)) == len(paths) else []


def _name(java: Any) -> str:
    return str(java.getClass().getSimpleName())


def _local_path(uri: str) -> str:
    """The path of a ``file:`` URI; empty for others."""
    found = urlsplit(uri)
    return unquote(found.path) if found.scheme == "file" and not found.netloc else ""


def _footer(path: str) -> Footer:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        found = file.metadata
        groups = [found.row_group(at) for at in range(found.num_row_groups)]
        columns = range(found.num_columns)
        if any(group.column(at).compression not in CODECS for group in groups[:1] for at in columns):
            raise OSError("a codec that Spark may not have")
        return file.schema_arrow, [(group.num_rows, group.total_byte_size) for group in groups]


def _shared_out(
    paths: Sequence[str], groups: Sequence[Sequence[tuple[int, int]]], cores: int
) -> tuple[tuple[Groups, ...], ...]:
    """Row groups shared out to tasks in runs of about as many bytes; at least one task."""
    sizes = [size for of_file in groups for _, size in of_file]
    tasks = max(1, min(len(sizes), max(3 * cores, sum(sizes) // TASK_BYTES)))
    found: list[list[Groups]] = [[] for _ in range(tasks)]
    before, total = 0, max(1, sum(sizes))
    for path, of_file in zip(paths, groups, strict=True):
        for at, (rows, size) in enumerate(of_file):
            task = found[min(tasks - 1, (2 * before + size) * tasks // (2 * total))]
            if task and task[-1].path == path:
                task[-1] = Groups(path, (*task[-1].numbers, at), (*task[-1].rows, rows))
            else:
                task.append(Groups(path, (at,), (rows,)))
            before += size
    return tuple(tuple(task) for task in found if task) or ((),)
