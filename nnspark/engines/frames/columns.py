"""Which columns of a DataFrame are features, target and weight, and Arrow batches of them as arrays.

Above 200 lines, since every way to name columns has its own sentence when it fails.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.data.rows import PARTS, hash_rows
from nnspark.engines.frames.csv import CORRUPT, TextColumns
from nnspark.engines.vectors import values_of
from nnspark.errors import DataError, RecipeError
from nnspark.recipe import Data
from nnspark.sources import refusals
from nnspark.sources.columns import choose_columns

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

__all__ = [
    "Arrays",
    "Layout",
    "arrays_of",
    "is_number",
    "normalise",
    "unknown_labels",
]

Array = NDArray[Any]
DURATION = "interval day to second"
INTEGERS = ("tinyint", "smallint", "int", "bigint", "boolean")


class Arrays(NamedTuple):
    """A batch as arrays: features (n, d) float64, target indices (n,) or float64 (n, k), weight (n,).

    ``given`` (n,) int8 is the part of each row, or -1 where the split decides.
    """

    features: Array
    target: Array
    weight: Array | None
    given: Array | None = None

    def hashes(self) -> Array:
        """The rows' hashes; parts are not hashed."""
        return hash_rows(self.features, self.target, self.weight)

    def take(self, index: Any) -> "Arrays":
        """The rows at ``index``."""
        weight = None if self.weight is None else self.weight[index]
        given = None if self.given is None else self.given[index]
        return Arrays(self.features[index], self.target[index], weight, given)


@dataclass(frozen=True)
class Layout:
    """What the columns of a normalised DataFrame mean.

    The columns are ``f0``, ``f1``, ... (numbers, or arrays of them); ``t0``, ... (targets); ``w`` if
    weighted, ``g`` if parts are given. ``names`` are the features' own names, ``columns`` those of the source
    columns, ``widths`` the lengths of their arrays (None for numbers); ``text`` is of a text file.
    A label ``spellings[i]`` is of class ``codes[i]``.
    """

    names: tuple[str, ...]
    columns: tuple[str, ...]
    widths: tuple[int | None, ...]
    targets: tuple[str, ...]
    weight: str
    task: str
    text: TextColumns | None = None
    given: bool = False
    classes: Array | None = None
    spellings: tuple[Any, ...] = ()
    codes: Array | None = None

    def source_of(self, column: str) -> str:
        """The user's name of a normalised column."""
        if column in ("w", "corrupt"):
            return self.weight if column == "w" else ""
        names = self.columns if column.startswith("f") else self.targets
        return names[int(column[1:])]

    def width_of(self, column: str) -> int | None:
        """Length of the arrays in a normalised column; None where it holds numbers."""
        return self.widths[int(column[1:])] if column.startswith("f") else None


def normalise(df: "DataFrame", data: Data, validation: str = "") -> tuple["DataFrame", Layout]:
    """Select and cast the columns that the recipe names; nulls stay for the survey to count.

    ``validation`` is a boolean column that says which rows validate; it is no feature.
    """
    from pyspark.sql import functions as F

    types = dict(df.dtypes)
    apart = {CORRUPT, validation} if validation else {CORRUPT}
    columns = [name for name in df.columns if name not in apart]
    where = data.path or "the DataFrame"
    chosen = choose_columns(
        columns, label=data.label, weight=data.weight, columns=data.columns, exclude=data.exclude, where=where
    )
    features = [columns[at] for at in chosen.features]
    targets = [columns[at] for at in chosen.labels]
    if data.task == "classification" and len(targets) > 1:
        raise RecipeError(f"data.label: classification takes one label column, got {targets}")
    odd = [name for name in features if not (_is_wide(types[name]) or is_number(types[name]))]
    if odd:
        raise refusals.not_numbers([(name, _shown(types[name])) for name in odd])
    widths = _widths(df, [name for name in features if _is_wide(types[name])], types)
    selected = [_feature(name, types[name]).alias(f"f{i}") for i, name in enumerate(features)]
    for i, name in enumerate(targets):
        selected.append(_target(name, types[name], data.task).alias(f"t{i}"))
    if chosen.weight is not None:
        weight = columns[chosen.weight]
        if not is_number(types[weight]):
            raise refusals.not_a_number("weight", weight, _shown(types[weight]))
        selected.append(F.col(_quoted(weight)).cast("double").alias("w"))
    if validation:
        given = F.when(F.col(_quoted(validation)), F.lit(PARTS.index("validation"))).otherwise(F.lit(-1))
        selected.append(given.cast("tinyint").alias("g"))
    if CORRUPT in df.columns:
        selected.append(F.col(CORRUPT).alias("corrupt"))
    layout = Layout(
        _feature_names(features, widths),
        tuple(features),
        tuple(widths.get(name) for name in features),
        tuple(targets),
        data.weight,
        data.task,
        TextColumns(tuple(columns), data.separator) if CORRUPT in df.columns else None,
        bool(validation),
    )
    return df.select(*selected), layout


