"""One SparkSession for all tests that need one."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

TESTS = str(Path(__file__).parent)
# JVMs that live for seconds do without their second compiler: it takes as long as all they do.
for options in ("SPARK_SUBMIT_OPTS", "SPARK_DAEMON_JAVA_OPTS"):
    os.environ.setdefault(options, "-XX:TieredStopAtLevel=1")

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark() -> Iterator["SparkSession"]:
    """Spark in local mode, two task slots, a failed task tried up to four times."""
    from pyspark import cloudpickle
    from pyspark.sql import SparkSession

    from nnspark.engines.session import DEFAULTS

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2,4]").appName("nnspark tests")
    settings = DEFAULTS | {
        "spark.driver.memory": "2g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.log.level": "OFF",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
    }
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(TESTS) and name != __name__:
            cloudpickle.register_pickle_by_value(module)
    yield session
    session.stop()
