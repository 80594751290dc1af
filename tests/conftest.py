"""One SparkSession for all tests that need one; the tests that take longest come first."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from class_data import share_classes
from hypothesis import settings

TESTS = str(Path(__file__).parent)
# JVMs that live for seconds do without their second compiler, which takes as long as all they do, and without
# threads that collect beside them: there are more processes than cores. What the first one makes of a
# session's thousands of plans is more than the 48 MB it keeps: it would compile the same over and over.
for options in ("SPARK_SUBMIT_OPTS", "SPARK_DAEMON_JAVA_OPTS"):
    os.environ.setdefault(options, "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=160m")
# A shell starts what is to run in the background with interrupts ignored, as what tests start and interrupt
# would then have them too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Files of these rooms take longest. Each is one process's (scripts/test): with them at the end, others idle.
LONG = ("cluster", "spark", "ml", "jobs")
# How long an example takes is no claim of a test, and depends on what else runs on the machine.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def pytest_configure(config: pytest.Config) -> None:
    """Before other processes start: they take over the environment."""
    if not hasattr(config, "workerinput"):
        share_classes(make=bool(config.getoption("numprocesses", None)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Of several processes one works without a session of Spark."""
    from sharing import SessionsShared

    return SessionsShared(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first; the order of a room's tests stays."""
    rooms = {name: at for at, name in enumerate(LONG)}
    items.sort(key=lambda item: rooms.get(item.path.relative_to(TESTS).parts[0], len(LONG)))


def remember_java_names() -> None:
    """Ask the JVM once what a name is: PySpark asks at each use, and the JVM then searches every jar for it.

    A tenth of the processor's time of tests on Spark, most of whose data are a few rows.
    """
    from py4j.java_gateway import JavaClass, JavaPackage, JVMView

    def remembering(plain: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
        def look_up(self: Any, name: str) -> Any:
            found = plain(self, name)
            if isinstance(found, JavaClass | JavaPackage):
                self.__dict__[name] = found
            return found

        return look_up

    for kind in (JVMView, JavaPackage):
        kind.__getattr__ = remembering(kind.__getattr__)


@pytest.fixture(scope="session")
def spark() -> Iterator["SparkSession"]:
    """Spark in local mode, two task slots, a failed task tried up to four times."""
    from pyspark import cloudpickle
    from pyspark.sql import SparkSession

    from nnspark.engines.session import DEFAULTS

    remember_java_names()
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2,4]").appName("nnspark tests")
    settings = DEFAULTS | {
        "spark.driver.memory": "2g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.log.level": "OFF",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.codegen.cache.maxEntries": "2000",  # tests ask for alike plans, far apart
        "spark.ui.enabled": "false",
        "spark.python.daemon.module": "warm_daemon",
        "spark.executorEnv.PYTHONPATH": TESTS,
    }
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(TESTS) and name != __name__:
            cloudpickle.register_pickle_by_value(module)
    yield session
    session.stop()
