"""DataFrames of the file formats that executors read: csv, libsvm, parquet."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from nnspark.errors import DataError
from nnspark.frames.csv import read_csv_frame
from nnspark.recipe import Data

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["FRAME_SOURCES", "read_frame"]


def read_frame(session: "SparkSession", data: Data) -> "DataFrame":
    """The recipe's data as a DataFrame; DataError if the path is missing or cannot be read."""
    from pyspark.errors import PySparkException

    if not data.path:
        raise DataError(f"data.path is empty: source {data.source!r} reads a file or folder")
    try:
        return FRAME_SOURCES[data.source](session, data)
    except PySparkException as error:
        raise DataError(f"cannot read {data.path}: {str(error).strip().splitlines()[0]}") from None


def _parquet(session: "SparkSession", data: Data) -> "DataFrame":
    return session.read.parquet(data.path)


def _libsvm(session: "SparkSession", data: Data) -> "DataFrame":
    return session.read.format("libsvm").load(data.path)


FRAME_SOURCES: dict[str, Callable[["SparkSession", Data], "DataFrame"]] = {
    "csv": read_csv_frame,
    "libsvm": _libsvm,
    "parquet": _parquet,
}
