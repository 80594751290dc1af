"""Raw columns of a DataFrame for a model that encodes them: a struct to Python, raw values there."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.encoding import Encoding
from nnspark.errors import DataError, ShapeError
from nnspark.model import Model
from nnspark.scoring.pieces import FeatureColumns, Piece, array_of, column_of, number_of
from nnspark.sources.arrow_types import shown, type_of
from nnspark.sources.raw import raw_of_arrow
from nnspark.sources.values import MOMENT

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column

__all__ = [
    "as_raw",
    "as_struct",
    "is_bad",
    "raw_kinds",
    "raw_values",
    "refuse_other_type",
    "struct_of_columns",
]

Array = NDArray[Any]
TYPES = {
    "number": ("number", "boolean"),
    "category": ("text", "number", "boolean", "date", "coded"),
    "date": ("text", "date"),
}
READ = {
    "category": ("text", "number", "?date"),
    "date": ("text", "?date", "?timestamp", "?timestamp_ntz"),
}


def raw_kinds(model: Model, wanted: Sequence[str]) -> dict[str, str]:
    """The kind of each column that holds raw ones of the model; empty where it encodes none."""
    if model.encoding is None:
        return {}
    if len(wanted) == len(model.columns):
        return dict(zip(wanted, model.encoding.kinds, strict=True))
    return dict(zip(model.columns, model.encoding.kinds, strict=True))


def refuse_other_type(name: str, found: str, kind: str, where: str) -> None:
    """DataError for a column of a type, as ``kind_of`` calls it, of which no category or date is made."""
    if found not in READ[kind]:
        raise DataError(
            f"column {name!r} of {where} must hold "
            f"{'dates' if kind == 'date' else 'text, numbers or booleans'}, but is {found.removeprefix('?')}"
        )


def as_struct(features: FeatureColumns) -> "Column":
    """One column of all raw ones; a wide one is null where it has not the width it should have."""
    from pyspark.sql import functions as F

    return F.struct(*[as_raw(piece).alias(f"f{at}") for at, piece in enumerate(features)])


def as_raw(piece: Piece) -> "Column":
    """The column as it goes to Python: numbers as doubles, text that spells none as infinity."""
    from pyspark.sql import functions as F

    column = column_of(piece)
    if piece.width is not None:
        array = array_of(piece)
        return F.when(F.size(array) == piece.width, array)
    if piece.raw != "number":
        return column
    if piece.kind != "text":
        return number_of(piece)
    return F.when(column != "", F.coalesce(number_of(piece), F.lit(float("inf"))))


def is_bad(piece: Piece) -> "Column":
    """Whether a row of a raw column cannot be used."""
    from pyspark.sql import functions as F

    value = as_raw(piece)
    if piece.raw == "number":
        missing = value.isNull() | F.isnan(value)
        infinite = F.coalesce(F.abs(value) == float("inf"), F.lit(False))
        return infinite if piece.may_miss else missing | infinite
    text = F.trim(value.cast("string"))
    missing = F.coalesce(text == "", F.lit(True))
    no_date = F.lit(False)
    if piece.raw == "date":
        no_date = ~missing & value.try_cast("timestamp").isNull()
        if piece.kind == "text":  # Spark takes 2024-1-6 as well
            no_date = ~missing & (value.try_cast("timestamp").isNull() | ~text.rlike(f"^{MOMENT.pattern}$"))
    return no_date if piece.may_miss else no_date | missing


def raw_values(encoding: Encoding, batch: "pa.StructArray") -> tuple[Array, NDArray[np.bool_]]:
    """Raw values (m, columns) of a struct's rows that can be encoded, and which of the n rows those are."""
    raw, at = np.empty((len(batch), len(encoding.columns))), 0
    usable = np.ones(len(batch), dtype=bool)
    for field in batch.flatten():
        if type_of(field.type) != "wide":
            raw[:, at] = raw_of_arrow(encoding.kinds[at], field, encoding.raw_names[at]).values
            at += 1
            continue
        there = np.asarray(field.is_valid())
        flat = field.drop_null().flatten().to_numpy(zero_copy_only=False)
        width = len(flat) // max(1, int(there.sum()))
        raw[there, at : at + width] = flat.reshape(-1, max(width, 1))[:, :width]
        raw[~there, at : at + width] = 0.0
        usable &= there & np.isfinite(raw[:, at : at + width]).all(axis=1)
        at += width
    usable &= encoding.usable(raw)
    return raw[usable], usable


def struct_of_columns(encoding: Encoding, columns: Sequence["pa.Array"]) -> "pa.StructArray":
    """A function's arguments as one struct; DataError for one of a type that is not the model's."""
    import pyarrow as pa

    names = encoding.raw_names
    if len(columns) != len(names):
        raise ShapeError(f"the model takes {len(names)} columns ({', '.join(names[:8])}), got {len(columns)}")
    for at, (column, kind, name) in enumerate(zip(columns, encoding.kinds, names, strict=True), 1):
        if type_of(column.type) not in TYPES[kind] and not pa.types.is_null(column.type):
            wanted = {"number": "a number", "category": "text, a number or a boolean", "date": "a date"}[kind]
            raise DataError(
                f"argument {at} of the model, {name}, must be {wanted}, but is {shown(column.type)}"
            )
    return pa.StructArray.from_arrays(list(columns), [f"f{at}" for at in range(len(columns))])
