"""Where the first unusable value is: file and row, looked up only after one was counted."""

import csv
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nnspark.engines.frames.columns import Layout
from nnspark.engines.frames.csv import CORRUPT
from nnspark.engines.frames.spellings import line_of
from nnspark.sources.labels import parse_number

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["first_bad"]


def first_bad(df: "DataFrame", layout: Layout, kind: str, column: str) -> str:
    """Words like "row 17 of part-0.parquet, value NaN"; empty where the source cannot tell.

    Row numbers count from 0 in Parquet files; for other files the name is all that is known here.
    """
    from pyspark.sql import functions as F

    if kind == "corrupt":
        return _corrupt(df, layout)
    if layout.width_of(column) is not None:
        return ""
    if kind in ("no date", "not utf8"):
        return ""
    value = F.col("`" + layout.source_of(column).replace("`", "``") + "`")
    number = value.try_cast("double")
    infinite = F.abs(number) == float("inf")
    bad: Any = {
        "null": value.isNull(),
        "not finite": F.isnan(number) | infinite,
        "weight": F.isnan(number) | infinite | (number < 0),
        "no label": value.isNull() | F.isnan(number),
        "infinite label": infinite,
        "not binary": ~number.isin(0.0, 1.0),
        "no logarithm": number <= -1,
    }[kind]
    shown = number if kind == "not binary" else value.cast("string")
    file, row = F.col("_metadata.file_name").alias("file"), F.col("_metadata.row_index").alias("row")
    for places in ([file, row], [file], []) if df.inputFiles() else ([],):
        try:
            order = ["file", "row"][: len(places)] or ["value"]
            with quiet_analysis():
                found = df.select(shown.alias("value"), *places).where(bad).orderBy(*order).head()
        except Exception:  # the source has no such metadata column
            continue
        if found is not None:
            return _words(kind, found.asDict())
    return ""


@contextmanager
def quiet_analysis() -> Iterator[None]:
    """Ask for columns that may not be there: PySpark logs each that is not as an error."""
    logger = logging.getLogger("DataFrameQueryContextLogger")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _words(kind: str, found: dict[str, Any]) -> str:
    place = f" of {found['file']}" if "row" in found else f"in {found['file']}" if "file" in found else ""
    if "row" in found:
        place = f"row {found['row']}{place}"
    if kind == "not binary":
        return f"{found['value']:g}{f' at {place}' if place else ''}"
    return f"{place}, value {found['value']}" if place else ""


def _corrupt(df: "DataFrame", layout: Layout) -> str:
    """File, line and text of the first CSV record that does not fit, and its first cell that is no number."""
    from pyspark.sql import functions as F

    place = F.col("_metadata.file_path").alias("file")
    found = df.select("*", place).where(f"{CORRUPT} is not null").orderBy("file").head()
    if found is None:
        return ""
    line = line_of(df.sparkSession, found[CORRUPT], found["file"])
    names = [name for name in df.columns if name != CORRUPT]
    cells = dict(zip(names, next(csv.reader([found[CORRUPT]]), []), strict=False))
    odd = (name for name in layout.columns if name in cells and parse_number(cells[name].strip()) is None)
    at = next(odd, None)
    cell = "" if at is None else f", column {at!r} is {cells[at].strip()[:40]!r}"
    return f"{found['file']} line {line or 'unknown'}{cell}: {found[CORRUPT][:80]!r}"
