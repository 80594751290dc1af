"""Every size constant of the way from files to sums is crossed, and no bit or row changes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spark import faults
from spark.training import outcome, recipe_of, without_spark

from nnspark.data import block_rows
from nnspark.engines import layout, resident
from nnspark.engines import rdd as spark_shards
from nnspark.engines.frames import boundaries, build, few_keys, merging
from nnspark.engines.layout import make_shards
from nnspark.errors import DataError, InternalError
from nnspark.runs.data import load_shards
from nnspark.sources.table import DataRequest, Named, make_table

ROWS = """
[data]
source = "parquet"
[training]
epochs = 1
block_rows = 100
learning_rate = 0.5
"""
METHODS = {
    "gd": (),
    "adam": ('training.optimizer="adam"',),
    "lbfgs": ('training.optimizer="lbfgs"',),
    "rounds": ("rounds.batch_size=32", "rounds.replicas=4"),
}


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """6,000 rows of ten float64 features: 480 kB in two files of several row groups."""
    import pyarrow as pa
    from pyarrow import parquet

    folder = tmp_path_factory.mktemp("sizes")
    rng = np.random.default_rng(11)
    X = rng.normal(size=(6_000, 10))
    columns = {f"x{i}": X[:, i] for i in range(10)} | {"label": (X[:, 0] + X[:, 1] > 0).astype(int)}
    table = pa.table(columns)
    parquet.write_table(table.slice(0, 2_500), folder / "a.parquet", row_group_size=700)
    parquet.write_table(table.slice(2_500), folder / "b.parquet", row_group_size=1_000)
    return folder


FEW_BINS = pytest.param(100_000, marks=pytest.mark.slow)  # the other rows: the same way, more often


@pytest.fixture(params=[40_000, FEW_BINS], ids=["many bins a task", "a few bins a task"])
def small_bins(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task's rows are cut into several shards, as those of 48 MB and more are."""
    monkeypatch.setattr(layout, "BIN_BYTES", request.param)


# Methods ask shards for one of two things: sums over all blocks (gd, adam, lbfgs) or rounds of replicas.
LIKE_GD = [pytest.param(name, marks=pytest.mark.slow) for name in ("adam", "lbfgs")]


@pytest.mark.usefixtures("small_bins")
@pytest.mark.parametrize("method", ["gd", "rounds", *LIKE_GD])
def test_several_shards_a_task_give_the_bits_of_no_spark(spark: Any, parquet: Path, method: str) -> None:
    """From files on the executors, 3 tasks whose shards are all lost once; of gradient descent 1 task too."""
    options = (f"data.path={parquet}", *METHODS[method])
    expected = without_spark(recipe_of(*options, text=ROWS))
    for tasks in (1, 3) if method == "gd" else (3,):
        recipe = recipe_of(*options, f"spark.partitions={tasks}", text=ROWS)
        shards = load_shards(recipe, spark)
        assert len(shards.handles) > 3
        assert len({handle.shard for handle in shards.handles}) == len(shards.handles)
        if tasks == 3:
            faults.lose(shards)
        assert outcome(recipe, shards) == expected


@pytest.mark.parametrize(("many", "taken"), [(400, 400), (6_000, 100)])
def test_blocks_of_a_long_and_narrow_table_are_the_same_on_every_way(
    spark: Any, parquet: Path, monkeypatch: pytest.MonkeyPatch, many: int, taken: int
) -> None:
    """Left open by the recipe, on either side of the limit; on one of them also read by Spark."""
    monkeypatch.setattr(block_rows, "PLAIN", 100)
    monkeypatch.setattr(block_rows, "MANY", many)
    monkeypatch.setattr(block_rows, "LEAST_BLOCKS", 10)
    options = (f"data.path={parquet}", "training.block_rows=0")
    expected = without_spark(recipe_of(*options, text=ROWS))
    assert expected == without_spark(recipe_of(*options, f"training.block_rows={taken}", text=ROWS))
    for direct in ("true", "false") if taken > 100 else ("true",):
        recipe = recipe_of(*options, "spark.partitions=3", f"spark.direct={direct}", text=ROWS)
        shards = load_shards(recipe, spark)
        assert shards.plan.block_rows == taken
        assert outcome(recipe, shards) == expected


@pytest.mark.usefixtures("small_bins")
def test_several_shards_a_task_from_the_driver_give_the_bits_of_no_spark(spark: Any, parquet: Path) -> None:
    """The other route: rows that the driver read; some shards are lost."""
    from nnspark.data.dataset import make_dataset
    from nnspark.sources import load_table

    recipe = recipe_of(f"data.path={parquet}", text=ROWS)
    dataset = make_dataset(load_table(recipe.data), recipe)
    shards = make_shards(dataset, spark.sparkContext, partitions=2)
    faults.lose(shards, {1, 3})
    assert outcome(recipe, shards) == without_spark(recipe)


