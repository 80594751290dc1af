"""DataFrames of the file formats that executors read: csv, libsvm, parquet."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nnspark.engines.executors import check_workers
from nnspark.engines.frames.csv import read_csv_frame
from nnspark.errors import DataError
from nnspark.recipe import Data

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["FRAME_SOURCES", "read_frame", "reading"]


def read_frame(session: "SparkSession", data: Data) -> "DataFrame":
    """The recipe's data as a DataFrame; DataError if the path is missing or cannot be read."""
    check_workers(session.sparkContext)
    if not data.path:
        raise DataError(f"data.path is empty: source {data.source!r} reads a file or folder")
    with reading(data.path):
        return FRAME_SOURCES[data.source](session, data)


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Turn what Spark says of files that it cannot read into a DataError of one line."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException, PythonException

    try:
        yield
    except PythonException:
        raise
    except (PySparkException, Py4JJavaError) as error:
        causes = [line for line in str(error).splitlines() if "Caused by: " in line]
        line = causes[-1].split("Caused by: ", 1)[1] if causes else str(error).strip().splitlines()[0]
        reason = re.sub(r"^([a-z]+\.)+[A-Za-z$]+: ", "", line)
        named = re.search(r"reading file (\S+?)\.?\s", str(error))
        raise DataError(f"cannot read {named[1] if named else path}: {reason}") from None


def _parquet(session: "SparkSession", data: Data) -> "DataFrame":
    return session.read.parquet(data.path)


def _libsvm(session: "SparkSession", data: Data) -> "DataFrame":
    return session.read.format("libsvm").load(data.path)


FRAME_SOURCES: dict[str, Callable[["SparkSession", Data], "DataFrame"]] = {
    "csv": read_csv_frame,
    "libsvm": _libsvm,
    "parquet": _parquet,
}
