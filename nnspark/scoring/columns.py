"""Which columns of a DataFrame are the model's features, as one array column.

By name where the model's features have names. A model trained on unnamed columns ("0", "1", ...)
takes the input's columns by position, without the label and the weight of the model's recipe, or the
one array or vector column there is.

(Above 200 lines, since each way to find the columns has its own sentence when it fails.)
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from nnspark.engines.session import names_alike
from nnspark.engines.vectors import is_read
from nnspark.errors import DataError, ShapeError
from nnspark.model import Model
from nnspark.model.list_columns import PART_OF_LIST
from nnspark.scoring.pieces import FeatureColumns, Piece, array_of, column_of, number_of
from nnspark.scoring.raw_columns import as_struct, raw_kinds, refuse_other_type
from nnspark.sources import refusals
from nnspark.sources.columns import as_list, listed
from nnspark.sources.table import numbered

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType

__all__ = [
    "FEATURES",
    "FeatureColumns",
    "Piece",
    "array_of",
    "as_array",
    "choose_features",
    "column_of",
    "kind_of",
    "number_of",
    "refuse_ambiguous",
    "refuse_taken",
    "with_features",
]

FEATURES = "nnspark features"


def choose_features(
    frame: "DataFrame",
    model: Model,
    *,
    columns: Sequence[str] = (),
    named: bool = True,
    text: bool = False,
    where: str,
) -> FeatureColumns:
    """The input's columns that hold the model's features, in the model's order.

    Parameters
    ----------
    columns : the features' names in the input, in the model's order, if they are not the model's.
    named : False if the names are only positions, as in a CSV file without a header.
    text : whether text columns are read as numbers, as those of a CSV file are; elsewhere, as in training, a
        column of text is not one of numbers, whatever it spells.
    where : what errors call the input.

    Raises
    ------
    DataError : a missing column, or one that does not hold numbers; ShapeError : too many or too few.
    """
    kinds = {field.name: kind_of(field.dataType) for field in frame.schema.fields}
    wanted = list(columns) or _by_name(model, kinds, named=named)
    if wanted is None:
        wanted = _by_position(model, kinds, where)
    missing = [name for name in wanted if name not in kinds]
    if missing:
        arrays = [] if columns else [name for name in kinds if kinds[name] in ("array", "vector")]
        raise refusals.lacks_features(where, missing, len(wanted), list(kinds), listed(list(kinds)), arrays)
    refuse_ambiguous(frame, wanted, where)
    raw = raw_kinds(model, wanted)
    for name in wanted:
        if raw.get(name, "number") != "number":
            refuse_other_type(name, kinds[name], raw[name], where)
            continue
        if kinds[name].startswith("?") or (kinds[name] == "text" and not text):
            kind = kinds[name].removeprefix("?").replace("text", "string")
            hint = "; cast it to double" if kind == "string" else ""
            raise DataError(f"column {name!r} of {where} must hold numbers, but is {kind}{hint}")
    pieces = _with_widths(wanted, kinds, model, where)
    if model.encoding is None:
        return pieces
    may_miss = model.encoding.may_miss
    return [piece._replace(raw=raw.get(piece.name, "number"), may_miss=may_miss) for piece in pieces]


def refuse_ambiguous(frame: "DataFrame", wanted: Sequence[str], where: str) -> None:
    """DataError if one of the columns has a name that Spark takes for another's as well."""
    alike, others = names_alike(frame.sparkSession), defaultdict[str, list[str]](list)
    for name in frame.columns:
        others[alike(name)].append(name)
    for name in wanted:
        found = others[alike(name)]
        if found.count(name) > 1:
            raise DataError(f"{where} has {found.count(name)} columns called {name!r}; keep one")
        if len(found) > 1:
            raise refusals.differ_in_case(found[0], found[1], where)


def refuse_taken(frame: "DataFrame", names: Iterable[str]) -> None:
    """DataError if the frame has a column that Spark takes for one of the answers' names."""
    alike = names_alike(frame.sparkSession)
    answers = set(map(alike, names))
    taken = [name for name in frame.columns if alike(name) in answers]
    if taken:
        raise DataError(f"the input already has a column {taken[0]!r}; rename or drop it")


