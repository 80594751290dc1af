"""One column of a DataFrame that holds features, and what it is as a Spark column."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from nnspark.engines.vectors import values_of

if TYPE_CHECKING:
    from pyspark.sql import Column

__all__ = ["FeatureColumns", "Piece", "array_of", "column_of", "number_of"]


class Piece(NamedTuple):
    """One column, and how many features it gives: a number (None), or an array of so many.

    ``raw`` is its kind where the model encodes columns, see ``sources/raw.py``; ``may_miss``: whether it may
    have no value.
    """

    name: str
    kind: str
    width: int | None = None
    raw: str = ""
    may_miss: bool = False


FeatureColumns = Sequence[Piece]


def column_of(piece: Piece) -> "Column":
    """The column as it is, whatever characters its name has."""
    from pyspark.sql import functions as F

    return F.col("`" + piece.name.replace("`", "``") + "`")


def number_of(piece: Piece) -> "Column":
    """The column as a number; null where it is none."""
    return column_of(piece).try_cast("double")


def array_of(piece: Piece) -> "Column":
    """The column as an array of numbers; null where it is null."""
    if piece.kind == "vector":
        return values_of(column_of(piece))
    return column_of(piece).cast("array<double>")
