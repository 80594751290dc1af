"""The SparkSession of a job: whatever spark-submit was told, plus the settings nnspark needs.

Settings given by the user win; the ones here are defaults with a reason.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from nnspark.engines.connections import is_connect
from nnspark.engines.hadoop import java_errors, root_cause
from nnspark.engines.spark_logs import level_of, say_nothing
from nnspark.engines.starting import is_set, start_jvm
from nnspark.errors import NNSparkError
from nnspark.log import log

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

__all__ = [
    "DEFAULTS",
    "active_session",
    "case_sensitive",
    "defaults",
    "end_idle_workers",
    "hush",
    "names_alike",
    "open_session",
]

GRACE = 2.0  # seconds
LOG_LEVEL = "spark.log.level"
OF_SHELLS = "spark.ui.showConsoleProgress"  # which spark-submit sets itself for what it takes for a shell
WITHOUT_ATTEMPTS = re.compile(r"local(?:\[(\*|\d+)\])?")
ATTEMPTS = 4  # as on a cluster

_started: list["SparkContext"] = []

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

ON_YARN = {
    # A container's own temporary folder has too long a path for a socket, 61 bytes at most (104 in all).
    "spark.python.unix.domain.socket.dir": "/tmp",
}


def active_session() -> "SparkSession | None":
    """The session that this process has already, if any; does not start a JVM."""
    pyspark = sys.modules.get("pyspark.sql")
    return None if pyspark is None else pyspark.SparkSession.getActiveSession()


@contextmanager
def case_sensitive(session: "SparkSession") -> Iterator[None]:
    """A block in which names that differ only in case are different ones; then as the user had it."""
    key = "spark.sql.caseSensitive"
    before = session.conf.get(key)
    session.conf.set(key, "true")
    try:
        yield
    finally:
        session.conf.set(key, str(before))


def names_alike(session: "SparkSession") -> Callable[[str], str]:
    """What Spark makes of a column's name: two names of which it makes the same are one to it."""
    return str if str(session.conf.get("spark.sql.caseSensitive")).lower() == "true" else str.lower


def open_session(name: str) -> "SparkSession":
    """The active SparkSession, of Spark Connect too, or a new one with nnspark's defaults filled in."""
    active = active_session()
    if active is not None and is_connect(active):
        return active
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    if SparkContext._active_spark_context is None and sys.stderr.isatty():
        log("starting Spark ...")  # it takes seconds, in which a person would see nothing
    try:
        start_jvm()  # only with a JVM does SparkConf know what spark-submit was told
    except Exception as error:
        raise _not_started(error) from error
    given = SparkConf()
    master = given.get("spark.master", "local[*]") or ""
    if master.startswith("local") and not given.contains("spark.pyspark.python"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(name)
    for key, value in defaults(master).items():
        if not given.contains(key) or (key == OF_SHELLS and not is_set(key)):
            builder = builder.config(key, value)
    if not given.contains(LOG_LEVEL):
        with suppress(Exception):  # other logs than Log4j's are their user's own affair
            on_a_console = given.get("spark.submit.deployMode", "client") == "client"
            level = level_of(SparkContext._jvm, on_a_console=on_a_console)
            builder = builder.config(LOG_LEVEL, level) if level else builder
    try_again = with_attempts(master)
    if try_again != given.get("spark.master"):
        builder = builder.master(try_again)
    running = SparkContext._active_spark_context
    try:
        session = builder.getOrCreate()
    except Exception as error:
        raise _not_started(error) from error
    if session.sparkContext is not running:
        _started.append(session.sparkContext)
    return session


def defaults(master: str) -> dict[str, str]:
    """What nnspark sets where the user did not, on a master."""
    return DEFAULTS | (ON_YARN if master == "yarn" else {})


def with_attempts(master: str) -> str:
    """A local master that tries a task again, unless it says how often: Spark would not, not once.

    A Python worker that the system killed for want of memory would end the job. spark.task.maxFailures does
    not count in local mode, and spark-submit does not tell whether its local[*] was asked for.
    """
    found = WITHOUT_ATTEMPTS.fullmatch(master)
    return f"local[{found[1] or 1},{ATTEMPTS}]" if found else master


def hush() -> None:
    """Have the JVM of a session opened here log nothing more: what a job leaves undone is told otherwise."""
    for sc in _started:
        with suppress(Exception):  # the JVM may be gone
            say_nothing(getattr(sc, "_jvm"))  # noqa: B009 (typed as optional)


def end_idle_workers() -> None:
    """In local mode, end the worker processes of a session opened here, before Spark makes them complain.

    Spark closes the sockets of idle workers and only then tells their daemon to end them. A worker that sees
    its socket closed first prints a traceback (daemon.py re-raises what its last flush failed with), which
    Spark copies to the driver's standard error. Elsewhere it goes to the executor's own log.
    """
    if not _started or not str(_started[-1].master).startswith("local["):
        return
    jvm: Any = getattr(_started.pop(), "_jvm")  # noqa: B009 (typed as optional)
    with suppress(Exception):  # the JVM may be gone, and then so are they
        found = jvm.java.lang.ProcessHandle.current().descendants().toArray()
        workers = [one for one in found if "pyspark.daemon" in one.info().commandLine().orElse("")]
        for worker in workers:
            worker.destroy()
        until = time.monotonic() + GRACE
        while any(worker.isAlive() for worker in workers) and time.monotonic() < until:
            time.sleep(0.01)


def _not_started(error: Exception) -> NNSparkError:
    if isinstance(error, java_errors()):  # Java runs, and says what Spark does not like
        return NNSparkError(f"Spark did not start: {root_cause(str(error))}")
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return NNSparkError(f"Spark did not start: {reason}; is Java 17 or newer on PATH?")
