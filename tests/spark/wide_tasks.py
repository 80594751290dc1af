"""Run as a program: four cores, tasks of two (``spark.task.cpus``), in a classic session or one of Connect.

Arguments: "classic" or "connect", and a folder for a Parquet file. Prints JSON: of each way in and method the
processes and threads of one evaluation, and whether the outcome is that of the engine without Spark.
"""

import json
import os
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from connect.shared import Kept
from pyarrow import parquet
from pyspark.sql import SparkSession
from spark.training import outcome, recipe_of, without_spark

from nnspark.data.dataset import make_dataset
from nnspark.engines.frames import frame_shards
from nnspark.engines.layout import shards_in
from nnspark.engines.session import DEFAULTS
from nnspark.sources import load_table

TEXT = """
[data]
source = "parquet"
scale = "standard"
split = {validation = 0.1}
[network]
hidden = [64]
[training]
epochs = 2
"""
WIDE = 40 << 10  # bytes of weights: times 1,024 rows, enough for threads
METHODS = {
    "lbfgs": ('training.optimizer="lbfgs"',),
    "rounds": ("training.learning_rate=0.01", "rounds.batch_size=64", "rounds.replicas=8"),
}


class Names(set[tuple[int, str]]):
    """Processes and threads that computed."""

    def merge(self, other: "Names") -> "Names":
        """Both one's."""
        return Names(self | other)


def names(sets: Any, value: Any) -> Names:
    """This process and this thread, which is slow, so that no other thread is done before it has begun."""
    rows = sum(len(block) for blocks in sets for block in blocks.blocks(("train", "validation")))
    time.sleep(0.3)
    return Names({(os.getpid(), threading.current_thread().name)} if rows else set())


def open_session(kind: str) -> Any:
    """Two slots of two cores."""
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_TESTING": "1"}
    warnings.simplefilter("ignore")
    builder: Any = SparkSession.builder
    builder = builder.master("local[4]") if kind == "classic" else builder.remote("local[4]")
    settings = {"spark.task.cpus": "2", "spark.log.level": "OFF", "spark.ui.enabled": "false"}
    for key, value in (DEFAULTS | settings | {"spark.driver.host": "127.0.0.1"}).items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def main() -> None:
    """Train by each way in and print."""
    from spark import wide_tasks as own  # workers know it by this name

    kind, folder = sys.argv[1:]
    place = Path(folder) / "rows.parquet"
    rng = np.random.default_rng(17)
    X = rng.normal(size=(9_000, 20))
    columns = {f"x{i}": X[:, i] for i in range(20)} | {"label": (X[:, 0] + X[:, 1] > 0).astype(int)}
    parquet.write_table(pa.table(columns), place, row_group_size=1_500)
    session = open_session(kind)
    found: dict[str, Any] = {}
    for method, overrides in METHODS.items():
        recipe = recipe_of(f"data.path={place}", *overrides, text=TEXT)
        dataset = make_dataset(load_table(recipe.data), recipe)
        expected = without_spark(recipe)
        if method == "lbfgs":
            ways: dict[str, Any] = {"DataFrame": frame_shards(session.read.parquet(str(place)), recipe)}
        else:
            ways = {"arrays": shards_in(session, dataset)}
            ways["three tasks"] = shards_in(session, dataset, partitions=3)
        for way, shards in ways.items():
            alike = outcome(recipe, Kept(shards)) == expected
            seen = shards.run(own.names, np.zeros(WIDE, np.uint8), own.Names)
            small = shards.run(own.names, np.zeros(100, np.uint8), own.Names)
            found[f"{way}, {method}"] = {
                "alike": alike,
                "threads": len(seen),
                "a small network's": len(small),
                "pool": sorted({name.rpartition("_")[0] for _, name in seen}),
                "processes": len({process for process, _ in seen}),
            }
            shards.close()
    print(json.dumps(found))
    session.stop()


if __name__ == "__main__":
    main()
