"""Numbers that Java reads from text and Python does not: "1d", "2f", "0x1p3". Refused, as on the driver."""

import csv
import re
from collections.abc import Callable, Collection, Sequence
from functools import partial, reduce
from operator import or_
from typing import TYPE_CHECKING
from urllib.parse import unquote

from nnspark.engines.frames.paths import escaped
from nnspark.sources import refusals
from nnspark.sources.csv_header import column_names
from nnspark.sources.labels import parse_number

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["line_of", "line_where", "refuse_javas_numbers"]

LETTERS = "dDfFxX"
SUFFIXED = r'[0-9.][dDfF]\s*"?\s*({}|$)|0[xX][0-9a-fA-F.]+[pP]'


def refuse_javas_numbers(
    session: "SparkSession",
    paths: list[str],
    names: Sequence[str],
    numbers: Collection[int],
    separator: str,
) -> None:
    """Raise DataError for the first cell of a column of numbers that only Java takes for one.

    One pass over the text; a line without one of six letters costs no more than looking for them.
    """
    from pyspark.sql import functions as F

    value = F.col("value")
    has_letter = reduce(or_, [value.contains(letter) for letter in LETTERS])
    lines = session.read.text(paths).select("value", F.col("_metadata.file_path").alias("file"))
    for line in lines.where(
        has_letter & value.rlike(SUFFIXED.format(re.escape(separator)))
    ).toLocalIterator():
        cells = next(csv.reader([line["value"]], delimiter=separator))
        for at in numbers:
            if at < len(cells) and _is_javas(cells[at]):
                place = f"{line['file']} line {line_of(session, line['value'], line['file']) or 'unknown'}"
                raise refusals.no_number(cells[at], names[at], place)


def line_of(session: "SparkSession", record: str, file: str) -> int | None:
    """The line, from 1, on which a record's text first stands in a file."""
    return _first_line(session, file, partial(_is_record, record.rstrip("\r")))


def line_where(
    session: "SparkSession",
    file: str,
    cells_of: Callable[[str], list[str]],
    names: Sequence[str],
    at: int,
    is_wanted: Callable[[str], bool],
) -> int | None:
    """The first line, from 1, whose cell at a position is wanted; lines that are no whole record have none.

    ``is_wanted`` is asked on executors, of the cell without its blanks; ``names`` are the columns'.
    """
    return _first_line(session, file, partial(_has_cell, cells_of, list(names), at, is_wanted))


def _first_line(session: "SparkSession", file: str, is_wanted: Callable[[str], bool]) -> int | None:
    lines = session.read.text(escaped(unquote(file))).rdd.map(lambda row: row["value"]).zipWithIndex()
    first = lines.filter(lambda pair: is_wanted(pair[0])).map(lambda pair: pair[1] + 1).take(1)
    return first[0] if first else None


def _is_record(record: str, line: str) -> bool:
    return line.rstrip("\r") == record


def _has_cell(
    cells_of: Callable[[str], list[str]],
    names: list[str],
    at: int,
    is_wanted: Callable[[str], bool],
    line: str,
) -> bool:
    cells = cells_of(line.removeprefix("\ufeff"))
    return len(cells) == len(names) and column_names(cells) != names and is_wanted(cells[at].strip())


def _is_javas(cell: str) -> bool:
    text = cell.strip()
    if parse_number(text) is not None or not text:
        return False
    return (text[-1] in "dDfF" and parse_number(text[:-1]) is not None) or "0x" in text.lower()
