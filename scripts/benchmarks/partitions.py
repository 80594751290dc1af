"""Partitions: an epoch does not pay for how the data arrived, and what a cluster of any size would cost.

1. The same rows as a DataFrame of 2, 16, 64, 256 partitions, laid out by nnspark, epochs interleaved.
2. No-op jobs of as many tasks, summed at depth 1 and 2: what following the input would cost.
3. The cost model of ``_cost_model.py``, fitted to measurements of this run, and what it predicts.
"""

import argparse
import re
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
LAUNCHED = 10_000
WEIGHTS = (1_000, 300_000, 3_000_000)
MOST = 1.2
EXECUTORS = (10, 100, 1_000, 4_000)
DRIVERS = ("dag-scheduler", "dispatcher", "task-result-getter")


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
    launches = launch_costs(spark, LAUNCHED // 10 if args.quick else LAUNCHED)
    rows = {count: rows_epoch(spark, shape._replace(rows=count)) for count in (shape.rows // 4, shape.rows)}
    with session_of(shape, "float32", CORES) as ask:
        wide = Contestant(f"epoch, {shape.rows:,} rows, one task of {CORES} cores", partial(ask, "epoch"))
        others = [*idle.values(), *moved.values(), *sent.values(), *rows.values(), wide]
        race(others, epochs)

    constants = fit(idle, max(launches.values()), moved, sent, rows)
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
        "launches": [{"threads": name, "ms_a_task": 1e3 * cost} for name, cost in launches.items()],
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


def launch_costs(spark: Any, tasks: int) -> dict[str, float]:
    """Processor's seconds a task of the driver's threads that hand out tasks and take results in, by name.

    Of a job whose tasks count a number each, in the JVM. Threads that share their work by turns count as one.
    """
    sc = spark.sparkContext
    numbers = sc._jsc.sc().range(0, tasks, 1, tasks).toJavaRDD()
    numbers.count()
    before = _thread_seconds(sc)
    numbers.count()
    after = _thread_seconds(sc)
    costs = {name: (after[name] - before.get(name, 0.0)) / tasks for name in after}
    return {name: cost for name, cost in costs.items() if name.startswith(DRIVERS)}


def _thread_seconds(sc: Any) -> dict[str, float]:
    """Processor's seconds of the JVM's threads, added up by their names without numbers."""
    bean = sc._jvm.java.lang.management.ManagementFactory.getThreadMXBean()
    found: dict[str, float] = {}
    for thread in bean.getAllThreadIds():
        about = bean.getThreadInfo(thread)
        if about is not None:
            name = re.sub(r"[-#]?\d+$", "", str(about.getThreadName()))
            found[name] = found.get(name, 0.0) + bean.getThreadCpuTime(thread) / 1e9
    return found


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
    parts = [_common.format_table(results[name]) for name in ("epochs", "ratios", "idle", "launches")]
    parts += [model, _common.format_table(constants), _common.format_table(results["predictions"])]
    return f"\n{results['shape']}: {results['size']}, float32\n\n" + "\n\n".join(parts)
