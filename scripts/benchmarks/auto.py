"""Auto: seconds of a fit on Spark and without it, from 150 rows to 10 million, and which engine "auto" takes.

``nnspark.ml``'s perceptron on a DataFrame of vectors from Parquet files, in a warm session, L-BFGS, float32;
every fit says how many rows it trained on. Wanted: the quicker engine, or one within 1.2 of it, every time.
"no room" is what the driver could not take in: there is nothing to choose then.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from benchmarks import _common
from benchmarks._common import Contestant, Ratio, Shape, progress, race, ratio_table
from benchmarks.fit import write_rows
from nnspark.engines.quicker import Choice, Extent, choose
from nnspark.ml import MultilayerPerceptronClassifier, fitting
from nnspark.ml.columns import read_source
from nnspark.ml.translate import recipe_of
from nnspark.training.loop import train

MOST = 1.2  # of the quicker engine's seconds


class Task(NamedTuple):
    """A shape, iterations of a fit, and how often either engine makes one."""

    shape: Shape
    iterations: int
    turns: int


NAMES = {
    "iris": Task(Shape(150, (4, 5, 3)), 100, 5),
    "thousand": Task(Shape(1_000, (20, 10, 2)), 20, 5),
    "S": Task(_common.SHAPES["S"], 10, 5),
    "narrow": Task(Shape(20_000, (50, 20, 2)), 10, 5),
    "M": Task(_common.SHAPES["M"], 10, 3),
    "L": Task(_common.SHAPES["L"], 10, 3),
    "XL": Task(_common.SHAPES["XL"], 2, 1),
    "long": Task(Shape(100_000, (10, 10, 2)), 50, 3),
    "half": Task(Shape(500_000, (20, 20, 2)), 10, 3),
    "million": Task(Shape(1_000_000, (50, 20, 2)), 10, 1),
    "T": Task(_common.SHAPES["T"], 10, 1),
    "most": Task(Shape(10_000_000, (10, 10, 2)), 5, 1),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many times."""
    parser.add_argument(
        "--epochs", type=int, default=0, help="fits each (default 5 of few rows to 1 of many)"
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Fit by both engines, shape by shape."""
    spark = _common.session("auto")
    names = [name for name in (args.shapes or ",".join(NAMES)).split(",") if name]
    found = []
    for name in names:
        task = NAMES[name]
        if args.quick:
            task = Task(task.shape._replace(rows=max(150, task.shape.rows // 100)), 2, 1)
        found.append(run_task(spark, name, task._replace(turns=args.epochs or task.turns)))
    return {
        "shapes": found,
        "ratios": ratio_table(
            Ratio(f"{one['shape']}: auto / the quicker", one["ratio"], MOST, -1) for one in found
        ),
    }


def run_task(spark: Any, name: str, task: Task) -> dict[str, Any]:
    """Fit one shape's rows by both engines."""
    with tempfile.TemporaryDirectory(prefix="nnspark-bench-") as folder:
        progress(f"writing {name}, {task.shape}")
        frame = write_rows(spark, task.shape, Path(folder))
        chosen = choice_for(frame, task)
        progress(chosen.line)
        engines = ("local", "spark") if "about" in chosen.line else ("spark",)
        contestants = {engine: Contestant(engine, fits(frame, task, engine), warmup=1) for engine in engines}
        race(list(contestants.values()), task.turns, warmup=task.turns > 1)
    seconds = {engine: one.median for engine, one in contestants.items()}
    return {
        "shape": name,
        "rows and layers": str(task.shape),
        "iterations": task.iterations,
        "local_s": round(seconds["local"], 3) if "local" in seconds else "no room",
        "spark_s": round(seconds["spark"], 3),
        "auto": chosen.engine,
        "expected_local_s": round(chosen.here, 2),
        "expected_spark_s": round(chosen.on_spark, 2),
        "ratio": round(seconds[chosen.engine] / min(seconds.values()), 3),
        "fits": task.turns,
    }


def estimator_for(task: Task, engine: str) -> Any:
    """The estimator of a task."""
    return MultilayerPerceptronClassifier(
        layers=list(task.shape.layers), maxIter=task.iterations, tol=0.0, seed=42, blockSize=1024,
        dtype="float32", engine=engine,
    )  # fmt: skip


def choice_for(frame: Any, task: Task) -> Choice:
    """What auto takes, by the estimator's own words."""
    estimator = estimator_for(task, "auto")
    source = read_source(estimator, frame, classification=True)
    recipe = recipe_of(estimator, source)
    extent = Extent(source.rows, source.width, "frame")
    return choose(recipe, extent, frame.sparkSession, outputs=source.num_classes)


def fits(frame: Any, task: Task, engine: str) -> Any:
    """A fit over all rows, timed."""
    estimator = estimator_for(task, engine)

    def sample() -> list[float]:
        trained: list[int] = []

        def counted(recipe: Any, shards: Any, **more: Any) -> Any:
            trained.append(shards.plan.num_samples[0])
            return train(recipe, shards, **more)

        with patch.object(fitting, "train", counted):
            began = time.perf_counter()
            fitting.fit(estimator, frame, classification=True)
            seconds = time.perf_counter() - began
        if trained != [task.shape.rows]:
            raise SystemExit(f"bench: {engine} trained on {trained} rows where there are {task.shape.rows}")
        return [seconds]

    return sample


def table(results: dict[str, Any]) -> str:
    """A line a shape, and the ratios; then how often the choice was right."""
    right = sum(one["ratio"] <= MOST for one in results["shapes"])
    lines = [_common.format_table(results[name]) for name in ("shapes", "ratios")]
    worst = max(one["ratio"] for one in results["shapes"])
    return "\n\n".join(
        [*lines, f"{right} of {len(results['shapes'])} within {MOST} of the quicker, the worst {worst:g}"]
    )
