"""Partitions: an epoch does not pay for how the data arrived, and what a cluster of any size would cost.

1. The same rows as a DataFrame of 2, 16, 64, 256 partitions, laid out by nnspark, epochs interleaved.
2. No-op jobs of as many tasks, summed at depth 1 and 2: what following the input would cost.
3. The cost model, fitted to measurements of this run (t tasks on k cores, n rows, w weights):

       T = job + t launch + t/k task + n/k row + w (broadcast + aggregation · merges)

   where ``launch`` is what the driver takes to hand out a task and take its result in: of jobs of 100 to
   10,000 tasks that never leave the JVM (whose executor's part is counted too, as it is the same JVM here);
   and ``merges`` is the number of results added one after the other on the way to the driver: t at depth 1,
   2 ceil(sqrt(t)) at depth 2. A broadcast goes out once and spreads from executor to executor. What it
   predicts for large clusters leaves out stragglers and a network slower than this machine's loopback.

(Above 200 lines: the jobs, the model fitted to them and what it predicts are read together.)
"""

import argparse
import itertools
import math
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
from benchmarks._data import rows_of, table_of, write_parquet
from benchmarks._nnspark import Epochs, recipe_for
from nnspark.data.dataset import make_dataset
from nnspark.engines.frames import frame_shards
from nnspark.engines.layout import make_shards

Array = NDArray[Any]
PARTITIONS = (2, 16, 64, 256)
LAUNCHED = (100, 1_000, 10_000)
WEIGHTS = (1_000, 300_000, 3_000_000)
MOST = 1.2
CORES_EACH = 4
EXECUTORS = (10, 100, 1_000, 4_000)
ROWS = 100_000_000


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
    others = [*idle.values(), *launched.values(), *moved.values(), *sent.values(), *rows.values()]
    race(others, epochs)

    constants = fit(idle, launched, moved, sent, rows)
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


def fit(
    idle: dict[tuple[int, int], Contestant],
    launched: dict[int, Contestant],
    moved: dict[int, Contestant],
    sent: dict[int, Contestant],
    rows: dict[int, Contestant],
) -> dict[str, float]:
    """The model's constants, seconds, by least squares (of medians)."""
    at_1 = {count: one.median for (count, depth), one in idle.items() if depth == 1}
    task, job_seconds = np.polyfit([count / CORES for count in at_1], list(at_1.values()), 1)
    launch = float(np.polyfit(list(launched), [one.median for one in launched.values()], 1)[0])
    broadcast = np.polyfit(list(sent), [one.median for one in sent.values()], 1)[0]
    both = np.polyfit(list(moved), [one.median for one in moved.values()], 1)[0]
    (few, cheap), (many, dear) = ((count, one.median) for count, one in sorted(rows.items()))
    return {
        "job": max(float(job_seconds), min(at_1.values()) - float(task)),
        "launch": launch,
        "task": max(float(task) - CORES * launch, 0.0),  # its slope holds both
        "row": (dear - cheap) / (many - few) * CORES,
        "broadcast": float(broadcast),
        "aggregation": max(float(both - broadcast), 0.0) / CORES,
        f"depth 2 / depth 1, {max(at_1)} tasks": idle[max(at_1), 2].median / idle[max(at_1), 1].median,
    }


def predict(constants: dict[str, float], executors: int, layers: tuple[int, ...]) -> dict[str, Any]:
    """An epoch of 100 million rows of the shape on that many executors, at the better depth.

    Of one task a core, or a half, a quarter, ... of that (``spark.partitions``), whichever is quickest.
    """
    cores = executors * CORES_EACH
    seconds = {
        (cores >> half, depth): epoch_of(constants, cores >> half, depth, weights_of(layers))
        for half in range(4)
        for depth in (1, 2)
    }
    tasks, depth = best = min(seconds, key=lambda key: seconds[key])
    compute = ROWS / tasks * constants["row"]
    return {
        "executors": executors,
        "cores": cores,
        "tasks": tasks,
        "rows": ROWS,
        "depth": depth,
        "epoch_s": round(seconds[best], 3),
        "a_task_a_core_s": round(min(seconds[cores, 1], seconds[cores, 2]), 3),
        "compute_s": round(compute, 3),
        "launch_s": round(tasks * constants["launch"], 3),
        "efficiency": round(ROWS / cores * constants["row"] / seconds[best], 3),
    }


def epoch_of(constants: dict[str, float], tasks: int, depth: int, weights: int) -> float:
    """Seconds of an epoch of all rows by as many tasks, all at a time."""
    # Depth 2 adds a stage of sqrt(t) tasks: a second job's worth of scheduling and a wave of tasks.
    fixed = constants["job"] if depth == 1 else 2 * constants["job"] + constants["task"]
    merges = tasks if depth == 1 else 2 * math.ceil(math.sqrt(tasks))
    moved = weights * (constants["broadcast"] + constants["aggregation"] * merges)
    here = tasks * constants["launch"] + constants["task"] + ROWS / tasks * constants["row"]
    return fixed + here + moved


def weights_of(layers: tuple[int, ...]) -> int:
    """Weights of a network, biases included."""
    return sum((1 + fan_in) * units for fan_in, units in itertools.pairwise(layers))


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
