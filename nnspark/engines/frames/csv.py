"""CSV files as a DataFrame: executors parse, and a record that does not fit is found by file and line."""

import csv
from typing import TYPE_CHECKING

from nnspark.errors import DataError
from nnspark.recipe import Data
from nnspark.sources import DataRequest
from nnspark.sources.columns import choose_columns
from nnspark.sources.csv import has_header

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["CORRUPT", "line_of", "read_csv_frame"]

CORRUPT = "_nnspark_corrupt"


def read_csv_frame(session: "SparkSession", data: Data) -> "DataFrame":
    """Features and weight as doubles, labels as text, and the text of records that do not fit in CORRUPT."""
    from pyspark.sql.types import DoubleType, StringType, StructField, StructType

    first = session.read.text(data.path).where("length(trim(value)) > 0").head()
    if first is None:
        raise DataError(f"{data.path} has no rows: only blank lines")
    cells = [cell.strip() for cell in next(csv.reader([first["value"]]))]
    header = has_header(cells, DataRequest.of(data))
    names = (
        [name or str(at) for at, name in enumerate(cells)] if header else list(map(str, range(len(cells))))
    )
    chosen = choose_columns(
        names, label=data.label, weight=data.weight, columns=data.columns, where=data.path
    )
    numbers = {*chosen.features, *([] if chosen.weight is None else [chosen.weight])}
    if data.task != "classification":
        numbers |= {*chosen.labels}
    fields = [
        StructField(name, DoubleType() if at in numbers else StringType()) for at, name in enumerate(names)
    ]
    schema = StructType([*fields, StructField(CORRUPT, StringType())])
    reader = session.read.option("columnPruning", False)  # a pruned parser does not count a record's fields
    return reader.csv(
        data.path,
        schema=schema,
        header=header,
        mode="PERMISSIVE",
        columnNameOfCorruptRecord=CORRUPT,
        ignoreLeadingWhiteSpace=True,
        ignoreTrailingWhiteSpace=True,
        enforceSchema=True,
    )


def line_of(df: "DataFrame", record: str, file: str) -> int | None:
    """The line, from 1, on which a record's text first stands in a file."""
    lines = df.sparkSession.read.text(file).rdd.map(lambda row: row["value"]).zipWithIndex()
    found = lines.filter(lambda pair: pair[0].rstrip("\r") == record.rstrip("\r")).map(
        lambda pair: pair[1] + 1
    )
    first = found.take(1)
    return first[0] if first else None
