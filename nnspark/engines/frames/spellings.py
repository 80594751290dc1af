"""Numbers that Java reads from text and Python does not: "1d", "2f", "0x1p3". Refused, as on the driver."""

import csv
from collections.abc import Collection, Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING
from urllib.parse import unquote

from nnspark.sources import refusals
from nnspark.sources.labels import parse_number

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["line_of", "refuse_javas_numbers"]

LETTERS = "dDfFxX"
SUFFIXED = r'[0-9.][dDfF]\s*"?\s*(,|$)|0[xX][0-9a-fA-F.]+[pP]'


def refuse_javas_numbers(
    session: "SparkSession", path: str, names: Sequence[str], numbers: Collection[int]
) -> None:
    """Raise DataError for the first cell of a column of numbers that only Java takes for one.

    One pass over the text; a line without one of six letters costs no more than looking for them.
    """
    from pyspark.sql import functions as F

    value = F.col("value")
    has_letter = reduce(or_, [value.contains(letter) for letter in LETTERS])
    lines = session.read.text(path).select("value", F.col("_metadata.file_path").alias("file"))
    for line in lines.where(has_letter & value.rlike(SUFFIXED)).toLocalIterator():
        cells = next(csv.reader([line["value"]]))
        for at in numbers:
            if at < len(cells) and _is_javas(cells[at]):
                place = f"{line['file']} line {line_of(session, line['value'], line['file']) or 'unknown'}"
                raise refusals.no_number(cells[at], names[at], place)


def line_of(session: "SparkSession", record: str, file: str) -> int | None:
    """The line, from 1, on which a record's text first stands in a file."""
    lines = session.read.text(unquote(file)).rdd.map(lambda row: row["value"]).zipWithIndex()
    found = lines.filter(lambda pair: pair[0].rstrip("\r") == record.rstrip("\r")).map(
        lambda pair: pair[1] + 1
    )
    first = found.take(1)
    return first[0] if first else None


def _is_javas(cell: str) -> bool:
    text = cell.strip()
    if parse_number(text) is not None or not text:
        return False
    return (text[-1] in "dDfF" and parse_number(text[:-1]) is not None) or "0x" in text.lower()
