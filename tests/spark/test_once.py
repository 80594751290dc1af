"""Rows that cross once have the plan, the shards and the bits of rows that are surveyed first."""

import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spark.training import outcome, recipe_of, without_spark

from nnspark.engines.frames import build, frame_shards, once, packing, planning
from nnspark.engines.frames.columns import Layout
from nnspark.engines.frames.csv import TextColumns
from nnspark.errors import DataError
from nnspark.sources.table import DataRequest, Named, make_table

ROWS = """
[data]
source = "parquet"
split = {train = 1.0, validation = 0.0, test = 0.0}
[training]
epochs = 2
block_rows = 100
optimizer = "lbfgs"
"""
COUNT = 1_200


LAYOUT = Layout(("a", "b"), ("a", "b"), (None, None), ("y",), "", "classification", classes=np.arange(2))


def slow(*cases: Any) -> list[Any]:
    """The same way, more often."""
    several = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [pytest.param(*case, marks=pytest.mark.slow) for case in several]


def columns_of(count: int = COUNT, *, alike: int = 0) -> dict[str, Any]:
    """Three features and a label; so many rows are the first one."""
    X = np.random.default_rng(5).normal(size=(count, 3))
    X[:alike] = X[0]
    return {f"x{i}": X[:, i] for i in range(3)} | {"label": (X[:, 0] > 0).astype(int)}


