"""Say which feature columns cannot be predicted from, and how many rows it concerns."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nnspark.errors import NNSparkError
from nnspark.scoring.pieces import FeatureColumns, Piece, array_of, column_of, number_of
from nnspark.scoring.raw_columns import is_bad

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

__all__ = ["explain", "unusable", "without_stack"]


@contextmanager
def without_stack() -> Iterator[None]:
    """In a worker whose answers a job of the user's own asks for: errors of ours with no stack.

    Such a job raises Spark's PythonException, which nothing here can catch. It quotes the worker's stack as
    well, unless this variable, which Spark's hideTraceback sets, is there. The worker ends with the error.
    """
    try:
        yield
    except NNSparkError:
        os.environ["SPARK_HIDE_TRACEBACK"] = "1"
        raise


def explain(frame: "DataFrame", features: FeatureColumns, where: str) -> str:
    """Say in one line which feature columns cannot be predicted from, counted over the whole frame."""
    changed = f"{where} has rows that could not be predicted, but they changed while they were read"
    return unusable(frame, features, where) or changed


def unusable(
    frame: "DataFrame", features: FeatureColumns, where: str, *, remedy: str = "give rows of {width} numbers"
) -> str:
    """Say in one line which feature columns hold what is no number, in how many rows; "" if none does.

    ``remedy`` is what to do where every row's array has the same, other size: {size}, and not {width}.
    """
    from pyspark.sql import functions as F

    counts = [F.count_if(_is_bad(piece)).alias(f"n{at}") for at, piece in enumerate(features)]
    texts = [
        F.min(F.when(_is_bad(piece), _shown(piece).cast("string"))).alias(f"t{at}")
        for at, piece in enumerate(features)
    ]
    sizes = [
        limit(F.coalesce(F.size(array_of(piece)), F.lit(-1))).alias(f"{name}{at}")
        for at, piece in enumerate(features)
        if piece.width is not None
        for name, limit in (("least", F.min), ("most", F.max))
    ]
    row = frame.agg(F.count(F.lit(1)).alias("rows"), *counts, *texts, *sizes).first()
    assert row is not None
    bad = [at for at in range(len(features)) if row[f"n{at}"]]
    if not bad:
        return ""
    piece, count = features[bad[0]], row[f"n{bad[0]}"]
    expected = "a finite number" if piece.width is None else f"{piece.width} finite numbers"
    if piece.raw == "date":
        expected = "a date such as 2024-01-31"
    example = row[f"t{bad[0]}"]
    shown = f" (such as {example[:40]!r})" if example is not None else ""
    others = f", and {len(bad) - 1} other columns are affected" if len(bad) > 1 else ""
    found = f"{where}: column {piece.name!r} must hold {expected}, but {count} of {row['rows']} rows have"
    if piece.width is not None:
        size = row[f"least{bad[0]}"]
        if size == row[f"most{bad[0]}"] and size not in (-1, piece.width):
            return f"{found} {size}{others}; {remedy.format(size=size, width=piece.width)}"
    what = "no date" if piece.raw == "date" else "a null, NaN, infinite or other value"
    return f"{found} {what} there{shown}{others}; fill or drop those rows"


def _shown(piece: Piece) -> "Column":
    return column_of(piece) if piece.width is None else array_of(piece)


def _is_bad(piece: Piece) -> "Column":
    from pyspark.sql import functions as F

    def not_finite(value: Any) -> Any:
        return value.isNull() | F.isnan(value) | (F.abs(value) == float("inf"))

    if piece.raw and piece.width is None:
        return is_bad(piece)
    if piece.width is None:
        bad: Column = not_finite(number_of(piece))
        return bad
    array = array_of(piece)
    fits = (F.size(array) == piece.width) & ~F.exists(array, not_finite)
    return ~F.coalesce(fits, F.lit(False))
