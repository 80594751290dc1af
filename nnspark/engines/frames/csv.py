"""CSV files as a DataFrame: executors parse, and a record that does not fit is found by file and line."""

import csv
import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from nnspark.engines.frames.paths import Sources, escaped, sources_of
from nnspark.engines.frames.spellings import refuse_javas_numbers
from nnspark.errors import DataError
from nnspark.recipe import Data
from nnspark.recipe.raw_columns import wishes_of
from nnspark.sources import DataRequest, refusals
from nnspark.sources.csv_header import layout_of
from nnspark.sources.text_columns import sample_size, text_kinds

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["CORRUPT", "TextColumns", "first_record", "read_csv_frame", "whole_records"]

CORRUPT = "_nnspark_corrupt"
LIKELY_LINES, MOST_LINES = 10, 1000  # of a first record: usually, with what is blank before it, and at most
MOST_COLUMNS = 20_480  # Spark's own limit, where the file has not more


class TextColumns(NamedTuple):
    """The names of all columns of a text file, and what separates its fields."""

    names: tuple[str, ...]
    separator: str

    def cells(self, line: str) -> list[str]:
        """The cells of a line."""
        return next(csv.reader([line], delimiter=self.separator), [])


def read_csv_frame(
    session: "SparkSession", data: Data, sources: Sources, *, multi_line: bool = False
) -> "DataFrame":
    """Numbers and weight as doubles, other features and labels as text; records that do not fit in CORRUPT.

    Each part's header must be the first's. Cells keep their blanks: the readers on the driver strip what
    Python takes for blank, Spark other characters. ``multi_line``: cells may hold line breaks, for which
    Spark reads a file in one piece.
    """
    from pyspark.sql.types import DoubleType, StringType, StructField, StructType

    cells, *sample = _first_records(session, sources.paths, data.place, data.separator)
    header, names, chosen, separator = layout_of(cells, DataRequest.of(data), data.place)[:4]
    sample = (sample if header else [cells, *sample])[: sample_size(len(names))]
    kinds = text_kinds(sample, names, chosen, wishes_of(data), data.place)
    numbers = {at for at, kind in zip(chosen.features, kinds, strict=True) if kind == "number"}
    numbers |= set() if chosen.weight is None else {chosen.weight}
    if data.task != "classification":
        numbers |= {*chosen.labels}
    refuse_javas_numbers(session, sources.paths, names, sorted(numbers), data.separator)
    raw = cells if header and _are_distinct(cells) else names
    multi_line = multi_line or any("\n" in cell for cell in cells)
    fields = [
        StructField(name, DoubleType() if at in numbers else StringType()) for at, name in enumerate(raw)
    ]
    options: dict[str, Any] = {
        "header": header is not None,
        "enforceSchema": raw is names,  # if not, Spark compares each file's header with the names
        "sep": separator,
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
    return session.read.options(**options).schema(schema).csv(sources.paths).toDF(*names, CORRUPT)


def whole_records(df: "DataFrame", data: Data) -> "DataFrame | None":
    """The rows read again so that cells may hold line breaks; None if no record was cut by one."""
    from pyspark.sql import functions as F

    record = F.col(CORRUPT)
    quotes = F.length(record) - F.length(F.replace(record, F.lit('"'), F.lit("")))
    if df.where(quotes % 2 == 1).head() is None:
        return None
    sources = sources_of(df.sparkSession, data)
    return sources.with_parts(read_csv_frame(df.sparkSession, data, sources, multi_line=True))


def first_record(session: "SparkSession", path: str, separator: str) -> list[str]:
    """The cells of the first record that is not blank, in the first file by name that has one."""
    return _first_records(session, [path], path, separator)[0]


def _first_records(session: "SparkSession", paths: list[str], where: str, separator: str) -> list[list[str]]:
    """The cells of that record, and of some that follow it; of one path, the first file by name has it."""
    text = session.read.text(paths)
    files = paths if len(paths) > 1 else [escaped(unquote(file)) for file in sorted(text.inputFiles())]
    for file in files:
        lines = session.read.text(file)
        first = _first_lines(lines)
        if first:
            cells = next(csv.reader(first, delimiter=separator))
            broken = [cell for cell in cells if "\ufffd" in cell]
            if broken:
                raise refusals.not_utf8(broken[0], f"the first record of {file}")
            filled = sum(bool(line.strip()) for line in first)
            more = lines.where("length(trim(value)) > 0").head(filled + sample_size(len(cells)))
            others = (f"{row['value']}\n" for row in more[filled:])
            return [cells, *csv.reader(others, delimiter=separator)]
    raise refusals.empty_file(where) if text.isEmpty() else refusals.only_blank(where)


def _first_lines(lines: "DataFrame") -> list[str]:
    """A file's lines from the first that is not blank, as many as its record takes: cells may hold breaks."""
    record, is_whole = _record(row["value"] for row in lines.take(LIKELY_LINES))
    return record if is_whole else _record(row["value"] for row in lines.toLocalIterator())[0]


def _record(lines: Iterable[str]) -> tuple[list[str], bool]:
    """The first record's lines, and whether that is all of it."""
    record, quotes = list[str](), 0
    for line in itertools.dropwhile(lambda line: not line.strip(), lines):
        record.append(f"{line}\n")
        quotes += line.count('"')
        if quotes % 2 == 0:
            return record, True
        if len(record) > MOST_LINES:
            raise DataError(
                f"the first record has more than {MOST_LINES} lines, from {record[0].strip()[:40]!r} on: is "
                "there a quote that is not closed?"
            )
    return record, False


def _are_distinct(cells: list[str]) -> bool:
    """Whether Spark takes a header's cells as names of columns: as they are, and no two alike."""
    return len({cell.lower() for cell in cells}) == len(cells)
