"""The columns to train on: what they hold, what their ml attributes say, and whether every row can be used.

One pass counts rows, and labels, weights and indicators that cannot be used (``counting.py``). Features are
checked where they are read anyway; only if some are bad a second pass says which.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from nnspark.data.classes import MOST_CLASSES
from nnspark.engines.asking import asked
from nnspark.engines.frames import reading
from nnspark.errors import DataError, RecipeError, ShapeError
from nnspark.ml.counting import count_rows
from nnspark.ml.named import with_named
from nnspark.ml.params import PerceptronParams
from nnspark.scoring.columns import Piece, array_of, column_of, kind_of, refuse_ambiguous

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

__all__ = ["Source", "attributes", "feature_names", "feature_piece", "number_of", "read_source"]


@dataclass(frozen=True)
class Source:
    """Checked columns under the user's names: features as array<double>, label double, others as they are.

    ``stored`` is the DataFrame that they were cast from, under the same names. ``names`` are the features'
    own; ``labels`` what the classes are called, if the label column says it.
    """

    frame: "DataFrame"
    stored: "DataFrame"
    features: Piece
    label: str
    weight: str
    validation: str
    names: tuple[str, ...]
    rows: int
    fold: str = ""
    num_classes: int = 0
    labels: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Number of features."""
        return len(self.names)


def read_source(
    params: PerceptronParams, df: "DataFrame", *, classification: bool, fold: str = "", folds: int = 0
) -> Source:
    """Select, name and check what a fit needs; ``fold`` is a column of which of so many ``folds`` a row is.

    Raises
    ------
    DataError : a missing column, one of the wrong type, unusable labels or weights; each says how many rows.
    """

    def work() -> Source:
        with reading("the DataFrame"):
            return _read(params, df, classification, fold, folds)

    return asked(df, work)


def _read(params: PerceptronParams, df: "DataFrame", classification: bool, fold: str, folds: int) -> Source:
    label = params.getLabelCol()
    weight, validation = (
        params.optional(name) or "" for name in (params.weightCol, params.validationIndicatorCol)
    )
    df = with_named(df, (params.getFeaturesCol(), label, weight, validation, fold))
    features = feature_piece(df, params.getFeaturesCol())
    named = [name for name in (features.name, label, weight, validation, fold) if name]
    if len(set(named)) < len(named):
        raise RecipeError(f"features, label, weight, validation and fold need a column each, got {named}")
    refuse_ambiguous(df, named, "the DataFrame")
    columns = [array_of(features).alias(features.name), number_of(df, label).alias(label)]
    if weight:
        columns.append(number_of(df, weight).alias(weight))
    if validation:
        if not isinstance(_field(df, validation).dataType, T.BooleanType):
            kind = _field(df, validation).dataType.simpleString()
            raise DataError(f"column {validation!r} must hold booleans, true for validation, but is {kind}")
        columns.append(column_of(Piece(validation, "boolean")))
    if fold:
        columns.append(_fold_of(df, fold))
    layers = params.optional(params.layers)
    said = attributes(df, label) if classification else {}
    labels = tuple(map(str, said.get("vals", ())))
    classes = max(2, layers[-1]) if layers else len(labels) or int(said.get("num_vals", 0))
    if classification and classes > MOST_CLASSES:
        raise DataError(f"expected at most {MOST_CLASSES} classes, got {classes} of column {label!r}")
    frame = df.select(*columns)
    rows, largest = count_rows(
        frame, label, weight, validation, classes if classification else None, fold=fold, folds=folds
    )
    width = layers[0] if layers else _width(df, features)
    names = feature_names(df, features.name, width)
    found = (classes or max(2, int(largest) + 1)) if classification else 0
    return Source(
        frame,
        df,
        features._replace(kind="array", width=width),
        label,
        weight,
        validation,
        names,
        rows,
        fold,
        found,
        labels if len(labels) == found else (),
    )


def feature_piece(df: "DataFrame", name: str) -> Piece:
    """The features column; DataError unless it is a vector or an array of numbers."""
    kind = kind_of(_field(df, name).dataType)
    if kind not in ("vector", "array"):
        raise DataError(
            f"column {name!r} must hold vectors or arrays of numbers, but is "
            f"{_field(df, name).dataType.simpleString()}; put columns together with VectorAssembler"
        )
    return Piece(name, kind)


def attributes(df: "DataFrame", name: str) -> dict[str, Any]:
    """A column's ml attributes, as its metadata has them."""
    found = df.schema[name].metadata.get("ml_attr") or {}
    return dict(found)


def feature_names(df: "DataFrame", name: str, width: int) -> tuple[str, ...]:
    """What the features are called: by the column's ml attributes if they name all, else by their number."""
    said = attributes(df, name).get("attrs") or {}
    named = {one["idx"]: one["name"] for kind in said.values() for one in kind if "name" in one}
    names = tuple(named.get(at, "") for at in range(width))
    return names if all(names) and len(set(names)) == width else tuple(map(str, range(width)))


def _field(df: "DataFrame", name: str) -> T.StructField:
    if name not in df.columns:
        raise DataError(f"there is no column {name!r}; the DataFrame has {', '.join(map(repr, df.columns))}")
    return df.schema[name]


def number_of(df: "DataFrame", name: str) -> "Column":
    """A column as double; DataError unless it holds numbers."""
    kind = _field(df, name).dataType
    if not isinstance(kind, T.NumericType | T.BooleanType):
        hint = "; number it with StringIndexer" if isinstance(kind, T.StringType) else ""
        raise DataError(f"column {name!r} must hold numbers, but is {kind.simpleString()}{hint}")
    return column_of(Piece(name, "number")).cast("double")


def _fold_of(df: "DataFrame", name: str) -> "Column":
    kind = _field(df, name).dataType
    if not isinstance(kind, T.IntegralType):
        raise DataError(
            f"column {name!r} must hold whole numbers, each row's fold, but is {kind.simpleString()}"
        )
    return column_of(Piece(name, ""))


def _width(df: "DataFrame", features: Piece) -> int:
    """By the column's ml attributes, else the length of the first row's vector."""
    said = attributes(df, features.name)
    width = int(said.get("num_attrs", 0)) or sum(map(len, (said.get("attrs") or {}).values()))
    if width:
        return width
    first = df.select(F.size(array_of(features)).alias("n")).where("n > 0").head()
    if first is None:
        raise ShapeError(f"column {features.name!r} has no values in any row")
    return int(first["n"])
