"""CSV files as a DataFrame: executors parse, and a record that does not fit is found by file and line."""

import csv
import itertools
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from nnspark.engines.frames.spellings import refuse_javas_numbers
from nnspark.recipe import Data
from nnspark.recipe.raw_columns import wishes_of
from nnspark.sources import DataRequest, refusals
from nnspark.sources.csv_header import layout_of
from nnspark.sources.text_columns import sample_size, text_kinds

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["CORRUPT", "first_record", "read_csv_frame", "whole_records"]

CORRUPT = "_nnspark_corrupt"
LIKELY_LINES, MOST_LINES = 10, 1000  # looked at for the first record: usually, and at most
MOST_COLUMNS = 20_480  # Spark's own limit, where the file has not more


def read_csv_frame(session: "SparkSession", data: Data, *, multi_line: bool = False) -> "DataFrame":
    """Numbers and weight as doubles, other features and labels as text; records that do not fit in CORRUPT.

    Each part's header must be the first's. Cells keep their blanks: the readers on the driver strip what
    Python takes for blank, Spark other characters. ``multi_line``: cells may hold line breaks, for which
    Spark reads a file in one piece.
    """
    from pyspark.sql.types import DoubleType, StringType, StructField, StructType

    cells, *sample = _first_records(session, data.path)
    header, names, chosen = layout_of(cells, DataRequest.of(data), data.path)[:3]
    sample = (sample if header else [cells, *sample])[: sample_size(len(names))]
    kinds = text_kinds(sample, names, chosen, wishes_of(data), data.path)
    numbers = {at for at, kind in zip(chosen.features, kinds, strict=True) if kind == "number"}
    numbers |= set() if chosen.weight is None else {chosen.weight}
    if data.task != "classification":
        numbers |= {*chosen.labels}
    refuse_javas_numbers(session, data.path, names, sorted(numbers))
    raw = cells if header and _are_distinct(cells) else names
    multi_line = multi_line or any("\n" in cell for cell in cells)
    fields = [
        StructField(name, DoubleType() if at in numbers else StringType()) for at, name in enumerate(raw)
    ]
    options: dict[str, Any] = {
        "header": header is not None,
        "enforceSchema": raw is names,  # if not, Spark compares each file's header with the names
        "columnPruning": False,  # a pruned parser does not count a record's fields
        "escape": '"',
        "multiLine": multi_line,
        "nanValue": "nan",  # NaN and Infinity it knows anyway
        "positiveInf": "inf",
        "negativeInf": "-inf",
        "maxColumns": max(MOST_COLUMNS, len(names) + 1),
        "mode": "PERMISSIVE",
        "columnNameOfCorruptRecord": CORRUPT,
    }
    schema = StructType([*fields, StructField(CORRUPT, StringType())])
    return session.read.options(**options).schema(schema).csv(data.path).toDF(*names, CORRUPT)


def whole_records(df: "DataFrame", data: Data) -> "DataFrame | None":
    """The rows read again so that cells may hold line breaks; None if no record was cut by one."""
    from pyspark.sql import functions as F

    record = F.col(CORRUPT)
    quotes = F.length(record) - F.length(F.replace(record, F.lit('"'), F.lit("")))
    if df.where(quotes % 2 == 1).head() is None:
        return None
    return read_csv_frame(df.sparkSession, data, multi_line=True)


def first_record(session: "SparkSession", path: str) -> list[str]:
    """The cells of the first record that is not blank, in the first file by name that has one."""
    return _first_records(session, path)[0]


def _first_records(session: "SparkSession", path: str) -> list[list[str]]:
    """The cells of that record, and of some that follow it."""
    text = session.read.text(path)
    for file in sorted(text.inputFiles()):
        lines = session.read.text(unquote(file))
        first = _first_lines(lines)
        if first:
            cells = next(csv.reader(first))
            more = lines.where("length(trim(value)) > 0").head(len(first) + sample_size(len(cells)))
            return [cells, *csv.reader(f"{row['value']}\n" for row in more[len(first) :])]
    raise refusals.empty_file(path) if text.isEmpty() else refusals.only_blank(path)


def _first_lines(lines: "DataFrame") -> list[str]:
    """A file's lines from the first that is not blank, as many as its record takes: cells may hold breaks."""
    for wanted in (LIKELY_LINES, MOST_LINES):
        found = [f"{row['value']}\n" for row in lines.take(wanted)]
        record = list(itertools.dropwhile(lambda line: not line.strip(), found))
        for end in range(1, len(record) + 1):
            if sum(line.count('"') for line in record[:end]) % 2 == 0:
                return record[:end]
    return record


def _are_distinct(cells: list[str]) -> bool:
    """Whether Spark takes a header's cells as names of columns: as they are, and no two alike."""
    return len({cell.lower() for cell in cells}) == len(cells)
