"""An epoch over Spark Connect: nnspark there, on the RDD engine, and Spark MLlib.

The two kinds of session do not mix in one process. So the server with its client is a process of its own,
which runs an epoch when it is told to and waits otherwise; the race goes by turns all the same.
"""

import argparse
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from benchmarks import _common, epoch
from benchmarks._answering import answer, answering
from benchmarks._common import CORES, Contestant, Ratio, Shape, progress, race, ratio_table, timing_table
from benchmarks._data import rows_of, table_of, vector_frame, write_parquet
from benchmarks._nnspark import Epochs, no_op, recipe_for
from nnspark.data.dataset import make_dataset
from nnspark.engines.layout import make_shards, shards_in

DTYPE = "float32"
RDD_MOST = 1.8  # epochs of the RDD engine, at M


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many epochs."""
    parser.add_argument("--epochs", type=int, default=0, help="epochs each (default 61 at S, 21 at M and L)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Race every shape."""
    shapes = _common.shapes_of(args, "S" if args.quick else "S,M,L", epoch.EPOCHS)
    spark = _common.session("connect")
    return {
        "shapes": [
            run_shape(spark, name, shape, epoch.epochs_of(args, name), quick=args.quick)
            for name, shape in shapes.items()
        ]
    }


def run_shape(spark: Any, name: str, shape: Shape, epochs: int, *, quick: bool) -> dict[str, Any]:
    """Race one shape."""
    progress(f"shape {name}, {shape}")
    X, y = rows_of(shape)
    recipe = recipe_for(shape, DTYPE)
    warmup = 3 if quick else epoch.WARMUP[name]
    notes: dict[str, Any] = {}
    with (
        tempfile.TemporaryDirectory(prefix="nnspark-bench-") as folder,
        make_shards(make_dataset(table_of(X, y), recipe), spark.sparkContext) as shards,
        answering("benchmarks.connect", shape) as ask,
    ):
        assert ask("rows") == shape.rows
        df = vector_frame(spark, write_parquet(Path(folder) / "rows", X, y, CORES)).cache()
        df.count()
        own = Epochs(recipe, shards)
        contestants = [
            Contestant("nnspark, RDD", own, warmup=warmup),
            Contestant("nnspark, Connect", lambda: ask("epoch"), warmup=warmup),
            Contestant("no-op, RDD", no_op(shards, own.progress.theta), warmup=warmup),
            Contestant("no-op, Connect", lambda: ask("no-op"), warmup=warmup),
            *epoch.mllib(df, name, shape, {"mllib-lbfgs"}, epochs, notes),
        ]
        race(contestants, epochs)
        df.unpersist()
    medians = {one.name: one.median for one in contestants}
    there = medians["nnspark, Connect"]
    limit, sign = (RDD_MOST, -1) if name == "M" else (0.0, 0)
    ratios = [
        Ratio("Connect / RDD", there / medians["nnspark, RDD"], limit, sign),
        Ratio("MLlib l-bfgs / Connect", medians["MLlib l-bfgs"] / there),
    ]
    return {
        "shape": name,
        "size": str(shape),
        "epochs": timing_table(contestants),
        "ratios": ratio_table(ratios),
        **notes,
    }


def serve(shape: Shape) -> None:
    """Lay out a shape's rows over Spark Connect, and do what is asked for on standard input."""
    from pyspark.sql import SparkSession

    from nnspark.engines.session import DEFAULTS

    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_TESTING": "1"}  # the latter for a free port
    builder: Any = SparkSession.builder.remote("local[*]")
    for key, value in {**DEFAULTS, "spark.driver.memory": "4g", "spark.log.level": "ERROR"}.items():
        builder = builder.config(key, value)
    warnings.simplefilter("ignore")  # of settings that only a server's start can set, as this is
    session = builder.getOrCreate()
    recipe = recipe_for(shape, DTYPE)
    with shards_in(session, make_dataset(table_of(*rows_of(shape)), recipe)) as shards:
        own = Epochs(recipe, shards)
        idle = no_op(shards, own.progress.theta)
        does = {"epoch": own, "no-op": idle, "rows": lambda: shards.plan.num_samples[0]}
        answer(does)
    session.stop()


def table(results: dict[str, Any]) -> str:
    """As an epoch's."""
    return epoch.table(results)


if __name__ == "__main__":
    rows, layers = json.loads(sys.argv[1])
    serve(Shape(rows, tuple(layers)))