def arrays_of(batch: "pa.RecordBatch", layout: Layout) -> Arrays:
    """One Arrow batch as arrays; nulls must have been refused before."""
    features = np.empty((batch.num_rows, len(layout.names)))
    at = 0
    for i, width in enumerate(layout.widths):
        column = batch.column(batch.schema.get_field_index(f"f{i}"))
        if width is None:
            features[:, at] = column.to_numpy(zero_copy_only=False)
        else:
            values = column.flatten().to_numpy(zero_copy_only=False)
            features[:, at : at + width] = values.reshape(batch.num_rows, width)
        at += width or 1
    labels = [batch.column(batch.schema.get_field_index(f"t{i}")) for i in range(len(layout.targets))]
    if layout.codes is not None:
        target = layout.codes[_spelling_of(labels[0], layout)]
    else:
        target = np.column_stack([label.to_numpy(zero_copy_only=False) for label in labels])
    weight, given = (
        batch.column(at).to_numpy(zero_copy_only=False) if at >= 0 else None
        for at in map(batch.schema.get_field_index, "wg")
    )
    return Arrays(features, target, weight, given)


def unknown_labels(label: "pa.Array", layout: Layout) -> int:
    """How many labels were not there when the classes were found."""
    return int((_spelling_of(label, layout) < 0).sum())


def _spelling_of(label: "pa.Array", layout: Layout) -> Array:
    """Index of each label among the spellings, -1 if it is none of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.index_in(label, value_set=pa.array(layout.spellings, label.type))
    return np.asarray(pc.fill_null(found, -1)).astype(np.int64)


def is_number(kind: str) -> bool:
    """Whether a Spark type holds numbers, booleans among them, or nothing but nulls."""
    return kind in (*INTEGERS, "float", "double", "void") or kind.startswith("decimal")


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _is_wide(kind: str) -> bool:
    return kind == "vector" or (kind.startswith("array<") and is_number(kind[len("array<") : -1]))


def _shown(kind: str) -> str:
    """A Spark type without what its fields hold."""
    if kind.startswith("array<"):
        return f"array of {_shown(kind[len('array<') : -1])}"
    name = kind.partition("<")[0]
    return {"timestamp_ntz": "timestamp", "void": "null", DURATION: "duration"}.get(name, name)


def _feature(name: str, kind: str) -> "Column":
    from pyspark.sql import functions as F

    if kind == "vector":
        return values_of(F.col(_quoted(name)))
    return F.col(_quoted(name)).cast("array<double>" if _is_wide(kind) else "double")


def _target(name: str, kind: str, task: str) -> "Column":
    """A label as what the driver's readers make of it: whole numbers exactly, zero without a sign, text."""
    from pyspark.sql import functions as F

    column = F.col(_quoted(name))
    if task != "classification":
        if not is_number(kind):
            reason = f" ({task} needs numbers as labels)"
            raise DataError(f"{refusals.not_a_number('label', name, _shown(kind))}{reason}")
        return column.cast("double")
    if kind in INTEGERS:
        return column.cast("bigint")
    if kind == "string" or (kind.startswith("decimal") and kind.endswith(",0)")):
        return column
    if not is_number(kind):
        raise refusals.not_a_number("label", name, _shown(kind), text=True)
    return column.cast("double") + F.lit(0.0)


def _widths(df: "DataFrame", names: list[str], types: dict[str, str]) -> dict[str, int]:
    """Lengths of the first arrays; the survey compares the others."""
    from pyspark.sql import functions as F

    if not names:
        return {}
    arrays = [_feature(name, types[name]) for name in names]
    lengths = df.select([F.size(array).alias(f"n{at}") for at, array in enumerate(arrays)])
    rows = lengths.where(" and ".join(f"n{at} >= 0" for at in range(len(names))))
    first = rows.head()
    if first is None or 0 in tuple(first):
        raise DataError(f"feature column {names[0]!r} has no values")
    return dict(zip(names, first, strict=True))


def _feature_names(features: list[str], widths: dict[str, int]) -> tuple[str, ...]:
    """``v[0]``, ``v[1]``, ... for an array; numbers alone where there is nothing else."""
    if len(features) == 1 and widths:
        return tuple(map(str, range(widths[features[0]])))
    return tuple(
        f"{name}[{at}]" if name in widths else name for name in features for at in range(widths.get(name, 1))
    )
