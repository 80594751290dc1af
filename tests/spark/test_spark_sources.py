"""ORC on both routes, and what only Spark reads: other formats, tables, SQL; each failure is one line."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import orc
from spark.training import Outcome, outcome, recipe_of

from nnspark.errors import DataError, NNSparkError, RecipeError
from nnspark.runs.data import load_shards

RECIPE = """
[data]
source = "orc"
scale = "standard"
categorical = "auto"
dates = ["day"]
[network]
hidden = [3]
[training]
epochs = 2
block_rows = 16
"""
ROWS = 50


def made_rows() -> pd.DataFrame:
    """Numbers of several types, text and dates."""
    rng = np.random.default_rng(9)
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(int(day)) for day in rng.integers(0, 400, ROWS)]
    return pd.DataFrame(
        {
            "x": rng.normal(size=ROWS),
            "n": rng.integers(0, 9, ROWS).astype(np.int32),
            "city": rng.choice(["Oslo", "Rome"], ROWS),
            "day": days,
            "label": rng.integers(0, 2, ROWS),
        }
    )


def outcome_of(session: Any, *options: str) -> Outcome:
    """Of a recipe's own source."""
    recipe = recipe_of(*options, text=RECIPE)
    shards = load_shards(recipe, session)
    assert sum(shards.plan.num_samples) == ROWS
    return outcome(recipe, shards)


@pytest.fixture(scope="module")
def wanted() -> Outcome:
    """The same rows as pandas has them."""
    recipe = recipe_of(text=RECIPE)
    return outcome(recipe, load_shards(recipe, None, made_rows()))


@pytest.fixture(scope="module")
def table(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A saved table, and a view of it."""
    place = tmp_path_factory.mktemp("table") / "rows"
    df = spark.createDataFrame(made_rows())
    df.write.option("path", str(place)).saveAsTable("nnspark_rows")
    spark.table("nnspark_rows").createOrReplaceTempView("nnspark_view")
    yield "nnspark_rows"
    spark.catalog.dropTempView("nnspark_view")
    spark.sql("DROP TABLE nnspark_rows")


def test_orc_files_give_the_bits_of_the_same_rows(spark: Any, tmp_path: Path, wanted: Outcome) -> None:
    """In several files, one with its columns in another order; on the driver and on executors."""
    rows = pa.Table.from_pandas(made_rows(), preserve_index=False)
    orc.write_table(rows.slice(0, 20), tmp_path / "a.orc")
    orc.write_table(rows.slice(20).select(["label", "day", "city", "n", "x"]), tmp_path / "b.orc")
    for session, path in ((None, f"{tmp_path}/*.orc"), (spark, f"{tmp_path}")):
        assert outcome_of(session, f"data.path={path}") == wanted


def test_orc_timestamps_are_refused_alike(spark: Any, tmp_path: Path) -> None:
    """Each reader would take them in a zone of its own."""
    rows = made_rows().assign(day=pd.Timestamp("2024-05-05T10:00:00"))
    orc.write_table(pa.Table.from_pandas(rows, preserve_index=False), tmp_path / "a.orc")
    for session in (None, spark):
        with pytest.raises(DataError, match="'day' holds timestamps, which ORC files keep without"):
            outcome_of(session, f"data.path={tmp_path}/a.orc")


@pytest.mark.parametrize("engine", ["local", "spark"])
@pytest.mark.parametrize(
    "options",
    [
        ("data.source=table", "data.table=nnspark_rows"),
        ("data.source=query", "data.query=SELECT x, n, city, day, label FROM nnspark_view WHERE n >= 0;"),
    ],
    ids=["table", "query"],
)
def test_tables_and_queries_are_read(
    spark: Any, table: str, wanted: Outcome, options: tuple[str, ...], engine: str
) -> None:
    """By executors, or brought to the driver where there is no engine of Spark's."""
    assert outcome_of(spark if engine == "spark" else None, *options) == wanted


def test_any_format_of_sparks_is_read(spark: Any, tmp_path: Path, wanted: Outcome, monkeypatch: Any) -> None:
    """With its options, one of which is in the environment."""
    spark.createDataFrame(made_rows()).write.json(f"{tmp_path}/rows", lineSep=";")
    monkeypatch.setenv("NNSPARK_SEPARATOR", ";")
    options = (
        "data.source=spark",
        "data.format=json",
        f"data.path={tmp_path}/rows",
        'data.options={lineSep = {env = "NNSPARK_SEPARATOR"}, primitivesAsString = false}',
        'data.columns=["x", "n", "city", "day"]',
    )
    for session in (None, spark):
        assert outcome_of(session, *options) == wanted


REFUSED = {
    ("spark", "data.format=avroo"): "data.format = 'avroo': Spark has no such source",
    ("spark", "data.format=avro"): "add its package to the session (spark.jars.packages)",
    ("table", "data.table=nowhere.rows"): "data.table = 'nowhere.rows': Spark has no such table or view",
    ("query", "data.query=SELECT x FROM nowhere"): "The table or view `nowhere` cannot be found",
    ("query", "data.query=SELEC 1"): "data.query is no query that Spark can run",
    ("query", "data.query=DROP VIEW nnspark_view"): "data.query is no query that Spark can run",
    ("query", "data.query=SELECT 1 AS x WHERE false"): "is not a column of the query",
}


@pytest.mark.parametrize(("options", "words"), REFUSED.items(), ids=lambda one: str(one)[:50])
def test_what_spark_cannot_read_is_one_line(
    spark: Any, table: str, options: tuple[str, str], words: str
) -> None:
    """That says what to do; a statement that would change something is not run."""
    with pytest.raises(DataError) as caught:
        outcome_of(spark, f"data.source={options[0]}", options[1])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert spark.catalog.tableExists("nnspark_view")


ASKED = {
    ("data.source=spark",): "data.format: expected what to read, with data.source = 'spark'",
    ("data.table=rows",): "data.table: expected none with data.source = 'orc'",
    ("data.source=spark", "data.format=jdbc", "data.options={password = 'x'}"): "data.options.password",
    ("data.source=spark", "data.format=jdbc", "data.options={url = ['x']}"): "data.options.url",
    ("data.source=table", "data.table=rows", "data.train=a"): "data.train: expected none with",
}


@pytest.mark.parametrize(("options", "words"), ASKED.items(), ids=lambda one: str(one)[:50])
def test_keys_go_with_their_source(options: tuple[str, ...], words: str) -> None:
    """And no secret stands in a recipe, nor in what is said of one."""
    with pytest.raises(RecipeError) as caught:
        recipe_of(*options, text=RECIPE)
    assert words in str(caught.value)
    assert "'x'" not in str(caught.value) or "password" not in str(caught.value)


def test_an_option_that_the_environment_lacks_is_named(spark: Any) -> None:
    """Before Spark is asked."""
    given = 'data.options={dbtable = {env = "NNSPARK_NONE"}}'
    with pytest.raises(
        NNSparkError, match=r"data\.options\.dbtable: the driver's environment has no NNSPARK_NONE"
    ):
        outcome_of(spark, "data.source=spark", "data.format=jdbc", given)
