"""The routes that awkward inputs take.

A case is rows as an Arrow table (a Parquet file and a DataFrame hold them) or as the text of CSV files, with
what every route must say of them: nothing (all give the same bits), or the refusal's class and words. Where a
route cannot hold an input, the case says why.

The oracle is the array route: each value as Python's own ``float`` and ``int`` have it, without Spark.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from spark.training import Outcome, outcome, recipe_of

from nnspark.data.dataset import make_dataset
from nnspark.engines.base import Shards
from nnspark.engines.frames import frame_shards
from nnspark.engines.layout import make_shards
from nnspark.errors import DataError, NNSparkError
from nnspark.recipe import Recipe
from nnspark.runs.data import load_shards
from nnspark.sources import load_table
from nnspark.sources.table import DataRequest, Named, Table, make_table, numbered

RECIPE = """
[data]
source = "parquet"
split = {train = 1.0, validation = 0.0, test = 0.0}
[network]
hidden = [2]
[training]
epochs = 1
block_rows = 4
learning_rate = 0.5
[spark]
partitions = 1
"""
NO_FILE = "only a file can be so"


class Result(NamedTuple):
    """What must not depend on the route."""

    outcome: Outcome
    fingerprint: str
    names: tuple[str, ...]
    classes: list[Any] | None


class Refusal(NamedTuple):
    """The error that a route ends in."""

    kind: type[NNSparkError]
    message: str


@dataclass(frozen=True)
class Case:
    """An input and what every route must say of it.

    rows : Arrow tables, one a Parquet file, or texts, one a CSV file.
    table : the rows as one Arrow table, for the routes without files; None: they cannot hold them.
    options : overrides of the recipe.
    says : words of the refusal, all of them in the message of every route; empty: all routes train alike.
    absent : why a route cannot hold the input.
    frame : makes the DataFrame, where Arrow cannot; its file is then written by Spark.
    """

    rows: tuple[Any, ...]
    table: pa.Table | None = None
    options: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    kind: type[NNSparkError] = DataError
    absent: Mapping[str, str] = field(default_factory=dict)
    frame: Callable[[Any], Any] | None = None

    @property
    def is_text(self) -> bool:
        """Whether the files are CSV."""
        return isinstance(self.rows[0], str | bytes)


def of_table(columns: Mapping[str, Any] | pa.Table, *options: str, says: Any = (), **others: Any) -> Case:
    """A case of one Arrow table."""
    table = columns if isinstance(columns, pa.Table) else pa.table(dict(columns))
    words = (says,) if isinstance(says, str) else tuple(says)
    return Case((table,), table, options, words, **others)


def of_text(
    *texts: str | bytes,
    like: Mapping[str, Any] | None = None,
    options: Sequence[str] = (),
    says: Any = (),
    **others: Any,
) -> Case:
    """A case of CSV text; ``like`` are the same rows as columns."""
    words = (says,) if isinstance(says, str) else tuple(says)
    absent = {} if like is not None else dict.fromkeys(("array", "DataFrame", "DataFrame of a file"), NO_FILE)
    table = None if like is None else pa.table(dict(like))
    return Case(
        texts, table, ("data.source=csv", *options), words, absent=absent | others.pop("absent", {}), **others
    )


# The routes


def by_array(spark: Any, case: Case, folder: Path) -> Shards:
    """NumPy arrays, without Spark: the oracle."""
    recipe = recipe_of(*case.options, text=RECIPE)
    return make_shards(make_dataset(arrays_of(case.table, recipe), recipe), None)


def by_driver(spark: Any, case: Case, folder: Path) -> Shards:
    """The file, read without Spark."""
    recipe = recipe_of(*case.options, f"data.path={path_of(spark, case, folder)}", text=RECIPE)
    return make_shards(make_dataset(load_table(recipe.data), recipe), None)


def by_executors(spark: Any, case: Case, folder: Path) -> Shards:
    """The file, read by Spark's executors."""
    return load_shards(
        recipe_of(*case.options, f"data.path={path_of(spark, case, folder)}", text=RECIPE), spark
    )