def as_array(features: FeatureColumns) -> "Column":
    """One column of type array<double>; null where an array has not the width it should have.

    A struct of the raw columns where the model encodes them.
    """
    from pyspark.sql import functions as F

    if any(piece.raw for piece in features):
        return as_struct(features)
    pieces: list[Column] = []
    scalars: list[Column] = []
    for piece in features:
        if piece.width is None:
            scalars.append(number_of(piece))
            continue
        if scalars:
            pieces.append(F.array(*scalars))
            scalars = []
        array = array_of(piece)
        pieces.append(F.when(F.size(array) == piece.width, array))
    if scalars:
        pieces.append(F.array(*scalars))
    return pieces[0] if len(pieces) == 1 else F.concat(*pieces)


def with_features(frame: "DataFrame", array: "Column", features: FeatureColumns) -> "DataFrame":
    """The frame with the features, one array, as the column ``FEATURES``, fit to go to Python by Arrow.

    Spark hands the batches of a columnar source (Parquet) to Python with all their columns, as they are, and
    fails at a vector among them. A step that no optimizer removes makes rows of such batches first: a filter
    that every row passes where there is a vector to look at anyway, else a generator of one row a row.
    """
    from pyspark.sql import functions as F

    if '"type":"udt"' not in frame.schema.json().replace(" ", ""):
        return frame.withColumn(FEATURES, array)
    vectors = [column_of(piece) for piece in features if piece.kind == "vector"]
    if vectors:
        return frame.where(is_read(vectors[0])).withColumn(FEATURES, array)
    return frame.withColumn(FEATURES, F.explode(F.array(array)))


def _by_name(model: Model, kinds: dict[str, str], *, named: bool) -> list[str] | None:
    """The model's names; "v[0]", "v[1]", ... become v. None if positions have to do."""
    unnamed = model.columns == numbered(len(model.columns))
    if not named or (unnamed and not set(model.columns) <= set(kinds)):
        return None
    if unnamed and len(kinds) > len(model.columns) and list(kinds) == list(numbered(len(kinds))):
        return None
    names: list[str] = []
    for name in model.columns:
        match = PART_OF_LIST.fullmatch(name)
        base = (
            match[1] if name not in kinds and match and kinds.get(match[1]) in ("array", "vector") else name
        )
        if base not in names or base == name:
            names.append(base)
    return names


def _by_position(model: Model, kinds: dict[str, str], where: str) -> list[str]:
    names, width = list(kinds), len(model.columns)
    arrays = [name for name in names if kinds[name] in ("array", "vector")]
    if len(arrays) == 1:
        return arrays
    left = [name for name in names if name not in _not_features(model, names)]
    if len(left) == width:
        return left
    if len(names) == width:
        return names
    raise ShapeError(
        f"the model takes {width} features by position, but {where} has {len(names)} columns, {len(left)} "
        "without label and weight; name the feature columns with --columns"
    )


def _not_features(model: Model, names: list[str]) -> set[str]:
    """The recipe's label and weight columns, as far as the input has them."""
    data = model.data
    found: set[str] = {data.weight} if data.weight else set()
    for label in as_list(data.label):
        if isinstance(label, str):
            found.add(label)
        elif -len(names) <= label < len(names):
            found.add(names[label])
    return found


def _with_widths(wanted: list[str], kinds: dict[str, str], model: Model, where: str) -> FeatureColumns:
    width = len(model.columns)
    arrays = [name for name in wanted if kinds[name] in ("array", "vector")]
    parts = [PART_OF_LIST.fullmatch(name) for name in model.columns]
    widths = {base: sum(match is not None and match[1] == base for match in parts) for base in arrays}
    if len(arrays) == 1:
        widths[arrays[0]] = width - len(wanted) + 1
    if len(wanted) - len(arrays) + sum(widths.values()) != width or 0 in widths.values():
        raise ShapeError(f"the model takes {width} features, but {len(wanted)} columns of {where} were named")
    return [Piece(name, kinds[name], widths.get(name)) for name in wanted]


def kind_of(kind: "DataType") -> str:
    """number, text, array or vector; else "?" and what it is."""
    from pyspark.sql import types as T

    if isinstance(kind, T.NumericType | T.BooleanType):
        return "number"
    if isinstance(kind, T.StringType):
        return "text"
    if isinstance(kind, T.ArrayType) and isinstance(kind.elementType, T.NumericType | T.BooleanType):
        return "array"
    return "vector" if type(kind).__name__ == "VectorUDT" else f"?{kind.simpleString()}"
