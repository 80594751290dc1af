"""Run as a program: train digits on ``local-cluster[2,1,1024]`` with speculation on and a task that dawdles.

Prints the outcome's weights and history as JSON.
"""

import json
import os
import sys

from pyspark import cloudpickle
from pyspark.sql import SparkSession
from spark import faults
from spark.training import outcome, recipe_of

from nnspark.data.dataset import make_dataset
from nnspark.engines.layout import make_shards
from nnspark.engines.session import DEFAULTS
from nnspark.sources import load_table
from nnspark.training import cost

SETTINGS = DEFAULTS | {
    "spark.log.level": "OFF",
    "spark.speculation": "true",
    "spark.speculation.interval": "50ms",
    "spark.speculation.minTaskRuntime": "50ms",
    "spark.speculation.multiplier": "1.1",
    "spark.speculation.quantile": "0.3",
    "spark.ui.enabled": "false",
    "spark.locality.wait": "0s",
}


def main() -> None:
    """Train and print."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local-cluster[2,1,1024]")
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    cloudpickle.register_pickle_by_value(faults)
    cost._totals = faults.slow_first_attempt
    recipe = recipe_of(*sys.argv[1:])
    dataset = make_dataset(load_table(recipe.data), recipe)
    shards = make_shards(dataset, session.sparkContext, partitions=4)
    print(json.dumps(outcome(recipe, shards)))
    session.stop()


if __name__ == "__main__":
    main()