def test_only_what_is_lost_is_laid_out_again(
    spark: Any, parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other shards' files are those that were written first."""
    monkeypatch.setattr(layout, "BIN_BYTES", 20_000)
    recipe = recipe_of(f"data.path={parquet}", "training.epochs=1", text=ROWS)
    with load_shards(recipe, spark) as shards:
        before = _written(spark, shards)
        lost = sorted(before)[2]
        faults.lose(shards, {lost})
        shards.run(_nothing, None, _Nothing)
        after = _written(spark, shards)
    assert {shard for shard in before if before[shard] != after[shard]} == {lost}


@pytest.mark.parametrize(
    "room", [pytest.param(0, marks=pytest.mark.slow), 60_000], ids=["none fits", "some fit"]
)
def test_more_shards_than_a_worker_keeps_mapped(
    spark: Any, parquet: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """What does not fit is mapped for the moment, and gives the same bits."""
    monkeypatch.setattr(layout, "BIN_BYTES", 20_000)
    recipe = recipe_of(f"data.path={parquet}", text=ROWS)
    shards = load_shards(recipe, spark)
    plain = shards.run

    def run(function: Any, value: Any, zero: Any) -> Any:
        return plain(_Limited(function, room), value, zero)

    shards.run = run  # type: ignore[method-assign]
    assert outcome(recipe, shards) == without_spark(recipe)


@pytest.mark.parametrize("tasks", [pytest.param(3, marks=pytest.mark.slow), 9])  # 9: sums of sums too
@pytest.mark.parametrize("limit", ["DIRECT_TASKS", "DIRECT_BYTES"])
def test_a_deeper_sum_gives_the_same_bits(
    spark: Any, parquet: Path, monkeypatch: pytest.MonkeyPatch, tasks: int, limit: str
) -> None:
    """Above so many tasks, or so many bytes of results, sums meet on the executors first."""
    from nnspark.engines import gather

    monkeypatch.setattr(gather, limit, 2)
    recipe = recipe_of(f"data.path={parquet}", f"spark.partitions={tasks}", text=ROWS)
    assert outcome(recipe, load_shards(recipe, spark)) == without_spark(recipe)


def test_results_of_many_partitions_meet_on_the_executors(
    spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver takes a few, also where the split's boundaries are narrowed; the bits stay."""
    from pyspark.sql import functions as F

    taken: list[int] = []

    def counted(results: Any) -> Any:
        results = list(results)
        taken.append(len(results))
        return merge_all(results)

    merge_all = merging.merge_all
    monkeypatch.setattr(merging, "merge_all", counted)
    df = spark.range(0, 10_000, 1, 5).select(F.sin("id").alias("x"), (F.col("id") % 2).alias("label"))
    recipe = recipe_of("data.split.stratify=true", "data.scale=standard", "training.epochs=1", text=ROWS)
    direct = outcome(recipe, build.frame_shards(df, recipe))
    assert max(taken) == 5
    passes = len(taken)
    taken.clear()
    monkeypatch.setattr(merging, "DIRECT", 4)
    monkeypatch.setattr(boundaries, "NEAR_ROWS", 2)
    monkeypatch.setattr(few_keys, "FEW_ROWS", 9_999)
    assert outcome(recipe, build.frame_shards(df, recipe)) == direct
    assert max(taken) <= 2  # as many as there are cores here
    assert len(taken) > passes


@pytest.mark.parametrize(
    "options", [pytest.param((), marks=pytest.mark.slow), ("rounds.replicas=4", "rounds.batch_size=32")]
)
def test_rows_that_come_many_times_are_spread_over_the_tasks(spark: Any, options: tuple[str, ...]) -> None:
    """Eight kinds and some others, on 4 tasks (or on 1), all shards lost once: the bits of no Spark.

    Where each kind had one block, one of four tasks had all rows of three kinds.
    """
    from pyspark.sql import functions as F

    kind = F.when(F.col("id") < 16_000, F.col("id") % 8).otherwise(F.sin("id"))
    df = spark.range(0, 17_000, 1, 5).select(
        kind.alias("x"), (F.col("id") % 8 > 3).cast("int").alias("label")
    )
    recipe = recipe_of("data.scale=standard", "training.epochs=2", *options, text=ROWS)
    rows = df.toPandas()
    table = make_table(
        DataRequest.of(recipe.data),
        Named(rows[["x"]].to_numpy(), "x", str),
        Named(rows["label"].to_numpy(), "label", str),
        names=("x",),
    )
    expected = without_spark(recipe, table)
    for tasks in (4,) if options else (1, 4):
        shards = build.frame_shards(df, recipe, partitions=tasks)
        shares = [handle.rows[0] for handle in shards.handles]
        assert max(shares) < 1.4 * shards.plan.num_samples[0] / tasks
        faults.lose(shards)
        assert outcome(recipe, shards) == expected


@pytest.mark.parametrize("batch", [7, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_the_size_of_arrow_batches_changes_nothing(spark: Any, parquet: Path, batch: int) -> None:
    """spark.sql.execution.arrow.maxRecordsPerBatch is the user's."""
    key = "spark.sql.execution.arrow.maxRecordsPerBatch"
    before = spark.conf.get(key)
    recipe = recipe_of(f"data.path={parquet}", "training.epochs=1", text=ROWS)
    spark.conf.set(key, batch)
    try:
        assert outcome(recipe, load_shards(recipe, spark)) == without_spark(recipe)
    finally:
        spark.conf.set(key, before)


def test_shards_named_alike_are_caught_before_anything_is_trained(
    spark: Any, parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two bins under one number: the fault that once trained a third of the rows three times."""
    monkeypatch.setattr(layout, "BIN_BYTES", 20_000)
    monkeypatch.setattr(build, "handle_of", _misnamed)
    recipe = recipe_of(f"data.path={parquet}", "spark.partitions=1", text=ROWS)
    with pytest.raises(InternalError, match="laid out twice"):
        load_shards(recipe, spark)


def test_a_shard_whose_rows_are_counted_twice_is_caught_by_the_evaluation(spark: Any, parquet: Path) -> None:
    """The rows that an evaluation went over are compared with the plan's."""
    recipe = recipe_of(f"data.path={parquet}", "spark.partitions=3", text=ROWS)
    with load_shards(recipe, spark) as shards:
        shards._handles[99] = shards.handles[0]
        with pytest.raises(
            InternalError, match=r"an evaluation went over \d+ train rows but the plan has 4800"
        ):
            outcome(recipe, shards)


def test_rows_that_change_between_survey_and_packing_are_refused(spark: Any) -> None:
    """A feature that is drawn anew each time the source is read."""
    from pyspark.sql import functions as F

    df = spark.range(0, 500, 1, 3).select(
        F.udf(lambda: float(np.random.default_rng().normal()), "double").asNondeterministic()().alias("x"),
        (F.col("id") % 2).alias("label"),
    )
    recipe = recipe_of("data.split={train=1.0,validation=0.0,test=0.0}", text=ROWS)
    with pytest.raises(DataError, match="changed between the survey and the"):
        build.frame_shards(df, recipe)


def test_the_home_of_a_lost_shard_is_told_from_another_executor() -> None:
    """What is not at home is lost; what is asked for elsewhere is only away."""
    from nnspark.engines.gather import gather

    class Sent:
        value = None

    handles = [
        resident.Handle("none", 0, resident.home(), (1, 0, 0)),
        resident.Handle("none", 1, "/elsewhere", (1, 0, 0)),
    ]
    (gathered,) = gather(_nothing, Sent(), _Nothing, (), 0.0, iter(handles))  # type: ignore[arg-type]
    assert (gathered.lost, gathered.away) == ({0}, {1})


@pytest.mark.parametrize(
    ("message", "replaced"),
    [
        ("java.io.FileNotFoundException: /tmp/spark-8f7e/executor-1/blockmgr-0ab1/0c/shuffle_1.data", True),
        ("java.nio.file.NoSuchFileException: /mnt/blockmgr-6d1c-44/11", True),
        ("java.io.IOException: Failed to create local dir in /tmp/blockmgr-1/0e", True),
        ("java.io.FileNotFoundException: File file:/data/rows/part-3.parquet does not exist", False),
        ("org.apache.spark.SparkFileNotFoundException: hdfs://n/rows/part-0 does not exist", False),
    ],
)
def test_a_deleted_source_does_not_replace_executors(message: str, replaced: bool) -> None:
    """Only files of Spark's own local directories mean that an executor lost its disk."""
    assert bool(spark_shards.DISK_LOST.search(message)) == replaced


class _Nothing:
    """An accumulator of nothing."""

    def merge(self, other: "_Nothing") -> "_Nothing":
        """Nothing and nothing is nothing."""
        return self


def _nothing(sets: Any, value: Any) -> _Nothing:
    """Go over the shards and do nothing."""
    list(sets)
    return _Nothing()


class _Limited:
    """A worker function whose process keeps no more than so many bytes of shards mapped."""

    def __init__(self, function: Any, room: int) -> None:
        self.function, self.room = function, room

    def __call__(self, sets: Any, value: Any) -> Any:
        resident.RESIDENT_BYTES, before = self.room, resident.RESIDENT_BYTES
        resident._kept.clear()
        try:
            result = self.function(sets, value)
            assert sum(blocks.X.nbytes for blocks in resident._kept.values()) <= self.room
        finally:
            resident.RESIDENT_BYTES = before
        return result


def _misnamed(row: Any) -> resident.Handle:
    """A handle with the number of its neighbour, as two bins of a task once had."""
    import pickle

    handle = pickle.loads(row["handle"])
    return handle._replace(shard=handle.shard // 2)


def _written(spark: Any, shards: Any) -> dict[int, int]:
    """When each shard's features were written."""

    def times(handles: Any) -> Any:
        for handle in handles:
            folder = resident._folder(handle)
            yield handle.shard, (folder / "X.npy").stat().st_mtime_ns if folder else 0

    return dict(spark.sparkContext.parallelize(shards.handles, 1).mapPartitions(times).collect())
