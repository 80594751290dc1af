"""Run as a program: MASTER FOLDER; the rows of each folder in it, by every method; a JSON line a training."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from nnspark.engines.session import DEFAULTS
from nnspark.net import weights
from nnspark.recipe import loads
from nnspark.runs.data import load_shards
from nnspark.training.loop import train
from nnspark.training.state import Epoch

FULL_BATCH = {
    "gd": (),
    "adam": ('training.optimizer="adam"', "training.learning_rate=0.01"),
    "lbfgs": ('training.optimizer="lbfgs"',),
}
ROUNDS = {"rounds": ("rounds.batch_size=256", "rounds.replicas=4", "training.learning_rate=0.01")}
RECIPE = """
[data]
source = "parquet"
path = "{path}"
scale = "standard"
[network]
hidden = [20]
output = "softmax"
[training]
epochs = 3
learning_rate = 0.1
"""


def main() -> None:
    """Lay out each folder's rows, once for the methods that can share them, and train."""
    master, folder = sys.argv[1:]
    session = None if master == "no Spark" else open_session(master)
    for rows in sorted(path for path in Path(folder).iterdir() if path.is_dir()):
        for methods in (FULL_BATCH, ROUNDS):
            recipes = {name: loads(RECIPE.format(path=rows), options) for name, options in methods.items()}
            with load_shards(next(iter(recipes.values())), session) as shards:
                for method, recipe in recipes.items():
                    found = {"rows": rows.name, "method": method, **trained(recipe, shards)}
                    print(json.dumps(found), flush=True)
    if session is not None:
        session.stop()


def trained(recipe: Any, shards: Any) -> dict[str, Any]:
    """Train, on Spark with every other shard deleted after the first epoch: hash, rows counted, shards."""
    handles = getattr(shards, "handles", None)  # None without Spark
    done = train(recipe, shards, callbacks=[] if handles is None else [Loss(shards)])
    return {
        "sha256": weights.sha256(weights.unflatten(done.theta, done.network.layers)),
        "counted": sum(part["num_samples"] for part in done.metrics.values()),
        "shards": 1 if handles is None else len(handles),
    }


def open_session(master: str) -> Any:
    """A session of this machine."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(master)
    for key, value in (DEFAULTS | {"spark.log.level": "OFF", "spark.ui.enabled": "false"}).items():
        builder = builder.config(key, value)
    return builder.config("spark.driver.memory", "3g").getOrCreate()


class Loss:
    """A callback that deletes every other shard from the executors' disks after the first epoch."""

    def __init__(self, shards: Any) -> None:
        self.shards = shards

    def __call__(self, epoch: Epoch) -> None:
        """Delete."""
        if epoch.progress.epoch == 1:
            lost = self.shards.handles[::2]
            self.shards.context.parallelize(lost, len(lost)).foreachPartition(forget)


def forget(handles: Any) -> None:
    """Worker function: delete shards that are here."""
    from nnspark.engines import resident

    for handle in handles:
        resident.forget(handle)


if __name__ == "__main__":
    main()
