"""Which columns of a DataFrame are features, target and weight, and Arrow batches of them as arrays."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.engines.frames.csv import CORRUPT
from nnspark.errors import DataError, RecipeError
from nnspark.recipe import Data
from nnspark.sources.columns import choose_columns
from nnspark.sources.labels import parse_labels

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

__all__ = ["Arrays", "Layout", "arrays_of", "find_classes", "normalise", "rows_with"]

Array = NDArray[Any]
MOST_CLASSES = 10_000
INTEGERS = ("tinyint", "smallint", "int", "bigint", "boolean")


class Arrays(NamedTuple):
    """A batch as arrays: features (n, d) float64, target indices (n,) or float64 (n, k), weight (n,)."""

    features: Array
    target: Array
    weight: Array | None


@dataclass(frozen=True)
class Layout:
    """What the columns of a normalised DataFrame mean.

    The columns are ``f0``, ``f1``, ... (numbers), or one ``f0`` holding an array; ``t0``, ... (targets);
    ``w`` if weighted. ``names`` are the features' own names, ``columns`` those of the source columns.
    """

    names: tuple[str, ...]
    columns: tuple[str, ...]
    targets: tuple[str, ...]
    is_array: bool
    weight: str
    task: str
    is_text: bool = False
    classes: Array | None = None

    def source_of(self, column: str) -> str:
        """The user's name of a normalised column."""
        if column in ("w", "corrupt"):
            return self.weight if column == "w" else ""
        names = self.columns if column.startswith("f") else self.targets
        return names[int(column[1:])]


def normalise(df: "DataFrame", data: Data) -> tuple["DataFrame", Layout]:
    """Select and cast the columns that the recipe names; nulls stay for the survey to count."""
    from pyspark.sql import functions as F

    types = dict(df.dtypes)
    columns = [name for name in df.columns if name != CORRUPT]
    chosen = choose_columns(
        columns, label=data.label, weight=data.weight, columns=data.columns, where="the DataFrame"
    )
    features = [columns[at] for at in chosen.features]
    targets = [columns[at] for at in chosen.labels]
    if data.task == "classification" and len(targets) > 1:
        raise RecipeError(f"data.label: classification takes one label column, got {targets}")
    wide = [name for name in features if _is_wide(types[name])]
    if wide and len(features) > 1:
        raise DataError(
            f"column {wide[0]!r} is a {types[wide[0]]} beside other feature columns; name the one to use in "
            "data.columns"
        )
    for name in features:
        if not wide and not _is_number(types[name]):
            raise DataError(
                f"feature column {name!r} is {types[name]}, not a number; leave it out with data.columns "
                "or encode it"
            )
    if wide:
        selected = [_as_array(df, features[0], types[features[0]]).alias("f0")]
        names = tuple(map(str, range(_width(df, features[0], types[features[0]]))))
    else:
        selected = [F.col(_quoted(name)).cast("double").alias(f"f{i}") for i, name in enumerate(features)]
        names = tuple(features)
    for i, name in enumerate(targets):
        kind = "double"
        if data.task == "classification":
            kind = "bigint" if types[name] in INTEGERS else "string" if types[name] == "string" else "double"
        elif not _is_number(types[name]):
            raise DataError(
                f"label column {name!r} is {types[name]}, not a number; data.task is {data.task!r}"
            )
        selected.append(F.col(_quoted(name)).cast(kind).alias(f"t{i}"))
    if chosen.weight is not None:
        selected.append(F.col(_quoted(columns[chosen.weight])).cast("double").alias("w"))
    if CORRUPT in df.columns:
        selected.append(F.col(CORRUPT).alias("corrupt"))
    layout = Layout(
        names, tuple(features), tuple(targets), bool(wide), data.weight, data.task, CORRUPT in df.columns
    )
    return df.select(*selected), layout


