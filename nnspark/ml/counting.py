"""One pass over label, weight and indicator: how many rows and classes, and what cannot be used."""

from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from nnspark.data.classes import MOST_CLASSES
from nnspark.errors import DataError
from nnspark.scoring.columns import Piece, column_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

__all__ = ["count_rows", "is_label", "is_weight"]


def is_label(y: "Column") -> "Column":
    """Whether it is a finite number, and there at all; never null."""
    return y.isNotNull() & ~F.isnan(y) & (F.abs(y) != float("inf"))


def is_weight(w: "Column") -> "Column":
    """Whether it is a finite number of 0 or more (NaN is beyond all others in Spark); never null."""
    return w.isNotNull() & (w >= 0) & (w < float("inf"))


def count_rows(
    frame: "DataFrame",
    label: str,
    weight: str,
    validation: str,
    classes: int | None,
    *,
    fold: str = "",
    folds: int = 0,
) -> tuple[int, float]:
    """Number of rows and the largest label; DataError for what is none, nor a weight, boolean or fold."""
    y = column_of(Piece(label, "number"))
    good = is_label(y)
    expected = "finite numbers"
    if classes is not None:
        most = classes or MOST_CLASSES
        good = good & (y == F.rint(y)) & (y >= 0) & (y < most)  # floor gives a bigint, and so may overflow
        expected = f"whole numbers from 0 to {most - 1}"
    checks = [(label, expected, good)]
    if weight:
        w = column_of(Piece(weight, "number"))
        checks.append((weight, "finite weights of 0 or more", is_weight(w)))
    if validation:
        checks.append((validation, "true or false", column_of(Piece(validation, "boolean")).isNotNull()))
    if fold:
        checks.append(
            (fold, f"whole numbers from 0 to {folds - 1}", column_of(Piece(fold, "")).between(0, folds - 1))
        )
    figures = [F.count(F.lit(1)).alias("rows"), F.max(y).alias("largest")]
    for at, (name, _, good) in enumerate(checks):
        bad = ~F.coalesce(good, F.lit(False))
        figures += [
            F.count_if(bad).alias(f"n{at}"),
            F.min(F.when(bad, column_of(Piece(name, "")))).alias(f"v{at}"),
        ]
    row: Any = frame.agg(*figures).first()
    if not row["rows"]:
        raise DataError("the DataFrame has no rows")
    for at, (name, expected, _) in enumerate(checks):
        if row[f"n{at}"]:
            found = row[f"v{at}"]
            value = "null" if found is None else f"{found:g}" if isinstance(found, float) else str(found)
            raise DataError(
                f"column {name!r} must hold {expected}, but {row[f'n{at}']} of {row['rows']} rows do not, "
                f"such as {value}; correct or drop those rows"
            )
    return int(row["rows"]), float(row["largest"])
