"""Which columns of a DataFrame are features, target and weight: selected, cast and named alike."""

from typing import TYPE_CHECKING

from nnspark.data.fold_numbers import NAMED
from nnspark.data.rows import PARTS
from nnspark.engines.frames.columns import Layout
from nnspark.engines.frames.csv import CORRUPT, TextColumns
from nnspark.engines.frames.paths import PART
from nnspark.engines.vectors import values_of
from nnspark.errors import DataError, RecipeError
from nnspark.recipe import Data
from nnspark.recipe.raw_columns import wishes_of
from nnspark.sources.columns import choose_columns
from nnspark.sources.given import no_text
from nnspark.sources.odd_columns import not_a_number
from nnspark.sources.raw_kinds import kinds_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

__all__ = ["DURATION", "is_number", "normalise"]

DURATION = "interval day to second"
INTEGERS = ("tinyint", "smallint", "int", "bigint", "boolean")


def normalise(df: "DataFrame", data: Data, given_by: str = "") -> tuple["DataFrame", Layout]:
    """Select and cast the columns that the recipe names; nulls stay for the survey to count.

    ``given_by`` is a boolean column that says which rows validate, or one of the numbers of their folds; it
    is no feature.
    """
    from pyspark.sql import functions as F

    types = dict(df.dtypes)
    apart = {CORRUPT, PART, *([given_by] if given_by else [])}
    columns = [name for name in df.columns if name not in apart]
    where = data.place or "the DataFrame"
    chosen = choose_columns(columns, data, where)
    features = [columns[at] for at in chosen.features]
    targets = [columns[at] for at in chosen.labels]
    if data.task == "classification" and len(targets) > 1:
        raise RecipeError(f"data.label: classification takes one label column, got {targets}")
    wishes, own = wishes_of(data), [_type(types[name]) for name in features]
    kinds = kinds_of(features, own, [_shown(types[name]) for name in features], wishes, columns, "")
    widths = _widths(df, [name for name in features if _is_wide(types[name])], types)
    selected = [
        (_feature(name, types[name]) if kind == "number" else F.col(_quoted(name))).alias(f"f{i}")
        for i, (name, kind) in enumerate(zip(features, kinds, strict=True))
    ]
    for i, name in enumerate(targets):
        selected.append(_target(name, types[name], data.task).alias(f"t{i}"))
    if chosen.weight is not None:
        weight = columns[chosen.weight]
        if not is_number(types[weight]):
            raise not_a_number("weight", weight, _shown(types[weight]))
        selected.append(F.col(_quoted(weight)).cast("double").alias("w"))
    if given_by:
        column = F.col(_quoted(given_by))
        given = column + F.lit(NAMED)
        if types[given_by] == "boolean":
            given = F.when(column, F.lit(PARTS.index("validation"))).otherwise(F.lit(-1))
        selected.append(given.cast("tinyint").alias("g"))
    part = PART if PART in df.columns else "" if chosen.part is None else columns[chosen.part]
    if part:
        if _type(types[part]) != "text":
            raise no_text(part, _shown(types[part]))
        selected.append(F.col(_quoted(part)).alias("g"))
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
        bool(given_by or part),
        raw=kinds if wishes.wanted else (),
        may_miss=wishes.may_miss,
        log=data.target_scale == "log",
        part=part,
    )
    return df.select(*selected), layout


def is_number(kind: str) -> bool:
    """Whether a Spark type holds numbers, booleans among them, or nothing but nulls."""
    return kind in (*INTEGERS, "float", "double", "void") or kind.startswith("decimal")


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _type(kind: str) -> str:
    """A Spark type as ``sources/raw_kinds.py`` calls it."""
    if kind == "string" or kind.startswith(("varchar", "char")):
        return "text"
    if kind == "boolean":
        return kind
    if is_number(kind):
        return "number"
    return "wide" if _is_wide(kind) else "date" if kind in ("date", "timestamp", "timestamp_ntz") else ""


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
            raise DataError(f"{not_a_number('label', name, _shown(kind))}{reason}")
        return column.cast("double")
    if kind in INTEGERS:
        return column.cast("bigint")
    if kind == "string" or (kind.startswith("decimal") and kind.endswith(",0)")):
        return column
    if not is_number(kind):
        raise not_a_number("label", name, _shown(kind), text=True)
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
