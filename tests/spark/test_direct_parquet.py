"""Parquet files that workers read themselves give the rows and bits of Spark's own reading."""

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from spark.training import outcome, recipe_of, without_spark

from nnspark.engines.frames import build, parquet_batches, parquet_files
from nnspark.errors import DataError
from nnspark.runs.data import load_shards

ROWS = """
[data]
source = "parquet"
[training]
epochs = 1
block_rows = 100
"""
WIDTH = 3


def write(folder: Path, rows: int = 900) -> None:
    """Two files of several row groups each, with columns of all the types that are read directly."""
    import pyarrow as pa
    from pyarrow import parquet
    from pyspark.ml.linalg import VectorUDT
    from pyspark.sql import types as T

    rng = np.random.default_rng(5)
    X = rng.normal(size=(rows, WIDTH))
    X[::3, 1] = 0.0
    kept = [np.flatnonzero(row) for row in X]
    vectors = [
        {"type": 0, "size": WIDTH, "indices": at.tolist(), "values": row[at].tolist()}
        if number % 4 == 0
        else {"type": 1, "size": None, "indices": None, "values": row.tolist()}
        for number, (row, at) in enumerate(zip(X, kept, strict=True))
    ]
    vector = pa.struct([("type", pa.int8()), ("size", pa.int32()), ("indices", pa.list_(pa.int32())),
                        ("values", pa.list_(pa.float64()))])  # fmt: skip
    columns = {
        "vector": pa.array(vectors, vector),
        "array": pa.array([row.astype(np.float32) for row in X], pa.list_(pa.float32())),
        "number": pa.array(X[:, 0]),
        "whole": pa.array(rng.integers(-9, 9, rows), pa.int16()),
        "flag": pa.array(X[:, 2] > 0),
        "kind": pa.array(rng.choice(["a", "b", "c"], rows).tolist()),
        "weight": pa.array(rng.integers(0, 3, rows), pa.int64()),
        "text": pa.array(np.where(X[:, 0] > 0, "yes", "no").tolist()),
        "label": pa.array((X[:, 0] > 0).astype(np.int8)),
        "doubled": pa.array(2.0 * (X[:, 0] > 0) - 0.0),
        "target": pa.array(X[:, 0] + X[:, 2], pa.float32()),
        "validates": pa.array((rng.random(rows) < 0.2).tolist()),
    }
    table = pa.table(columns)
    folder.mkdir()
    types = (
        T.ArrayType(T.FloatType()), T.DoubleType(), T.ShortType(), T.BooleanType(), T.StringType(),
        T.LongType(), T.StringType(), T.ByteType(), T.DoubleType(), T.FloatType(), T.BooleanType(),
    )  # fmt: skip
    schema = T.StructType([T.StructField(*one) for one in zip(columns, (VectorUDT(), *types), strict=True)])
    table = table.replace_schema_metadata({"org.apache.spark.sql.parquet.row.metadata": schema.json()})
    parquet.write_table(table.slice(0, 500), folder / "a b.parquet", row_group_size=150)
    parquet.write_table(table.slice(500), folder / "c.parquet", row_group_size=170)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of such files."""
    folder = tmp_path_factory.mktemp("direct") / "rows"
    write(folder)
    return folder


CASES = {
    "vectors": ("columns=['vector']", "label='label'"),
    "arrays": ("columns=['array']", "label='text'"),
    "numbers, weighted": ("columns=['number','whole','flag']", "label='doubled'", "weight='weight'"),
    "raw columns": (
        "columns=['kind','flag','whole']",
        "label='label'",
        "categorical='auto'",
        "scale='standard'",
    ),
    "targets": (
        "columns=['vector','whole']",
        "label='target'",
        "task='regression'",
        "target_scale='standard'",
    ),
}


ALONE = pytest.param("vectors", marks=pytest.mark.slow)  # "targets" has vectors, beside numbers


@pytest.mark.parametrize("case", [ALONE, *(case for case in CASES if case != "vectors")])
def test_both_ways_of_reading_give_the_same_bits(
    spark: Any, files: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """And the direct one was taken, with batches smaller than a row group."""
    monkeypatch.setattr(parquet_batches, "BATCH_BYTES", 8 * 40)
    monkeypatch.setattr(parquet_batches, "MOST_ROWS", 60)
    recipe = recipe_of(f"data.path={files}", *(f"data.{one}" for one in CASES[case]), text=ROWS)
    taken: list[Any] = []

    def watched(*arguments: Any) -> Any:
        taken.append(parquet_files.parquet_files(*arguments))
        return taken[-1]

    monkeypatch.setattr(build, "parquet_files", watched)
    direct = outcome(recipe, load_shards(recipe, spark))
    assert [len(one.tasks) for one in taken] == [6]
    through_spark = recipe_of("spark.direct=false", f"data.path={files}",
                              *(f"data.{one}" for one in CASES[case]), text=ROWS)  # fmt: skip
    assert outcome(through_spark, load_shards(through_spark, spark)) == direct
    assert len(taken) == 1
    if case == "numbers, weighted":
        assert without_spark(recipe) == direct


def test_vectors_that_spark_wrote_are_read_too(spark: Any, files: Path, tmp_path: Path) -> None:
    """Whoever wrote them: Spark says of a vector's values that none is null."""
    spark.read.parquet(str(files)).write.parquet(str(tmp_path / "again"))
    found = []
    for folder in (files, tmp_path / "again"):
        recipe = recipe_of(f"data.path={folder}", "data.columns=['vector']", "data.label='label'", text=ROWS)
        df = spark.read.parquet(str(folder))
        assert parquet_files.parquet_files(df, build.normalise(df, recipe.data)[1]) is not None
        found.append(outcome(recipe, load_shards(recipe, spark)))
    assert found[0] == found[1]


