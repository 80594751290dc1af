"""Wide tasks: an epoch by one task of all cores (``spark.task.cpus``), a thread each, and by a task a core.

The two are sessions, hence processes of their own, which take turns. Beside the time of an epoch: bytes of
results that reached the driver in it, as Spark counts them, and the peak memory of the Python workers.
"""

import argparse
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from benchmarks import _common, epoch
from benchmarks._answering import answer, answering
from benchmarks._common import CORES, Contestant, Ratio, Shape, progress, race, ratio_table, timing_table
from benchmarks._data import rows_of, table_of
from benchmarks._machine import processes_below
from benchmarks._nnspark import Epochs, recipe_for
from benchmarks.memory import note
from nnspark.data.dataset import make_dataset
from nnspark.engines.layout import make_shards

WAYS = {f"{CORES} tasks of one core": 1, f"a task of {CORES} cores": CORES}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many epochs."""
    parser.add_argument("--epochs", type=int, default=0, help="epochs each (default 21 at M and L, 15 at XL)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Race both ways at every shape, in both precisions."""
    shapes = _common.shapes_of(args, "M" if args.quick else "M,XL", epoch.EPOCHS)
    return {
        "shapes": [
            run_shape(
                name, shape, dtype, epoch.epochs_of(args, name), 2 if args.quick else epoch.WARMUP[name]
            )
            for (name, shape), dtype in itertools.product(shapes.items(), ("float32", "float64"))
        ]
    }


def run_shape(name: str, shape: Shape, dtype: str, epochs: int, warmup: int) -> dict[str, Any]:
    """Race both ways at one shape."""
    progress(f"shape {name}, {shape}, {dtype}")
    with ExitStack() as stack:
        asks = {way: stack.enter_context(session_of(shape, dtype, cpus)) for way, cpus in WAYS.items()}
        contestants = [Contestant(way, partial(ask, "epoch"), warmup=warmup) for way, ask in asks.items()]
        race(contestants, epochs)
        rows = timing_table(contestants)
        for row, ask in zip(rows, asks.values(), strict=True):
            row |= ask("cost")
    narrow, wide = (one.median for one in contestants)
    ratios = [Ratio("a wide task / a task a core", wide / narrow)]
    return {"shape": name, "size": f"{shape}, {dtype}", "epochs": rows, "ratios": ratio_table(ratios)}


@contextmanager
def session_of(shape: Shape, dtype: str, cpus: int) -> Iterator[Callable[[str], Any]]:
    """What asks a session with tasks of so many cores for "epoch" or "cost"."""
    given = os.environ.get("PYSPARK_SUBMIT_ARGS", "pyspark-shell")
    environment = {"PYSPARK_SUBMIT_ARGS": f"--conf spark.task.cpus={cpus} {given}"}
    with answering("benchmarks.wide", [*shape, dtype], environment) as ask:
        if ask("rows") != shape.rows:
            sys.exit(f"bench: tasks of {cpus} cores laid out other rows than the {shape.rows} there are")
        yield ask


def serve(shape: Shape, dtype: str) -> None:
    """Lay out a shape's rows on the tasks that this process's settings make, and do what is asked for."""
    sc = _common.session("wide").sparkContext
    recipe = recipe_for(shape, dtype)
    with make_shards(make_dataset(table_of(*rows_of(shape)), recipe), sc) as shards:
        own = Epochs(recipe, shards)
        answer({"epoch": own, "rows": lambda: shards.plan.num_samples[0], "cost": partial(cost_of, sc)})


def cost_of(sc: Any) -> dict[str, Any]:
    """Of the last stage: tasks, megabytes of results. Of the Python workers: megabytes at their peak."""
    tracker, store = sc.statusTracker(), sc._jsc.sc().statusStore()
    jobs = (tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup())
    last = store.lastStageAttempt(max(stage for job in jobs if job for stage in job.stageIds))
    found: dict[int, dict[str, Any]] = {}
    for pid in processes_below(os.getpid()):
        note(pid, found)
    peaks = [one["peak_mb"] for one in found.values() if one["process"] == "worker"]
    return {
        "tasks": last.numTasks(),
        "results_mb": round(last.resultSize() / 1e6, 2),
        "workers_mb": round(sum(peaks), 1),
    }


def table(results: dict[str, Any]) -> str:
    """As an epoch's."""
    return epoch.table(results)


if __name__ == "__main__":
    rows, layers, dtype = json.loads(sys.argv[1])
    serve(Shape(rows, tuple(layers)), dtype)
