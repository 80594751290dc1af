"""DataFrames of what executors read: files of csv, libsvm, parquet, orc, and what only Spark reads."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nnspark.engines.connections import has_stopped, is_connect
from nnspark.engines.executors import check_workers
from nnspark.engines.frames.catalog import SPARK_SOURCES
from nnspark.engines.frames.csv import read_csv_frame
from nnspark.engines.frames.footers import as_durations, unread_column
from nnspark.engines.frames.parquet_types import first_file, refuse_cut_numbers
from nnspark.engines.frames.paths import Sources, sources_of
from nnspark.engines.hadoop import Hadoop, java_errors, root_cause
from nnspark.engines.session import case_sensitive
from nnspark.errors import DataError, RecipeError, quoted_error
from nnspark.recipe import Data
from nnspark.recipe.raw_columns import wishes_of
from nnspark.sources import refusals
from nnspark.sources.columns import refuse_twins
from nnspark.sources.orc import refuse_moments

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = [
    "FILE_SOURCES",
    "FRAME_SOURCES",
    "is_frame",
    "read_frame",
    "reading",
    "refuse_other",
    "refuse_stopped",
    "refuse_stream",
]

UNREAD = ("Illegal Parquet type", "UNSUPPORTED_TIME_TYPE")


def is_frame(data: Any) -> bool:
    """Whether it is a DataFrame of Spark."""
    return type(data).__module__.startswith("pyspark.sql.")


def refuse_other(data: Any) -> None:
    """DataError for what is no DataFrame of Spark, one whose session has stopped, and one that streams."""
    if not is_frame(data):
        kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__qualname__}"
        raise DataError(
            f"expected a Spark DataFrame, got {kind.removeprefix('builtins.')}: "
            "spark.createDataFrame(rows) makes one"
        )
    refuse_stopped(data.sparkSession)
    refuse_stream(data)


def refuse_stopped(session: Any) -> None:
    """DataError where a DataFrame's session has stopped."""
    if has_stopped(session):
        raise DataError("the Spark session of this DataFrame has stopped; read the data in a live one")


def refuse_stream(data: Any) -> None:
    """DataError for a streaming DataFrame: an epoch goes over rows that are all there."""
    if is_frame(data) and data.isStreaming:
        raise DataError(
            "expected rows that are there, got a streaming DataFrame: train and evaluate on a static read of "
            "its source (spark.read); transform works on streams"
        )


def read_frame(session: "SparkSession", data: Data) -> "DataFrame":
    """The recipe's data as a DataFrame; DataError if a path is missing or cannot be read."""
    if is_connect(session):
        raise DataError(
            f"source {data.source!r} is not read over Spark Connect: give the rows as a DataFrame, such as "
            f"spark.read.format({data.source!r}).load({data.place!r})"
        )
    check_workers(session.sparkContext)
    with reading(data.place):
        if data.source in SPARK_SOURCES:
            return SPARK_SOURCES[data.source](session, data)
        if not data.place:
            raise RecipeError("data.path is empty; set it to the file or folder to read")
        sources = sources_of(session, data)
        return sources.with_parts(FILE_SOURCES[data.source](session, data, sources))


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Turn what Spark says of files that it cannot read into a DataError of one line."""
    from pyspark.errors import PythonException

    try:
        yield
    except java_errors() as error:
        known = quoted_error(str(error))
        if known is None and isinstance(error, PythonException):
            raise
        known = known or _known(str(error), path)
        if known is not None:
            raise known from None
        reason = root_cause(str(error))
        named = re.search(r"reading file (\S+?)\.?\s", str(error))
        raise DataError(f"cannot read {named[1] if named else path}: {reason}") from None


def _known(text: str, path: str) -> DataError | None:
    """What the driver's readers refuse as well, in their words."""
    header = re.search(r"(CSV header does not conform|Number of column in CSV header)", text)
    if header:
        found = re.search(r"\n Header: ([^\n]*)", text)
        file = re.search(r"CSV file: (\S+)", text)
        return refusals.other_header(
            f"{file[1] if file else path} line 1", found[1] if found else "", "the first file"
        )
    types = re.search(
        r"Parquet column \[([^\]]*)\]\. Expected Spark type (\S+), actual Parquet type (\S+?)\.", text
    )
    if types:
        file = re.search(r"reading file (\S+?)\.?\s", text)
        return refusals.other_type(types[1], file[1] if file else path, types[3].lower(), types[2])
    illegal = re.search(r"Illegal Parquet type: (.*?)\. SQLSTATE", text)
    if illegal:
        return refusals.unreadable_type(illegal[1], f"a column of {path}")
    if "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION" in text:
        return refusals.unreadable_type("a decimal of more than 38 digits", f"a column of {path}")
    return None


def _parquet(session: "SparkSession", data: Data, sources: Sources) -> "DataFrame":
    """Columns are those of the first file, found by name in the others."""
    from pyspark.errors import AnalysisException

    path = sources.first_place
    try:
        named = first_file(session, sources)
        first = rows = session.read.parquet(named)
        if sources.files or named != sources.first:
            rows = session.read.schema(first.schema).parquet(*sources.paths)
        refuse_cut_numbers(rows, data, sources)
        return as_durations(rows, first.inputFiles()[:1])
    except AnalysisException as error:
        if "UNABLE_TO_INFER_SCHEMA" in str(error) and _is_empty(session, path):
            raise refusals.empty_file(path) from None
        unread = unread_column(session, path) if any(sign in str(error) for sign in UNREAD) else None
        if unread is not None:
            raise refusals.unreadable_type(unread[1], f"column {unread[0]!r} of {path}") from None
        twin = re.search(r"COLUMN_ALREADY_EXISTS\] The column `(.*)` already exists", str(error))
        if twin is None:
            raise
        raise _twins(session, path, twin[1]) from None


def _is_empty(session: "SparkSession", path: str) -> bool:
    """Whether a file, or all of a folder's, has no bytes."""
    hadoop = Hadoop(session.sparkContext)
    place = hadoop.path(path)
    return bool(hadoop.file_system(place).getContentSummary(place).getLength() == 0)


def _twins(session: "SparkSession", path: str, name: str) -> DataError:
    """Which columns Spark takes for one: it says only the name in lower case."""
    from pyspark.errors import AnalysisException

    try:
        with case_sensitive(session):
            refuse_twins(session.read.parquet(path).columns, path)
    except DataError as error:
        return error
    except AnalysisException:
        pass
    return refusals.more_than_one(name, path)


def _libsvm(session: "SparkSession", data: Data, sources: Sources) -> "DataFrame":
    return session.read.format("libsvm").load(sources.paths)


def _csv(session: "SparkSession", data: Data, sources: Sources) -> "DataFrame":
    return read_csv_frame(session, data, sources)


def _orc(session: "SparkSession", data: Data, sources: Sources) -> "DataFrame":
    """Columns are those of the first file, found by name in the others."""
    first = session.read.orc(sources.first)
    moments = [name for name, kind in first.dtypes if kind.startswith("timestamp")]
    refuse_moments(moments, wishes_of(data))
    return session.read.schema(first.schema).orc(sources.paths)


FILE_SOURCES: dict[str, Callable[["SparkSession", Data, Sources], "DataFrame"]] = {
    "csv": _csv,
    "libsvm": _libsvm,
    "orc": _orc,
    "parquet": _parquet,
}
FRAME_SOURCES = frozenset({*FILE_SOURCES, *SPARK_SOURCES})
