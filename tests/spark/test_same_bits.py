"""One recipe gives the same weights and history however Spark lays it out, and one job an epoch."""

import uuid
from functools import partial
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from spark import faults
from spark.training import outcome, recipe_of, without_spark

from nnspark.data.dataset import make_dataset
from nnspark.engines import resident
from nnspark.engines.layout import make_shards
from nnspark.engines.rdd import SparkShards
from nnspark.sources import load_table
from nnspark.sources.table import DataRequest, Named, make_table
from nnspark.training import cost
from nnspark.training.loop import train

ADAM = ('training.optimizer="adam"', "training.learning_rate=0.01")
ROUNDS = (*ADAM, "rounds.batch_size=32", "rounds.replicas=4")
LBFGS = ('training.optimizer="lbfgs"',)


def on_spark(spark: Any, recipe: Any, partitions: int, depth: int = 0) -> SparkShards:
    """Digits laid out on Spark."""
    dataset = make_dataset(load_table(recipe.data), recipe)
    shards = make_shards(dataset, spark.sparkContext, partitions=partitions, depth=depth)
    assert isinstance(shards, SparkShards)
    return shards


METHODS = {"gd": (), "adam": ADAM, "lbfgs": LBFGS, "rounds": ROUNDS}
SLOW = (
    ("float32", "lbfgs"),
    ("float32", "gd"),
    ("float64", "adam"),
    ("float64", "rounds"),
)  # each has its other
CELLS = [
    pytest.param(
        options, dtype, id=f"{dtype}-{name}", marks=[pytest.mark.slow] if (dtype, name) in SLOW else []
    )
    for dtype in ("float32", "float64")
    for name, options in METHODS.items()
]


@pytest.mark.parametrize(("options", "dtype"), CELLS)
def test_partitions_do_not_change_a_bit(spark: Any, options: tuple[str, ...], dtype: str) -> None:
    """1 and 7 partitions, and the engine without Spark, agree in weights and history."""
    recipe = recipe_of(f'training.dtype="{dtype}"', "training.epochs=3", *options)
    expected = without_spark(recipe)
    for partitions in (1, 7):
        assert outcome(recipe, on_spark(spark, recipe, partitions)) == expected


@pytest.mark.parametrize("depth", [*(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2)), 3])
def test_more_partitions_than_blocks_do_not_change_a_bit(spark: Any, depth: int) -> None:
    """64 partitions, most of them empty, whatever the depth of the tree; at 3 sums of sums are summed."""
    recipe = recipe_of("training.epochs=1")
    assert outcome(recipe, on_spark(spark, recipe, 64, depth)) == without_spark(recipe)


def test_more_partitions_than_rows_do_not_change_a_bit(spark: Any) -> None:
    """30 rows of iris, a block each, on 36 partitions."""
    recipe = recipe_of(
        'data.source="iris"', 'data.scale="standard"', "training.block_rows=1", "training.epochs=1"
    )
    X, y = load_iris(return_X_y=True)
    features, labels = Named(X[::5], "X", str), Named(y[::5], "y", str)
    table = make_table(DataRequest.of(recipe.data), features, labels, names=("a", "b", "c", "d"))
    shards = make_shards(make_dataset(table, recipe), spark.sparkContext, partitions=36)
    assert outcome(recipe, shards) == without_spark(recipe, table)


def train_counting_jobs(spark: Any, recipe: Any, shards: SparkShards) -> tuple[Any, int]:
    """What training gives, and how many Spark jobs it took."""
    sc = spark.sparkContext
    group = uuid.uuid4().hex
    sc.setJobGroup(group, "counted")
    try:
        trained = train(recipe, shards)
        return trained, len(sc.statusTracker().getJobIdsForGroup(group))
    finally:
        sc.setLocalProperty("spark.jobGroup.id", None)


def test_an_epoch_is_one_spark_job(spark: Any) -> None:
    """The status tracker counts a job an evaluation, and two for the final metrics and the baseline's."""
    recipe = recipe_of("training.epochs=5")
    trained, jobs = train_counting_jobs(spark, recipe, on_spark(spark, recipe, 2))
    assert trained.progress.evaluations == 5
    assert jobs == 5 + 2


def test_tasks_that_fail_twice_do_not_change_a_bit(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Retried tasks are counted once."""
    recipe = recipe_of("training.epochs=2")
    expected = without_spark(recipe)
    monkeypatch.setattr(cost, "_totals", faults.failing_twice)
    assert outcome(recipe, on_spark(spark, recipe, 3)) == expected


@pytest.mark.parametrize("options", [(), ROUNDS], ids=["gd", "rounds"])
def test_lost_shards_are_rebuilt_and_do_not_change_a_bit(spark: Any, options: tuple[str, ...]) -> None:
    """Shards deleted behind the workers' backs before every epoch."""
    recipe = recipe_of("training.epochs=2", *options)
    shards = on_spark(spark, recipe, 3)
    run = shards.run

    def losing(function: Any, value: Any, zero: Any) -> Any:
        faults.lose(shards)
        return run(function, value, zero)

    shards.run = losing  # type: ignore[method-assign]
    assert outcome(recipe, shards) == without_spark(recipe)


@pytest.mark.parametrize("partitions", [1, 2, 8])
def test_tasks_do_not_carry_rows(spark: Any, partitions: int) -> None:
    """A partition, which every task of every epoch takes along, is small however many rows it stands for."""
    shards = on_spark(spark, recipe_of(), partitions)
    jvm = spark.sparkContext._jvm
    for partition in shards._placed(None)._jrdd.rdd().partitions():
        written = jvm.java.io.ByteArrayOutputStream()
        jvm.java.io.ObjectOutputStream(written).writeObject(partition)
        assert written.size() < 20_000
    shards.close()


def test_lost_shards_cost_two_more_jobs_once(spark: Any) -> None:
    """One lays them out again, one sums over them; the next evaluation is one job again."""
    recipe = recipe_of("training.epochs=1")
    shards = on_spark(spark, recipe, 3)
    trained_before = train(recipe, shards)
    faults.lose(shards)
    trained, jobs = train_counting_jobs(spark, recipe, shards)
    np.testing.assert_array_equal(trained.theta, trained_before.theta)
    assert jobs == (1 + 2) + 2


def test_shards_are_deleted_when_closed(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a closed data set is left in the executors' directories."""
    recipe = recipe_of()
    shards = on_spark(spark, recipe, 2)
    found = partial(_directories)
    train(recipe, shards)
    data_set = shards.handles[0].data_set
    before = spark.sparkContext.parallelize([data_set], 1).map(found).first()
    shards.close()
    after = spark.sparkContext.parallelize([data_set], 1).map(found).first()
    assert before
    assert not after


def _directories(data_set: str) -> list[str]:
    return [str(path) for root in resident.local_roots() for path in root.glob(f"nnspark/{data_set}/*")]