def find_classes(df: "DataFrame", layout: Layout) -> tuple["DataFrame", Array]:
    """The distinct labels; of a text file, numbers if they all spell numbers. One job, on the label only."""
    from pyspark.sql import functions as F

    label = layout.targets[0]
    whole = df.where("corrupt is null") if layout.is_text else df
    rows = whole.groupBy("t0").count().limit(MOST_CLASSES + 1).collect()
    if not rows:
        raise DataError("the DataFrame has no rows")
    missing = sum(row["count"] for row in rows if row["t0"] is None or row["t0"] != row["t0"])
    missing += sum(row["count"] for row in rows if isinstance(row["t0"], str) and not row["t0"].strip())
    if missing:
        raise DataError(f"every row needs a label, but column {label!r} has none in {missing} rows")
    if len(rows) > MOST_CLASSES:
        raise DataError(
            f"column {label!r} has more than {MOST_CLASSES} different labels; set data.task = 'regression' "
            "to predict numbers"
        )
    values = [row["t0"] for row in rows]
    if not isinstance(values[0], str):
        return df, np.array(values)
    if not layout.is_text:
        return df.withColumn("t0", F.trim("t0")), np.unique(np.char.strip(np.array(values)))
    labels = parse_labels(values, lambda row: f"column {label!r}")
    if labels.dtype.kind == "U":
        return df.withColumn("t0", F.trim("t0")), labels
    return df.withColumn("t0", F.trim("t0").cast("double")), labels


def rows_with(df: "DataFrame", labels: Array) -> int:
    """How many rows of a normalised DataFrame have one of these labels."""
    from pyspark.sql import functions as F

    return df.where(F.col("t0").isin(labels.tolist())).count()


def arrays_of(batch: "pa.RecordBatch", layout: Layout) -> Arrays:
    """One Arrow batch as arrays; nulls must have been refused before."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if layout.is_array:
        values = batch.column(batch.schema.get_field_index("f0")).flatten()
        features = np.asarray(values.to_numpy(zero_copy_only=False), np.float64).reshape(batch.num_rows, -1)
    else:
        features = np.empty((batch.num_rows, len(layout.names)))
        for i in range(len(layout.names)):
            features[:, i] = batch.column(batch.schema.get_field_index(f"f{i}")).to_numpy(
                zero_copy_only=False
            )
    labels = [batch.column(batch.schema.get_field_index(f"t{i}")) for i in range(len(layout.targets))]
    if layout.classes is not None:
        known = pa.array(layout.classes.tolist()).cast(labels[0].type)
        target = pc.index_in(labels[0], value_set=known).to_numpy(zero_copy_only=False).astype(np.int64)
    else:
        target = np.column_stack([label.to_numpy(zero_copy_only=False) for label in labels])
    weight = batch.schema.get_field_index("w")
    return Arrays(
        features, target, batch.column(weight).to_numpy(zero_copy_only=False) if weight >= 0 else None
    )


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _is_number(kind: str) -> bool:
    return kind in (*INTEGERS, "float", "double") or kind.startswith("decimal")


def _is_wide(kind: str) -> bool:
    return kind == "vector" or kind.startswith("array<")


def _as_array(df: "DataFrame", name: str, kind: str) -> Any:
    from pyspark.sql import functions as F

    if kind == "vector":
        from pyspark.ml.functions import vector_to_array

        return vector_to_array(F.col(_quoted(name)))
    if not _is_number(kind[len("array<") : -1]):
        raise DataError(f"feature column {name!r} is {kind}, not an array of numbers")
    return F.col(_quoted(name)).cast("array<double>")


def _width(df: "DataFrame", name: str, kind: str) -> int:
    """Length of the first row's array; the survey checks the others."""
    first = df.select(_as_array(df, name, kind).alias("f0")).where("f0 is not null").head()
    if first is None or not first["f0"]:
        raise DataError(f"feature column {name!r} has no values")
    return len(first["f0"])