def by_frame(spark: Any, case: Case, folder: Path) -> Shards:
    """A DataFrame made of rows in memory."""
    return frame_shards(frame_of(spark, case), recipe_of(*case.options, text=RECIPE), partitions=1)


def by_written_frame(spark: Any, case: Case, folder: Path) -> Shards:
    """A DataFrame that Spark wrote to Parquet and reads back."""
    target = str(folder / "written")
    frame_of(spark, case).write.parquet(target)
    return frame_shards(spark.read.parquet(target), recipe_of(*case.options, text=RECIPE), partitions=1)


ROUTES: dict[str, Callable[[Any, Case, Path], Shards]] = {
    "array": by_array,
    "file on the driver": by_driver,
    "file on the executors": by_executors,
    "DataFrame": by_frame,
    "DataFrame of a file": by_written_frame,
}


def take(route: str, spark: Any, case: Case, folder: Path) -> Result | Refusal:
    """What a route gives."""
    recipe: Recipe = recipe_of(*case.options, text=RECIPE)
    try:
        shards = ROUTES[route](spark, case, folder)
    except NNSparkError as error:
        return Refusal(type(error), str(error))
    plan = shards.plan
    classes = None if plan.classes is None else plan.classes.tolist()
    return Result(outcome(recipe, shards), plan.fingerprint, plan.feature_names, classes)


def frame_of(spark: Any, case: Case) -> Any:
    """The rows as a DataFrame."""
    return case.frame(spark) if case.frame else spark.createDataFrame(case.table)


def path_of(spark: Any, case: Case, folder: Path) -> Path:
    """Write the rows as files: one alone, or a folder of them."""
    if case.frame:
        case.frame(spark).write.parquet(str(folder / "rows.parquet"))
        return folder / "rows.parquet"
    ending = "csv" if case.is_text else "parquet"
    target = folder / f"rows.{ending}"
    if len(case.rows) > 1:
        target.mkdir()
    for number, rows in enumerate(case.rows):
        file = target / f"part-{number}.{ending}" if len(case.rows) > 1 else target
        if case.is_text:
            file.write_bytes(rows.encode() if isinstance(rows, str) else rows)
        else:
            parquet.write_table(rows, file)
    return target


def arrays_of(rows: pa.Table, recipe: Recipe) -> Table:
    """The rows as NumPy arrays, value by value as Python has them; no conversion of Arrow's or Spark's."""
    data = recipe.data
    labels = [data.label] if isinstance(data.label, str) else list(data.label)
    others = [*labels, *([data.weight] if data.weight else [])]
    others += [*data.exclude, *(name[1:] for name in data.columns if name.startswith("-"))]
    kept = [name for name in data.columns if not name.startswith("-")]
    features = kept or [name for name in rows.column_names if name not in others]
    columns, names = [], []
    for name in features:
        values = rows[name].to_pylist()
        if isinstance(values[0], list):
            columns += [[float(x) for x in column] for column in zip(*values, strict=True)]
            names += [f"{name}[{at}]" for at in range(len(values[0]))]
        else:
            columns.append([float(x) for x in values])
            names.append(name)
    alone = len(features) == 1 and names != list(features)
    target = [plain(rows[name].to_pylist()) for name in labels]
    weight = [float(x) for x in rows[data.weight].to_pylist()] if data.weight else None
    return make_table(
        DataRequest.of(data),
        Named(np.array(columns).T, "the array", place),
        Named(
            target[0] if len(target) == 1 else np.column_stack(target),
            f"label {', '.join(map(repr, labels))}",
            place,
        ),
        None if weight is None else Named(np.array(weight), f"weight {data.weight!r}", place),
        names=numbered(len(names)) if alone else names,
        label_names=labels,
    )


def place(row: int) -> str:
    """A row of the arrays."""
    return f"row {row}"


def plain(values: list[Any]) -> np.ndarray:
    """Labels as a NumPy array: whole decimals are integers."""
    if isinstance(values[0], Decimal):
        whole = all(value == int(value) for value in values)
        values = [int(value) if whole else float(value) for value in values]
    return np.array(values)
