"""Run as a program: digits over Spark Connect, in all ways in; prints what came of it as one line of JSON.

A process of its own, since classic sessions and those of Spark Connect do not mix in one.
"""

import json
import os
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import SparkSession
from sklearn.datasets import load_digits
from spark.training import Outcome, recipe_of, without_spark
from spark.training import outcome as outcome_of

import nnspark
from nnspark.data.dataset import make_dataset
from nnspark.engines import connect, connect_views
from nnspark.engines.frames import frame_shards
from nnspark.engines.layout import shards_in
from nnspark.engines.session import DEFAULTS
from nnspark.errors import DataError
from nnspark.ml import MultilayerPerceptronClassifier
from nnspark.net import weights
from nnspark.sources import load_table
from nnspark.sources.memory import read_memory

TEXT = """
[data]
source = "memory"
scale = "standard"
[training]
epochs = 3
block_rows = 100
"""
ADAM = ('training.optimizer="adam"', "training.learning_rate=0.01")
OPTIMIZERS: dict[str, tuple[str, ...]] = {
    "gd": (),
    "adam": ADAM,
    "lbfgs": ('training.optimizer="lbfgs"',),
    "rounds": (*ADAM, "rounds.batch_size=32", "rounds.replicas=4"),
}


class Kept:
    """Shards that a training does not close."""

    def __init__(self, shards: Any, before: Callable[[], object] = lambda: None) -> None:
        self.plan, self.platforms, self.shards, self.before = shards.plan, shards.platforms, shards, before

    def run(self, function: Any, value: Any, zero: Any) -> Any:
        """As theirs, after what comes before."""
        self.before()
        return self.shards.run(function, value, zero)

    def close(self) -> None:
        """They stay."""


def open_session(master: str) -> Any:
    """A server in this process, and its client."""
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_TESTING": "1"}  # the latter for a free port
    settings = DEFAULTS | {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.log.level": "OFF",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
    }
    builder: Any = SparkSession.builder.remote(master)
    for key, value in settings.items():
        builder = builder.config(key, value)
    warnings.simplefilter("ignore")  # of settings that only a server's start can set, as this is
    return builder.getOrCreate()


def digits() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Rows and labels."""
    X, y = load_digits(return_X_y=True)
    return X, y


def as_table() -> pd.DataFrame:
    """The digits as a table with a label column."""
    X, y = digits()
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(64)]).assign(label=y)


def recipes() -> dict[str, Any]:
    """A recipe an optimizer."""
    return {name: recipe_of(*options, text=TEXT) for name, options in OPTIMIZERS.items()}


def same_bits(frames: dict[str, Any], found: dict[str, Any], *, whole: bool) -> None:
    """All optimizers, once, or on 1, 2 and 7 partitions; rows in memory and in Parquet files."""
    asked = recipes()
    table = read_memory(as_table(), asked["gd"].data)
    for name, recipe in asked.items():
        found[f"local {name}"] = outcome_of(recipe, shards_in(None, make_dataset(table, recipe)))
    others = [name for name in asked if name != "rounds"]
    both = [
        (1, "memory", others),
        (2, "memory", ["rounds"]),
        (7, "memory", others),
        (7, "parquet", ["rounds"]),
    ]
    for partitions, source, names in [(2, "parquet", others), *(both if whole else both[-1:])]:
        with frame_shards(frames[source], asked[names[0]], partitions=partitions) as shards:
            for name in names:
                found[f"{name} {partitions}"] = outcome_of(asked[name], Kept(shards))
            found["directories"] = directories(shards)
    found["directories left"] = directories(shards)


def directories(shards: Any) -> int:
    """How many folders there are of a data set's shards; the executor is on this machine."""
    roots = shards.handles[0].home.split(",")
    data_set = shards.handles[0].data_set
    return sum(len(list(Path(root).glob(f"nnspark/{data_set}/*"))) for root in roots)


def lose(shards: Any, keep: int) -> None:
    """Delete the shards' files but those of the first few."""
    for handle in shards.handles[keep:]:
        for root in handle.home.split(","):
            shutil.rmtree(Path(root) / handle.folder, ignore_errors=True)


