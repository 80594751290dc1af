"""What Parquet footers say of columns and Spark does not: durations, read as integers, and types it lacks."""

import base64
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from nnspark.engines.frames.normal import DURATION
from nnspark.engines.hadoop import Hadoop

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["as_durations", "unread_column"]

ARROW_SCHEMA = "ARROW:schema"
UNREAD = re.compile(r"\((TIMESTAMP\(NANOS|TIME|FLOAT16)\b")
CALLED = {"TIMESTAMP(NANOS": "timestamp of nanoseconds", "TIME": "time", "FLOAT16": "float16"}


def as_durations(df: "DataFrame", files: list[str]) -> "DataFrame":
    """A DataFrame of Parquet files with its durations as such, so that they are refused as what they are.

    The first of ``files`` says which they are. Parquet has no such type: Arrow writes numbers, and what they
    are into the footer, which Spark does not read. It would train on the numbers.
    """
    from pyspark.sql import functions as F

    if not files:
        return df
    said = _footer(df.sparkSession, unquote(files[0])).getKeyValueMetaData().get(ARROW_SCHEMA)
    found = {} if said is None else {field.name.lower(): field.type for field in _arrow_schema(said)}
    for name in df.columns:
        kind = found.get(name.lower())
        if kind is not None and _is_duration(kind):
            df = df.withColumn(name, F.lit(None).cast(DURATION))
        elif kind is not None and hasattr(kind, "value_type") and _is_duration(kind.value_type):
            df = df.withColumn(name, F.lit(None).cast(f"array<{DURATION}>"))
    return df


def unread_column(session: "SparkSession", path: str) -> tuple[str, str] | None:
    """The first column, and its type, that keeps Spark from reading a Parquet file or a folder's first."""
    hadoop = Hadoop(session.sparkContext)
    names = hadoop.data_files(path)
    place = hadoop.path(path)
    is_folder = hadoop.file_system(place).getFileStatus(place).isDirectory()
    for field in _footer(session, f"{path}/{names[0]}" if is_folder else path).getSchema().getFields():
        found = UNREAD.search(field.toString())
        if found:
            return field.getName(), CALLED[found[1]]
    return None


def _footer(session: "SparkSession", file: str) -> Any:
    """What the file says of itself, read by Spark's own library."""
    sc: Any = session.sparkContext
    parquet = sc._jvm.org.apache.parquet.hadoop
    path = Hadoop(sc).path(file)
    conf = sc._jsc.hadoopConfiguration()
    reader = parquet.ParquetFileReader.open(parquet.util.HadoopInputFile.fromPath(path, conf))
    try:
        return reader.getFooter().getFileMetaData()
    finally:
        reader.close()


def _arrow_schema(text: str) -> "pa.Schema":
    import pyarrow as pa

    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))


def _is_duration(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_duration(kind))