@pytest.fixture
def surveys(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The surveys that are made by a pass of their own."""
    made: list[Any] = []
    plain = planning.survey_of

    def survey_of(*about: Any) -> Any:
        made.append(plain(*about))
        return made[-1]

    monkeypatch.setattr(planning, "survey_of", survey_of)
    return made


@pytest.fixture
def packings(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each packing whether its rows are surveyed on the way."""
    made: list[bool] = []
    plain = build.lay_out

    def lay_out(*about: Any, surveyed: Any = None, **more: Any) -> Any:
        made.append(surveyed is not None)
        return plain(*about, surveyed=surveyed, **more)

    monkeypatch.setattr(build, "lay_out", lay_out)
    return made


def stored(spark: Any, folder: Path, columns: dict[str, Any]) -> Any:
    """The rows in Parquet files."""
    import pyarrow as pa
    from pyarrow import parquet

    folder.mkdir()
    table = pa.table(columns)
    for at in range(3):
        parquet.write_table(table.slice(at * 500, 500), folder / f"{at}.parquet", row_group_size=150)
    return spark.read.parquet(str(folder))


def in_memory(spark: Any, folder: Path, columns: dict[str, Any]) -> Any:
    """The rows as Spark has them from the driver."""
    import pandas as pd

    return spark.createDataFrame(pd.DataFrame(columns)).repartition(5)


def by_spark(spark: Any, folder: Path, columns: dict[str, Any]) -> Any:
    """Files that Spark reads, as there is a filter."""
    return stored(spark, folder, columns).where("x0 > -1e9")


def cached(spark: Any, folder: Path, columns: dict[str, Any]) -> Any:
    """Rows in Spark's own columns."""
    return in_memory(spark, folder, columns).cache()


def as_table(recipe: Any, columns: dict[str, Any]) -> Any:
    """The rows as arrays of the driver."""
    X = np.column_stack([columns[f"x{i}"] for i in range(3)])
    return make_table(
        DataRequest.of(recipe.data),
        Named(X, "X", str),
        Named(columns["label"], "y", str),
        names=[f"x{i}" for i in range(3)],
    )


def content(shards: Any) -> set[tuple[Any, ...]]:
    """What each shard holds."""
    return {(one.shard, one.rows, one.hash_sums) for one in shards.handles}


def plan_as_text(plan: Any) -> dict[str, str]:
    """All that a plan says."""
    return {one.name: repr(getattr(plan, one.name)) for one in fields(plan)}


@pytest.mark.parametrize(
    ("source", "partitions"),
    [
        *((stored, 7), (in_memory, 1), (by_spark, 1), (cached, 7)),
        *slow((stored, 1), (in_memory, 64), (by_spark, 7)),
    ],
)
def test_rows_that_cross_once_are_those_surveyed_first(
    spark: Any, tmp_path: Path, surveys: list[Any], packings: list[bool], source: Any, partitions: int
) -> None:
    """The plan with its fingerprint and hints, each shard's rows; the bits of the engine without Spark."""
    recipe, columns = recipe_of(text=ROWS), columns_of()
    df = source(spark, tmp_path / "rows", columns)
    at_once = frame_shards(df, recipe, rows=COUNT, partitions=partitions)
    assert (surveys, packings) == ([], [True])
    with frame_shards(df, recipe, partitions=partitions) as first:
        assert (len(surveys), packings) == (1, [True, False])
        assert plan_as_text(at_once.plan) == plan_as_text(first.plan)
        assert content(at_once) == content(first)
    assert outcome(recipe, at_once) == without_spark(recipe, as_table(recipe, columns))
    df.unpersist()


@pytest.mark.parametrize(
    ("tasks", "surveyed"), [(64, packing.SURVEYED), *slow((7, packing.SURVEYED), (7, 3))]
)
def test_any_number_of_tasks_and_bins_gives_one_survey(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tasks: int, surveyed: int
) -> None:
    """More tasks than bins that surveys go to, and fewer; most bins have no rows."""
    monkeypatch.setattr(packing, "SURVEYED", surveyed)
    recipe = recipe_of("training.block_rows=1024", text=ROWS)
    df = in_memory(spark, tmp_path, columns_of()).repartition(20)
    with (
        frame_shards(df, recipe, rows=COUNT, partitions=tasks) as at_once,
        frame_shards(df, recipe, partitions=tasks) as first,
    ):
        assert plan_as_text(at_once.plan) == plan_as_text(first.plan)
        assert content(at_once) == content(first)
        assert not any(one.learned for one in at_once.handles)


@pytest.mark.parametrize("counted", [COUNT + 1, 10, *slow(COUNT - 1, 10 * COUNT)])
def test_rows_that_are_not_as_many_as_counted_are_packed_again(
    spark: Any, tmp_path: Path, surveys: list[Any], packings: list[bool], counted: int
) -> None:
    """By the survey made on the way. Where there are far more, bins have too little room for them."""
    recipe, df = recipe_of(text=ROWS), stored(spark, tmp_path / "rows", columns_of())
    with frame_shards(df, recipe, rows=counted, partitions=2) as shards:
        assert (surveys, packings) == ([], [True, False])
        with frame_shards(df, recipe, partitions=2) as first:
            assert plan_as_text(shards.plan) == plan_as_text(first.plan)
            assert content(shards) == content(first)


@pytest.mark.parametrize("alike", [250, *slow(900)])
def test_rows_that_come_often_are_packed_again_and_spread(
    spark: Any, tmp_path: Path, packings: list[bool], alike: int
) -> None:
    """Whether their bin has room for them or not."""
    recipe, df = recipe_of(text=ROWS), stored(spark, tmp_path / "rows", columns_of(alike=alike))
    with (
        frame_shards(df, recipe, rows=COUNT, partitions=7) as shards,
        frame_shards(df, recipe, partitions=7) as first,
    ):
        assert packings == [True, False, False]
        assert plan_as_text(shards.plan) == plan_as_text(first.plan)
        assert content(shards) == content(first)
        assert max(sum(one.rows) for one in shards.handles) < 2 * COUNT / 7


def test_a_bin_takes_no_more_than_its_room(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of a bin that got too many are missing from the shards, and so none is accepted."""
    found: list[int] = []
    plain = build.make_plan

    def make_plan(*about: Any, **more: Any) -> Any:
        plan, _ = plain(*about, **more)
        return plan, None  # as if no kind was crowded

    def holds(shards: Any, plan: Any) -> bool:
        found.append(sum(sum(one.rows) for one in shards.handles))
        return once.holds(shards, plan)

    monkeypatch.setattr(build, "make_plan", make_plan)
    monkeypatch.setattr(build, "holds", holds)
    df = stored(spark, tmp_path / "rows", columns_of(alike=900))
    with frame_shards(df, recipe_of(text=ROWS), rows=COUNT, partitions=7) as shards:
        assert 0 < found[0] <= 300
        assert sum(sum(one.rows) for one in shards.handles) == COUNT


@pytest.mark.parametrize(
    ("source", "value"),
    [(by_spark, "cast('nan' as double)"), *slow((stored, "null"), (in_memory, "cast('inf' as double)"))],
)
def test_values_that_cannot_be_used_are_refused_as_ever(
    spark: Any, tmp_path: Path, surveys: list[Any], source: Any, value: str
) -> None:
    """In the same words, with the number of rows, and nothing stays on the disks."""
    from pyspark.sql import functions as F

    df = source(spark, tmp_path / "rows", columns_of())
    df = df.withColumn("x1", F.expr(f"if(x0 > 1, {value}, x1)"))
    said = []
    for rows in (COUNT, 0):
        with pytest.raises(DataError) as refused:
            frame_shards(df, recipe_of(text=ROWS), rows=rows)
        said.append(str(refused.value))
    assert said[0] == said[1]
    assert "'x1'" in said[0]
    assert len(surveys) == 0


def test_shards_that_are_lost_are_made_again(spark: Any, tmp_path: Path) -> None:
    """From the same lineage, surveys and all; to the same sums."""
    recipe, columns = recipe_of(text=ROWS), columns_of()
    shards = frame_shards(stored(spark, tmp_path / "rows", columns), recipe, rows=COUNT, partitions=3)
    for handle in shards.handles[:2]:
        for root in handle.home.split(","):
            shutil.rmtree(Path(root) / handle.folder, ignore_errors=True)
    assert outcome(recipe, shards) == without_spark(recipe, as_table(recipe, columns))


@pytest.mark.parametrize(
    "option",
    [
        "data.split={train = 0.9, validation = 0.1, test = 0.0}",
        "data.split={train = 0.9, validation = 0.0, test = 0.1}",
        'data.scale="standard"',
        'data.scale="minmax"',
        'training.class_weight="balanced"',
        "data.split={folds = 3, test = 0.0}",
    ],
)
def test_what_depends_on_the_rows_is_surveyed_first(option: str) -> None:
    """A split, a scaling, classes that weigh alike; a count of 0, which is none."""
    plain = recipe_of(text=ROWS)
    assert once.supposed_plan(LAYOUT, recipe_of(option, text=ROWS), COUNT) is None
    assert once.supposed_plan(LAYOUT, plain, COUNT) is not None
    assert once.supposed_plan(LAYOUT, plain, 0) is None


@pytest.mark.parametrize(
    "meaning",
    [
        {"weight": "w"},
        {"given": True},
        {"raw": ("number", "category")},
        {"may_miss": True},
        {"text": TextColumns(("a", "b"), ",")},
    ],
    ids=lambda meaning: next(iter(meaning)),
)
def test_what_columns_mean_is_surveyed_first(meaning: dict[str, Any]) -> None:
    """Rows that weigh nothing, have their part, are to be encoded, or are records that may not fit."""
    layout = replace(LAYOUT, **meaning)
    assert once.supposed_plan(layout, recipe_of(text=ROWS), COUNT) is None


def test_a_class_that_no_row_has_is_warned_of(spark: Any, tmp_path: Path) -> None:
    """The plan's warnings come of the survey made on the way."""
    recipe = recipe_of("data.classes=[0, 1, 2]", text=ROWS)
    with frame_shards(stored(spark, tmp_path / "rows", columns_of()), recipe, rows=COUNT) as shards:
        assert [one for one in shards.plan.warnings if "no training row has class 2" in one]


def test_an_estimator_has_its_rows_cross_once(spark: Any, surveys: list[Any], packings: list[bool]) -> None:
    """It has counted them; of weighted ones it cannot know how many count."""
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import functions as F

    from nnspark.ml import MultilayerPerceptronClassifier

    vector: Callable[..., Any] = array_to_vector
    df = spark.range(300).select(
        (F.col("id") % 2).alias("label"),
        vector(F.array(F.col("id") / 100.0)).alias("features"),
        F.lit(2.0).alias("w"),
    )
    options = {"layers": [1, 3, 2], "maxIter": 2, "seed": 1}
    fits = [
        MultilayerPerceptronClassifier(engine=engine, **more, **options).fit(df).weights.toArray().tobytes()
        for engine, more in [("spark", {}), ("local", {}), ("spark", {"weightCol": "w"})]
    ]
    assert packings == [True, False]
    assert len(surveys) == 1
    assert fits[0] == fits[1]
