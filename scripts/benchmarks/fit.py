"""Fit: seconds of ``fit(DataFrame)`` of ``nnspark.ml``'s perceptron against MLlib's, ingest included.

The same network (sigmoid, softmax), ten iterations of L-BFGS, a warm session; rows from Parquet files of
vectors, and from the same DataFrame cached. MLlib has the blockSize that suits it best, nnspark what it comes
with. Each fit says how many rows it trained on (nnspark) or how many iterations it made (MLlib).

``cpu_s`` are the processor's seconds of the JVM and the workers; ``worker_mb`` is the peak of the largest
Python worker without mapped files, read ten times a second. The stages are nnspark's, from Parquet.

(Above 200 lines: both sides' fits and what is read of them meanwhile are told together.)
"""

import argparse
import importlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks import _common
from benchmarks._common import CORES, Contestant, Ratio, Shape, median, progress, race, ratio_table
from benchmarks._data import rows_of, vector_frame, write_parquet
from benchmarks._machine import processes_below, processor_times, used_since
from benchmarks._peers import best_block_size, mllib_blas
from benchmarks.memory import note

ITERATIONS = 10
BLOCK_SIZES = (128, 512, 2048)
OURS = 0  # what it comes with
MOST = {"M": 0.8, "T": 0.6}  # of MLlib's seconds
STAGES = {
    "labels, width": ("nnspark.ml.fitting", "read_source"),
    "columns": ("nnspark.engines.frames.build", "normalise"),
    "survey": ("nnspark.engines.frames.planning", "survey_of"),
    "boundary keys": ("nnspark.engines.frames.planning", "_split"),
    "scaling": ("nnspark.engines.frames.planning", "_fit"),
    "equal rows": ("nnspark.engines.frames.planning", "crowded_rows"),
    "packing": ("nnspark.engines.frames.build", "lay_out"),
    "iterations": ("nnspark.ml.fitting", "train"),
    "the last cost": ("nnspark.ml.fitting", "_costs"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many times."""
    parser.add_argument("--epochs", type=int, default=0, help="fits each (default 5 at S, 3 elsewhere)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Race the estimators over the rows of each shape."""
    spark = _common.session("fit")
    found = []
    for name, shape in _common.shapes_of(args, "S,M,T").items():
        turns = args.epochs or (1 if args.quick else 5 if name == "S" else 3)
        found.append(run_shape(spark, name, shape, turns))
    return {"mllib_blas": mllib_blas(spark), "shapes": found}


def run_shape(spark: Any, name: str, shape: Shape, turns: int) -> dict[str, Any]:
    """Race the estimators over one shape's rows."""
    with tempfile.TemporaryDirectory(prefix="nnspark-bench-") as folder:
        progress(f"writing shape {name}, {shape}")
        frame = write_rows(spark, shape, Path(folder))
        cached = frame.where("label is not null").cache()  # another plan: the files' own stays uncached
        if "InMemoryRelation" in str(frame._jdf.queryExecution().optimizedPlan()):
            raise SystemExit("bench: Spark would read the files' rows from the cache")
        if cached.count() != shape.rows:
            raise SystemExit(f"bench: {cached.count()} rows were cached where there are {shape.rows}")
        progress("choosing MLlib's blockSize")
        size, cost = best_block_size(cached, shape.layers, BLOCK_SIZES, (1, 4))
        fits = contestants_of(shape, frame, cached, size)
        race(list(fits.values()), turns)
        cached.unpersist()
    rates = [
        {
            "contestant": one.name,
            "seconds": round(one.median, 3),
            "fastest_s": round(min(one.seconds), 3),
            "cpu_s": round(median(one.used[1:]), 2),
            "worker_mb": max(one.peaks),
        }
        for one in fits.values()
    ]
    return {
        "shape": name,
        "size": f"{shape}, {ITERATIONS} iterations, {turns} fits each",
        "mllib_block_size": size,
        "mllib_block_sizes_ms": {str(key): round(1e3 * value, 1) for key, value in cost.items()},
        "fits": rates,
        "stages": stage_table(fits),
        "ratios": ratio_table(ratios_of(name, fits)),
    }


def write_rows(spark: Any, shape: Shape, folder: Path) -> Any:
    """The shape's rows as Parquet files of vectors and labels, as a DataFrame that reads them."""
    X, y = rows_of(shape)
    lists = write_parquet(folder / "lists", X, y, 2 * CORES)
    vector_frame(spark, lists).write.parquet(str(folder / "vectors"))
    return spark.read.parquet(str(folder / "vectors"))


def contestants_of(shape: Shape, frame: Any, cached: Any, block_size: int) -> dict[str, "Fits"]:
    """MLlib's estimator and ours in both precisions, from files and from memory."""
    from pyspark.ml.classification import MultilayerPerceptronClassifier as Mllib

    from nnspark.ml import MultilayerPerceptronClassifier as Own

    def make(kind: Any, size: int, **more: Any) -> Any:
        return kind(layers=list(shape.layers), maxIter=ITERATIONS, tol=0.0, seed=42, blockSize=size, **more)

    fits = []
    for source, rows in (("Parquet", frame), ("cached", cached)):
        fits.append(Fits(f"MLlib, {source}", make(Mllib, block_size), rows, shape.rows))
        for dtype in ("float32", "float64"):
            own = make(Own, OURS, dtype=dtype)
            fits.append(Fits(f"nnspark {dtype}, {source}", own, rows, shape.rows))
    return {one.name: one for one in fits}


class Fits(Contestant):
    """A contestant: fits of an estimator to a DataFrame of so many rows."""

    def __init__(self, name: str, estimator: Any, frame: Any, rows: int) -> None:
        super().__init__(name, self.timed, warmup=1)
        self.estimator, self.frame, self.rows = estimator, frame, rows
        self.used: list[float] = []
        self.peaks: list[float] = []
        self.stages: list[dict[str, float]] = []

    def timed(self) -> list[float]:
        """Seconds of one fit."""
        with largest_worker() as peak, stages() as (spent, trained):
            before, began = processor_times(), time.perf_counter()
            model = self.estimator.fit(self.frame)
            seconds = time.perf_counter() - began
            self.used.append(used_since(before))
        self.peaks.append(peak[0])
        self.stages.append({**spent, "all else": seconds - sum(spent.values())})
        check(self.name, model, trained, self.rows)
        return [seconds]


def check(name: str, model: Any, trained: list[int], rows: int) -> None:
    """See that a fit did all its iterations, and, of ours, that it was over all rows."""
    summary = model.summary() if callable(model.summary) else model.summary
    if summary.totalIterations != ITERATIONS:
        raise SystemExit(f"bench: {name} made {summary.totalIterations} of {ITERATIONS} iterations")
    if name.startswith("nnspark") and trained != [rows]:
        raise SystemExit(f"bench: {name} trained on {trained} rows where there are {rows}")


@contextmanager
def stages() -> Iterator[tuple[dict[str, float], list[int]]]:
    """A block in which nnspark's stages of a fit are timed: seconds by name, as far as they are reached.

    And the number of training rows that lie ready when the iterations begin.
    """
    spent: dict[str, float] = {}
    trained: list[int] = []

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            began = time.perf_counter()
            if name == "iterations":
                trained.append(args[1].plan.num_samples[0])
            try:
                return function(*args, **options)
            finally:
                spent[name] = spent.get(name, 0.0) + time.perf_counter() - began

        return run

    with ExitStack() as stack:
        for name, (module, attribute) in STAGES.items():
            target = importlib.import_module(module)
            stack.enter_context(patch.object(target, attribute, timed(name, getattr(target, attribute))))
        yield spent, trained


@contextmanager
def largest_worker() -> Iterator[list[float]]:
    """A block in which the workers' memory is watched: the largest one's peak in MB, when it ends."""
    found: dict[int, dict[str, Any]] = {}
    done, peak = threading.Event(), [0.0]

    def watch() -> None:
        while not done.wait(0.1):
            for pid in processes_below(os.getpid()):
                note(pid, found)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
        peak[0] = max(
            (one["anonymous_mb"] for one in found.values() if one["process"] == "worker"), default=0.0
        )


def stage_table(fits: dict[str, Fits]) -> list[dict[str, Any]]:
    """Seconds of each stage of nnspark's fits from Parquet, medians."""
    own = [fits[f"nnspark {dtype}, Parquet"] for dtype in ("float32", "float64")]
    names = [name for name in (*STAGES, "all else") if any(name in one for fit in own for one in fit.stages)]
    return [
        {"stage": name, **{f"{fit.name} s": round(median(one.get(name, 0.0) for one in fit.stages[1:]), 3)
                           for fit in own}}
        for name in names
    ]  # fmt: skip


def ratios_of(name: str, fits: dict[str, Fits]) -> list[Ratio]:
    """Our seconds over MLlib's, on the clock and of the processor."""
    ratios = []
    for source in ("Parquet", "cached"):
        peer = fits[f"MLlib, {source}"]
        for dtype in ("float32", "float64"):
            own, limit = fits[f"nnspark {dtype}, {source}"], MOST.get(name, 0.0)
            ratios += [
                Ratio(f"{own.name} / MLlib", own.median / peer.median, limit, -1 if limit else 0),
                Ratio("the same, processor's seconds", median(own.used[1:]) / median(peer.used[1:])),
            ]
    return ratios


def table(results: dict[str, Any]) -> str:
    """Fits, stages and ratios of each shape."""
    parts = [f"MLlib's BLAS: {results['mllib_blas']}"]
    for one in results["shapes"]:
        tables = [_common.format_table(one[name]) for name in ("fits", "stages", "ratios")]
        parts.append(
            f"{one['shape']}: {one['size']}\nMLlib's blockSize {one['mllib_block_size']}, of "
            f"{one['mllib_block_sizes_ms']} (ms)\n\n" + "\n\n".join(tables)
        )
    return "\n\n\n".join(parts)
