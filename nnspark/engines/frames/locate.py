"""Where the first unusable value is: file and row or line, looked up only after one was counted."""

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from nnspark.engines.frames.columns import Layout
from nnspark.engines.frames.csv import CORRUPT
from nnspark.engines.frames.misfits import kind_of
from nnspark.engines.frames.spellings import line_of, line_where
from nnspark.sources.files import row_in
from nnspark.sources.labels import parse_number

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

__all__ = ["first_bad", "first_label"]


def first_bad(df: "DataFrame", normal: "DataFrame", layout: Layout, kind: str, column: str) -> str:
    """The place of the first value of a kind, in the words of the driver's readers; empty where nothing can.

    Parameters
    ----------
    df, normal : the rows as they were read, and with the columns that ``layout`` speaks of.
    kind, column : as ``bad_values`` counts them.
    """
    from pyspark.sql import functions as F

    if kind == "corrupt":
        return _corrupt(df, layout)
    value, width = F.col(column), layout.width_of(column)
    if kind == "width":
        return _place(normal, layout, column, F.size(value) != width)
    if kind == "holes":
        return _place(normal, layout, column, F.exists(value, lambda one: one.isNull()))
    found = kind_of(layout, kind, column)
    each = width is not None and kind != "null"
    bad = F.exists(value, found.column) if each else found.column(value)
    return _place(normal, layout, column, bad, found.cell, shown=found.shown)


def first_label(normal: "DataFrame", layout: Layout, spellings: Collection[Any]) -> str:
    """The place of the first row whose label is one of those; None and NaN among them mean themselves."""
    from pyspark.sql import functions as F

    label = F.col("t0")
    plain = [one for one in spellings if one is not None and one == one]
    bad = label.isin(plain) if plain else F.lit(False)
    if any(one is None for one in spellings):
        bad = bad | label.isNull()
    if any(one != one for one in spellings):
        bad = bad | F.isnan(label)
    cells = {"" if one is None else str(one).strip() for one in spellings}
    return _place(normal, layout, "t0", bad, partial(_is_one_of, cells))


def _place(
    normal: "DataFrame",
    layout: Layout,
    column: str,
    bad: "Column",
    cell: Callable[[str], bool] | None = None,
    *,
    shown: str = "",
) -> str:
    """File and row, or line, of the first row where ``bad``, after its value if that is ``shown``."""
    found = _first(normal, column, bad)
    if found is None:
        return ""
    place = ""
    if "file" in found:
        file = _path(found["file"])
        place = row_in(file, found["row"]) if "row" in found else f"a row of {file}"
        if layout.text and cell:
            text, at = layout.text, layout.text.names.index(layout.source_of(column))
            line = line_where(normal.sparkSession, found["file"], text.cells, text.names, at, cell)
            place = f"{file} line {line}" if line else place
    if not shown:
        return place
    value = shown.format(found["value"])
    return f"{value} at {place}" if place else value


def _first(normal: "DataFrame", column: str, bad: "Column") -> dict[str, Any] | None:
    """Value, file and row of the first such row, as much of them as the source tells."""
    from pyspark.sql import functions as F

    file, row = F.col("_metadata.file_path").alias("file"), F.col("_metadata.row_index").alias("row")
    for places in ([file, row], [file], []) if normal.inputFiles() else ([],):
        try:
            order = ["file", "row"][: len(places)]
            with quiet_analysis():
                rows = normal.where(bad).select(F.col(column).alias("value"), *places)
                found = (rows.orderBy(*order) if order else rows).head()
        except Exception:  # the source has no such metadata column
            continue
        if found is not None:
            return found.asDict()
    return None


@contextmanager
def quiet_analysis() -> Iterator[None]:
    """Ask for columns that may not be there: PySpark logs each that is not as an error.

    By its own kind of logger, which who asks for it first has to make: a plain one would fail it ever after.
    """
    from pyspark.logger import PySparkLogger

    logger = PySparkLogger.getLogger("DataFrameQueryContextLogger")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _path(file: str) -> str:
    """A file's path as people write it, of Spark's URI."""
    return re.sub(r"^file:/+", "/", unquote(file))


def _is_one_of(cells: Collection[str], cell: str) -> bool:
    return cell in cells


def _corrupt(df: "DataFrame", layout: Layout) -> str:
    """File, line and text of the first CSV record that does not fit, and its first cell that is no number."""
    from pyspark.sql import functions as F

    place = F.col("_metadata.file_path").alias("file")
    found = df.select("*", place).where(f"{CORRUPT} is not null").orderBy("file").head()
    if found is None:
        return ""
    line = line_of(df.sparkSession, found[CORRUPT], found["file"])
    assert layout.text is not None
    cells = dict(zip(layout.text.names, layout.text.cells(found[CORRUPT]), strict=False))
    odd = (name for name in layout.columns if name in cells and parse_number(cells[name].strip()) is None)
    at = next(odd, None)
    cell = "" if at is None else f", column {at!r} is {cells[at].strip()[:40]!r}"
    return f"{_path(found['file'])} line {line or 'unknown'}{cell}: {found[CORRUPT][:80]!r}"