@pytest.mark.parametrize("indices", [[0, 3], [1, 0], [1, 1], [-1, 0], [0]], ids=str)
def test_damaged_vectors_are_refused(indices: list[int]) -> None:
    """No value of one row lands in another."""
    import pyarrow as pa

    good = {"type": 1, "size": None, "indices": [5], "values": [1.0, 2.0, 3.0]}  # a dense one has no indices
    rows = [good, {"type": 0, "size": 3, "indices": [0, 2], "values": [5.0, 6.0]}, None]
    kind = pa.struct([("type", pa.int8()), ("size", pa.int32()), ("indices", pa.list_(pa.int32())),
                      ("values", pa.list_(pa.float64()))])  # fmt: skip
    found = parquet_batches._lists(pa.array(rows, kind))
    assert found.to_pylist() == [[1.0, 2.0, 3.0], [5.0, 0.0, 6.0], None]
    rows[1] = {"type": 0, "size": 3, "indices": indices, "values": [5.0, 6.0]}
    with pytest.raises(DataError, match="indices"):
        parquet_batches._lists(pa.array(rows, kind))


def test_an_estimator_reads_them_too(spark: Any, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its columns are the files', cast; the weights are those of the same rows out of memory."""
    from nnspark.ml import MultilayerPerceptronClassifier

    taken: list[Any] = []

    def watched(*arguments: Any) -> Any:
        taken.append(parquet_files.parquet_files(*arguments))
        return taken[-1]

    monkeypatch.setattr(build, "parquet_files", watched)
    one = MultilayerPerceptronClassifier(
        featuresCol="vector", labelCol="doubled", layers=[WIDTH, 4, 3], maxIter=2, engine="spark",
        validationIndicatorCol="validates", weightCol="weight",
    )  # fmt: skip
    df = spark.read.parquet(str(files))
    from_files = one.fit(df).weights
    from_memory = one.fit(df.limit(900)).weights
    assert [files is not None for files in taken] == [True, False]
    assert from_files == from_memory


def test_rows_that_validate_are_named_alike(spark: Any, files: Path) -> None:
    """A null in the column leaves a row to the split, as Spark has it."""
    df = spark.read.parquet(str(files)).select("vector", "label", "validates")
    found = []
    for direct in ("true", "false"):
        recipe = recipe_of(f"spark.direct={direct}", text=ROWS)
        found.append(outcome(recipe, build.frame_shards(df, recipe, given_by="validates")))
    assert found[0] == found[1]


def test_values_that_cannot_be_used_are_refused_in_the_same_words(spark: Any, tmp_path: Path) -> None:
    """By name, count and place."""
    import pyarrow as pa
    from pyarrow import parquet

    x = np.arange(50.0)
    x[[7, 31]] = np.nan
    parquet.write_table(
        pa.table({"x": x, "label": np.arange(50) % 2}), tmp_path / "x.parquet", row_group_size=20
    )
    said = []
    for direct in ("true", "false"):
        recipe = recipe_of(f"spark.direct={direct}", f"data.path={tmp_path}", text=ROWS)
        with pytest.raises(DataError, match="2") as refused:
            load_shards(recipe, spark)
        said.append(str(refused.value))
    assert said[0] == said[1]
    assert "x.parquet" in said[0]


def plain(df: Any) -> Any:
    """Columns, of a view too."""
    df.createOrReplaceTempView("directly")
    return df.sparkSession.table("directly").select("number", "label")


def replaced(df: Any) -> Any:
    """A file that is another since Spark listed it."""
    folder = Path(unquote(df.inputFiles()[0].removeprefix("file:"))).parents[1] / "replaced"
    write(folder, rows=600)
    known = df.sparkSession.read.parquet(str(folder))
    shutil.rmtree(folder)
    write(folder, rows=700)
    return known


def cached_since(df: Any) -> Any:
    """Rows that were looked at, then cached."""
    rows = df.select("number", "label", "flag")
    assert rows.columns
    rows._jdf.queryExecution().optimizedPlan()
    return rows.cache()


MORE = {
    "a file twice": lambda df: df.sparkSession.read.parquet(*2 * [unquote(df.inputFiles()[0])]),
    "another width": lambda df: df.sparkSession.read.schema("number double, label int").parquet(
        unquote(df.inputFiles()[0])
    ),
    "another file": replaced,
    "a cache of what was planned": cached_since,
    "a filter": lambda df: df.where("number > 0"),
    "a limit": lambda df: df.limit(10),
    "a cache": lambda df: df.select("number", "label").cache(),
    "an expression": lambda df: df.selectExpr("number + 1 number", "label"),
    "a union": lambda df: df.union(df),
    "other options": lambda df: df.sparkSession.read.option("ignoreMissingFiles", "true").parquet(
        unquote(df.inputFiles()[0])
    ),
}


@pytest.mark.parametrize("case", MORE)
def test_what_is_more_than_files_goes_through_spark(spark: Any, files: Path, case: str) -> None:
    """And a view of the same columns does not."""
    df = spark.read.parquet(str(files))
    recipe = recipe_of("data.label='label'", "data.columns=['number']", text=ROWS)

    def layout_of(rows: Any) -> Any:
        return build.normalise(rows, recipe.data)[1]

    assert parquet_files.parquet_files(plain(df), layout_of(plain(df))) is not None
    more = MORE[case](df)
    assert parquet_files.parquet_files(more, layout_of(more)) is None
    more.unpersist()


def test_folders_that_are_partitions_go_through_spark(spark: Any, tmp_path: Path) -> None:
    """Their values are in no file."""
    spark.range(40).selectExpr("double(id) x", "id % 2 label", "id % 3 part").write.partitionBy(
        "part"
    ).parquet(str(tmp_path / "rows"))
    df = spark.read.parquet(str(tmp_path / "rows"))
    layout = build.normalise(df, recipe_of(text=ROWS).data)[1]
    assert parquet_files.parquet_files(df, layout) is None


def test_too_many_files_and_dates_go_through_spark(
    spark: Any, files: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The driver reads no more than some footers; calendars are Spark's own matter."""
    df = spark.read.parquet(str(files)).select("number", "label")
    layout = build.normalise(df, recipe_of(text=ROWS).data)[1]
    monkeypatch.setattr(parquet_files, "MOST_FILES", 1)
    assert parquet_files.parquet_files(df, layout) is None
    monkeypatch.undo()
    spark.range(40).selectExpr("date_add(date'1500-01-01', int(id)) day", "id % 2 label").write.parquet(
        str(tmp_path / "days")
    )
    days = spark.read.parquet(str(tmp_path / "days"))
    layout = build.normalise(days, recipe_of("data.dates=['day']", text=ROWS).data)[1]
    assert parquet_files.parquet_files(days, layout) is None


def test_row_groups_are_shared_out_evenly_and_each_once() -> None:
    """By bytes, in the files' order, whatever the cores."""
    sizes = [[(10, 100), (10, 100), (5, 50)], [], [(40, 400)], [(1, 10)] * 35]
    paths = ["a", "b", "c", "d"]
    for cores in (1, 2, 7, 64):
        tasks = parquet_files._shared_out(paths, sizes, cores)
        groups = [(one.path, at, rows) for task in tasks for one in task
                  for at, rows in zip(one.numbers, one.rows, strict=True)]  # fmt: skip
        assert groups == [(path, at, rows) for path, of_file in zip(paths, sizes, strict=True)
                          for at, (rows, _) in enumerate(of_file)]  # fmt: skip
        assert 1 < len(tasks) <= 39
    assert len(parquet_files._shared_out(paths, sizes, 1)) == 3
    assert parquet_files._shared_out(["e"], [[]], 4) == ((),)


def test_a_large_data_set_has_more_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each so many bytes, once those of the cores are larger."""
    sizes = [[(10, 100)] * 50]
    assert len(parquet_files._shared_out(["a"], sizes, 2)) == 6
    monkeypatch.setattr(parquet_files, "TASK_BYTES", 250)
    assert len(parquet_files._shared_out(["a"], sizes, 2)) == 20
