"""Run as a program: MASTER, Spark's settings as JSON, a recipe and overrides; prints the outcome as JSON."""

import json
import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession
from spark.training import outcome, recipe_of

from nnspark.engines.session import DEFAULTS
from nnspark.runs.data import load_shards


def main() -> None:
    """Train and print."""
    master, settings, recipe_file, *overrides = sys.argv[1:]
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(master)
    for key, value in (DEFAULTS | {"spark.log.level": "OFF", "spark.ui.enabled": "false"}).items():
        builder = builder.config(key, value)
    for key, value in json.loads(settings).items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    recipe = recipe_of(*overrides, text=Path(recipe_file).read_text())
    print(json.dumps(outcome(recipe, load_shards(recipe, session))))
    session.stop()


if __name__ == "__main__":
    main()