def losses(frames: dict[str, Any], found: dict[str, Any]) -> None:
    """Shards that are deleted before an evaluation: all of them, and some."""
    recipe = recipes()["gd"]
    with frame_shards(frames["parquet"], recipe, partitions=3) as shards:
        keep = iter([3, 0, 1])
        losing = Kept(shards, lambda: lose(shards, next(keep, 3)))
        found["gd lost"] = outcome_of(recipe, losing)


def sizes(session: Any, found: dict[str, Any]) -> None:
    """Values in pieces and sums that meet on the way; rows of the driver."""
    recipe = recipe_of("training.epochs=2")
    found["local sizes"] = without_spark(recipe)
    dataset = make_dataset(load_table(recipe.data), recipe)
    plain = connect_views.INLINE_BYTES, connect_views.PIECE_BYTES, connect.DIRECT_TASKS
    connect_views.INLINE_BYTES, connect_views.PIECE_BYTES, connect.DIRECT_TASKS = 100, 5_000, 1
    try:
        found["sizes 5"] = outcome_of(recipe, shards_in(session, dataset, partitions=5))
    finally:
        connect_views.INLINE_BYTES, connect_views.PIECE_BYTES, connect.DIRECT_TASKS = plain


RECIPE: dict[str, Any] = {
    "data": {"scale": "standard"},
    "training": {"epochs": 3, "block_rows": 100},
    "report": {"html": False},
}


def train(frames: dict[str, Any], found: dict[str, Any]) -> None:
    """Training and prediction of a DataFrame, and a source that is none."""
    table, features = as_table(), [f"x{i}" for i in range(64)]
    here, there = (nnspark.train(RECIPE, rows, progress=False) for rows in (table, frames["parquet"]))
    found["engine"] = there.metrics["spark"]["engine"]
    found["train"] = [one.weights_sha256 for one in (here, there)]
    answers = there.transform(frames["memory"]).toArrow().column("prediction")
    found["transform"] = [here.predict(table[features]).tolist(), answers.to_pylist()]
    try:
        nnspark.train({"data": {"source": "csv", "path": "/rows.csv"}, "training": {"engine": "spark"}})
    except DataError as error:
        found["refused"] = str(error)


def others(session: Any, frames: dict[str, Any], found: dict[str, Any]) -> None:
    """Evaluation, a sweep, and Spark ML's estimator."""
    table = as_table()
    model = nnspark.train(RECIPE, table, progress=False)
    found["evaluate"] = [model.evaluate(rows) for rows in (table, frames["parquet"])]
    grid: Any = {"training.l2": [0.1, 1.0]}
    swept = [
        nnspark.sweep(RECIPE, rows, grid=grid, folds=2, progress=False) for rows in (table, frames["parquet"])
    ]
    found["sweep"] = [[one["weights_sha256"] for one in each.results] for each in swept]
    X, y = digits()
    vectors = session.createDataFrame(pa.table({"features": X.tolist(), "label": y.astype(float)}))
    models = [
        MultilayerPerceptronClassifier(hiddenLayers=[12], maxIter=4, seed=7, engine=engine).fit(vectors)
        for engine in ("local", "spark")
    ]
    found["ml"] = [weights.sha256(model.model.weights) for model in models]
    counted = [model.transform(vectors).groupBy("prediction").count().toPandas() for model in models]
    found["ml transform"] = [sorted(one.values.tolist()) for one in counted]


def main(folder: str, part: str) -> None:
    """What takes seconds; "whole", all of it."""
    session = open_session("local[2,4]")
    as_table().to_parquet(f"{folder}/rows.parquet")
    frames = {
        "memory": session.createDataFrame(as_table()),
        "parquet": session.read.parquet(f"{folder}/rows.parquet"),
    }
    found: dict[str, Any] = {}
    same_bits(frames, found, whole=part == "whole")
    losses(frames, found)
    sizes(session, found)
    train(frames, found)
    if part == "whole":
        others(session, frames, found)
    found["views left"] = [table.name for table in session.catalog.listTables()]
    print(json.dumps({name: list(one) if isinstance(one, Outcome) else one for name, one in found.items()}))
    session.stop()


if __name__ == "__main__":
    main(sys.argv[1], "".join(sys.argv[2:]))
