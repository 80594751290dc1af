"""Where the first unusable value is: file and row, looked up only after one was counted."""

from typing import TYPE_CHECKING, Any

from nnspark.engines.frames.columns import Layout
from nnspark.engines.frames.csv import CORRUPT, line_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["first_bad"]


def first_bad(df: "DataFrame", layout: Layout, kind: str, column: str) -> str:
    """Words like "row 17 of part-0.parquet, value NaN"; empty where the source cannot tell.

    Row numbers count from 0 in Parquet files; for other files the name is all that is known here.
    """
    from pyspark.sql import functions as F

    if CORRUPT in df.columns:
        return _corrupt(df)
    name = layout.source_of(column)
    value = F.col("`" + name.replace("`", "``") + "`")
    if layout.is_array and column == "f0":
        return ""
    bad: Any = {
        "null": value.isNull(),
        "not finite": F.isnan(value.cast("double")) | (F.abs(value.cast("double")) == float("inf")),
        "negative": value < 0,
    }[kind]
    places = [F.col("_metadata.file_name").alias("file"), value.cast("string").alias("value")]
    for extra in ([F.col("_metadata.row_index").alias("row")], []):
        try:
            found = df.select(*places, *extra).where(bad).orderBy("file", *(["row"] if extra else [])).head()
        except Exception:  # the source has no such metadata column
            continue
        if found is not None:
            row = f"row {found['row']} of " if extra else "in "
            return f"{row}{found['file']}, value {found['value']}"
    return ""


def _corrupt(df: "DataFrame") -> str:
    """File, line and text of the first CSV record that does not fit."""
    from pyspark.sql import functions as F

    place = F.col("_metadata.file_path").alias("file")
    found = df.select("*", place).where(f"{CORRUPT} is not null").orderBy("file").head()
    if found is None:
        return ""
    line = line_of(df, found[CORRUPT], found["file"])
    return f"{found['file']} line {line or 'unknown'}: {found[CORRUPT][:80]!r}"
