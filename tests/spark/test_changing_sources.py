"""A source that is not the same twice ends in one line, or in the right bits; never in other rows."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spark import faults
from spark.training import Outcome, outcome, recipe_of, without_spark

from nnspark.engines.frames import build
from nnspark.errors import DataError
from nnspark.sources.table import make_table

ROWS = """
[data]
source = "parquet"
[training]
epochs = 1
block_rows = 100
learning_rate = 0.5
"""


def write(folder: Path, *, seed: int = 0, name: str = "a", rows: int = 900) -> None:
    """A Parquet file of a few rows."""
    import pyarrow as pa
    from pyarrow import parquet

    X = np.random.default_rng(seed).normal(size=(rows, 3))
    folder.mkdir(exist_ok=True)
    columns = {f"x{i}": X[:, i] for i in range(3)} | {"label": (X[:, 0] > 0).astype(int)}
    parquet.write_table(pa.table(columns), folder / f"{name}.parquet")


def append(spark: Any, folder: Path) -> None:
    """More rows in another file."""
    write(folder, seed=1, name="b", rows=50)


def overwrite(spark: Any, folder: Path) -> None:
    """Other rows under the same name."""
    write(folder, seed=2)


def delete(spark: Any, folder: Path) -> None:
    """The file is gone."""
    shutil.rmtree(folder)


def replace_view(spark: Any, folder: Path) -> None:
    """The view's name stands for other rows now."""
    spark.range(10).selectExpr("double(id) x0", "id % 2 label").createOrReplaceTempView("changing")


def nothing(spark: Any, folder: Path) -> None:
    """The source alone is enough."""


def plain(spark: Any, folder: Path) -> Any:
    """The files."""
    return spark.read.parquet(str(folder))


def view(spark: Any, folder: Path) -> Any:
    """A view of them."""
    plain(spark, folder).createOrReplaceTempView("changing")
    return spark.table("changing")


def random_feature(spark: Any, folder: Path) -> Any:
    """rand(), whose seed Spark draws once for a query: the same values while partitions stay the same."""
    from pyspark.sql import functions as F

    return plain(spark, folder).withColumn("x1", F.rand())


def random_filter(spark: Any, folder: Path) -> Any:
    """A sample without a seed of its own."""
    from pyspark.sql import functions as F

    return plain(spark, folder).where(F.rand() < 0.5)


def unseeded(spark: Any, folder: Path) -> Any:
    """A Python function that draws anew each time."""
    from pyspark.sql import functions as F

    draw = F.udf(lambda: float(np.random.default_rng().normal()), "double").asNondeterministic()
    return plain(spark, folder).withColumn("x1", draw())


CASES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "rand() as a feature": (random_feature, nothing),
    "rand() in a filter": (random_filter, nothing),
    "an unseeded function": (unseeded, nothing),
    "appended to": (plain, append),
    "overwritten": (plain, overwrite),
    "deleted": (plain, delete),
    "a replaced view": (view, replace_view),
}
MUST_REFUSE = ("an unseeded function", "overwritten", "deleted")
WORDS = ("changed between", "cannot read")


# A filter's draws are a column's. After the packing all are served from the shuffle alike: what is drawn, and
# what has gone or is another, stay.
HELD = {
    ("rand() in a filter", "the survey"),
    ("rand() in a filter", "the packing"),
    ("an unseeded function", "the packing"),
    ("appended to", "the packing"),
    ("a replaced view", "the packing"),
}
CELLS = [
    pytest.param(case, moment, marks=[pytest.mark.slow] if (case, moment) in HELD else [])
    for case in CASES
    for moment in ("the survey", "the packing")
]


@pytest.mark.parametrize(("case", "moment"), CELLS)
def test_a_source_that_changes_gives_the_right_bits_or_one_line(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, moment: str
) -> None:
    """It changes after the survey, or after the packing, and then all shards are lost."""
    make, change = CASES[case]
    folder = tmp_path / "rows"
    write(folder)
    recipe = recipe_of(f"data.path={folder}", text=ROWS)
    df = make(spark, folder)
    expected = expected_of(recipe, df, case)
    if moment == "the survey":
        planned = build.make_plan

        def planning(*arguments: Any) -> Any:
            plan = planned(*arguments)
            change(spark, folder)
            return plan

        monkeypatch.setattr(build, "make_plan", planning)
    try:
        shards = build.frame_shards(df, recipe)
        if moment == "the packing":
            change(spark, folder)
            faults.lose(shards)
        found = outcome(recipe, shards)
    except DataError as error:
        message = str(error)
        assert len(message.splitlines()) == 1
        assert any(words in message for words in WORDS), message
        return
    served_from_shuffle = moment == "the packing"  # Spark kept what the shards are rebuilt from
    assert served_from_shuffle or case not in MUST_REFUSE
    assert expected is None or found == expected


def expected_of(recipe: Any, df: Any, case: str) -> Outcome | None:
    """What the rows as they are now train to without Spark; None where each reading gives others."""
    if case == "an unseeded function":
        return None
    from nnspark.sources.table import DataRequest, Named

    rows = df.toPandas()
    features = rows[["x0", "x1", "x2"]].to_numpy()
    table = make_table(
        DataRequest.of(recipe.data),
        Named(features, "X", str),
        Named(rows["label"].to_numpy(), "y", str),
        names=("x0", "x1", "x2"),
    )
    return without_spark(recipe, table)
