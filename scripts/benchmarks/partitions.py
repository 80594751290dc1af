"""Partitions: an epoch does not pay for how the data arrived, and what a cluster of any size would cost.

1. The same rows as a DataFrame of 2, 16, 64, 256 partitions, laid out by nnspark, epochs interleaved.
2. No-op jobs of as many tasks, summed at depth 1 and 2: what following the input would cost.
3. The cost model of ``_cost_model.py``, fitted to measurements of this run, and what it predicts.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import _common
from benchmarks._common import CORES, Contestant, Ratio, race, ratio_table, timing_table
from benchmarks._cost_model import fit, predict
from benchmarks._data import rows_of, table_of, write_parquet
from benchmarks._nnspark import Epochs, recipe_for
from benchmarks.wide import session_of
from nnspark.data.dataset import make_dataset
from nnspark.engines.frames import frame_shards
from nnspark.engines.layout import make_shards

Array = NDArray[Any]
PARTITIONS = (2, 16, 64, 256)
LAUNCHED = (100, 1_000, 10_000)
WEIGHTS = (1_000, 300_000, 3_000_000)
MOST = 1.2
EXECUTORS = (10, 100, 1_000, 4_000)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many epochs."""
    parser.add_argument("--epochs", type=int, default=0, help="epochs each (default 15)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Race the partitionings and the no-op jobs, then fit the model."""
    spark = _common.session("partitions")
    (name, shape), *_ = _common.shapes_of(args, "M").items()
    epochs = args.epochs or (3 if args.quick else 15)
    recipe = recipe_for(shape, "float32")
    X, y = rows_of(shape)
    frame = frame_of(spark, X, y)
    counts = PARTITIONS[:3] if args.quick else PARTITIONS
    shards = [frame_shards(frame.repartition(count), recipe) for count in counts]
    arrived = [
        Contestant(f"data in {count} partitions", Epochs(recipe, one))
        for count, one in zip(counts, shards, strict=True)
    ]
    race(arrived, epochs)
    for one in shards:
        one.close()
    idle = {
        (count, depth): Contestant(
            f"no-op, {count} tasks, depth {depth}", job(spark, count, depth, 1), every, 1
        )
        for count, every in zip(counts, (1, 1, 2, 3), strict=False)
        for depth in (1, 2)
    }
    moved = {size: Contestant(f"no-op, {size:,} weights", job(spark, CORES, 1, size)) for size in WEIGHTS}
    sent = {
        size: Contestant(f"broadcast, {size:,} weights", job(spark, CORES, 1, size, back=1))
        for size in WEIGHTS
    }
    launched = {
        count: Contestant(f"JVM alone, {count:,} tasks", jvm_job(spark, count), every, 2)
        for count, every in zip(LAUNCHED[: 2 if args.quick else 3], (1, 1, 5), strict=False)
    }
    rows = {count: rows_epoch(spark, shape._replace(rows=count)) for count in (shape.rows // 4, shape.rows)}
    with session_of(shape, "float32", CORES) as ask:
        wide = Contestant(f"epoch, {shape.rows:,} rows, one task of {CORES} cores", partial(ask, "epoch"))
        others = [*idle.values(), *launched.values(), *moved.values(), *sent.values(), *rows.values(), wide]
        race(others, epochs)

    constants = fit(idle, launched, moved, sent, rows)
    constants["threads"] = wide.median / rows[shape.rows].median
    base = arrived[0].median
    return {
        "shape": name,
        "size": str(shape),
        "epochs": timing_table(arrived),
        "idle": timing_table(others),
        "ratios": ratio_table(
            Ratio(f"{one.name} / {arrived[0].name}", one.median / base, MOST, -1) for one in arrived[1:]
        ),
        "constants": constants,
        "predictions": [predict(constants, executors, shape.layers) for executors in EXECUTORS],
    }


def frame_of(spark: Any, X: Array, y: Array) -> Any:
    """The rows as a cached DataFrame with an array column."""
    with tempfile.TemporaryDirectory(prefix="nnspark-bench-") as folder:
        frame = spark.read.parquet(write_parquet(Path(folder) / "rows", X, y, CORES)).cache()
        frame.count()
    return frame


def rows_epoch(spark: Any, shape: _common.Shape) -> Contestant:
    """Epochs of fewer rows: what a row costs."""
    recipe = recipe_for(shape, "float32")
    shards = make_shards(make_dataset(table_of(*rows_of(shape)), recipe), spark.sparkContext)
    return Contestant(f"epoch, {shape.rows:,} rows", Epochs(recipe, shards))


def job(spark: Any, tasks: int, depth: int, size: int, back: int = 0) -> Callable[[], list[float]]:
    """A broadcast of ``size`` float32 and a treeAggregate of ``back`` (or as many) from each task."""
    sc = spark.sparkContext
    handles = sc.parallelize(range(tasks), tasks).cache()
    value = np.random.default_rng(0).normal(size=size).astype(np.float32)

    def sample() -> list[float]:
        began = time.perf_counter()
        value_bc = sc.broadcast(value)
        handles.mapPartitions(partial(_result, value_bc, back)).treeAggregate(None, _add, _add, depth)
        value_bc.destroy()
        return [time.perf_counter() - began]

    return sample


def jvm_job(spark: Any, tasks: int) -> Callable[[], list[float]]:
    """A job of so many tasks of one number each, counted in the JVM: no Python worker is asked."""
    numbers = spark.sparkContext.parallelize(range(tasks), tasks)._jrdd

    def sample() -> list[float]:
        began = time.perf_counter()
        numbers.count()
        return [time.perf_counter() - began]

    return sample


def _result(value_bc: Any, back: int, handles: Iterator[int]) -> Iterator[Array]:
    """Worker function: part of the broadcast value, unchanged."""
    list(handles)
    yield value_bc.value[: back or None]


def _add(total: Array | None, other: Array | None) -> Array | None:
    return other if total is None else total if other is None else total + other


def table(results: dict[str, Any]) -> str:
    """Epochs, no-op jobs, constants, predictions."""
    constants = [{"constant": name, "value": f"{value:.4g}"} for name, value in results["constants"].items()]
    model = (
        "T = job + tasks launch + tasks/cores task + rows/cores row + "
        "weights (broadcast + aggregation merges), seconds"
    )
    parts = [_common.format_table(results[name]) for name in ("epochs", "ratios", "idle")]
    parts += [model, _common.format_table(constants), _common.format_table(results["predictions"])]
    return f"\n{results['shape']}: {results['size']}, float32\n\n" + "\n\n".join(parts)
