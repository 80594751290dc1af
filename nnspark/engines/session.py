"""The SparkSession of a job: whatever spark-submit was told, plus the settings nnspark needs.

Settings given by the user win; the ones here are defaults with a reason.
"""

import os
import sys
from typing import TYPE_CHECKING

from nnspark.errors import NNSparkError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["DEFAULTS", "open_session"]

DEFAULTS = {
    # A broadcast and a job take 77 ms over TCP (delayed acknowledgements), 32 ms over a Unix socket.
    "spark.python.unix.domain.socket.enabled": "true",
    # Spark's own progress bar would garble ours.
    "spark.ui.showConsoleProgress": "false",
    # Rows from the driver travel inside tasks, a shard of up to 48 MB (or one replica's rows) in each.
    "spark.rpc.message.maxSize": "1024",
    # Gradients come straight from the task: by way of the block manager, two of 48 MB take 0.1 s longer.
    "spark.task.maxDirectResultSize": "512m",
    # Weights are noise to a compressor.
    "spark.broadcast.compress": "false",
    # Shards are mapped once per worker process, so workers have to live on.
    "spark.python.worker.reuse": "true",
}


def open_session(name: str) -> "SparkSession":
    """The active SparkSession, or a new one with nnspark's defaults filled in."""
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    try:
        SparkContext._ensure_initialized()  # only with a JVM does SparkConf know what spark-submit was told
    except Exception as error:
        raise _not_started(error) from error
    given = SparkConf()
    master = given.get("spark.master", "local[*]") or ""
    if master.startswith("local") and not given.contains("spark.pyspark.python"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(name)
    for key, value in DEFAULTS.items():
        if not given.contains(key):
            builder = builder.config(key, value)
    if not given.contains("spark.master"):
        builder = builder.master("local[*]")
    try:
        return builder.getOrCreate()
    except Exception as error:
        raise _not_started(error) from error


def _not_started(error: Exception) -> NNSparkError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return NNSparkError(f"Spark did not start: {reason}; is Java 17 or newer on PATH?")
