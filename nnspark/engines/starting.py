"""Before Spark's JVM and at its start: what is set already, paths that can be looked up, a quiet console."""

import os
import shlex
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from shutil import which
from subprocess import PIPE, Popen
from typing import IO, cast

from nnspark.engines.spark_logs import of_new_jvm

__all__ = ["is_certainly_local", "is_set", "jvm_runs", "start_jvm"]

ELSEWHERE = ("HADOOP_CONF_DIR", "YARN_CONF_DIR")
MODULES = "WARNING: Using incubator modules: jdk.incubator.vector"
ALL_BUT_ONE_LINE = """
while IFS= read -r line; do [ "$line" = "$1" ] && exec cat; printf '%s\\n' "$line"; done; printf %s "$line"
"""
STANDARD_ERROR = 2

_passing: list["Popen[bytes]"] = []


def jvm_runs() -> bool:
    """Whether this process has a JVM of Spark's already."""
    context = getattr(sys.modules.get("pyspark"), "SparkContext", None)
    return getattr(context, "_gateway", None) is not None or "PYSPARK_GATEWAY_PORT" in os.environ


def start_jvm() -> None:
    """Start the JVM if there is none, and keep a line off the console: that modules are incubating.

    The JVM prints it whatever its log settings. A shell passes on all else that comes on standard error,
    and lives as long as the JVM; an interrupt from the keyboard reaches neither.
    """
    from pyspark import SparkContext
    from pyspark.java_gateway import launch_gateway

    if jvm_runs() or which("sh") is None:
        with of_new_jvm():
            SparkContext._ensure_initialized()
        return
    command = ["sh", "-c", ALL_BUT_ONE_LINE, "sh", MODULES]
    passing = Popen(command, stdin=PIPE, stdout=STANDARD_ERROR, start_new_session=True)
    _passing.append(passing)
    pipe = cast(IO[bytes], passing.stdin)
    try:
        with of_new_jvm():
            gateway = launch_gateway(popen_kwargs={"stderr": pipe})
    except BaseException:
        pipe.close()
        passing.wait()  # it has the reason
        raise
    pipe.close()
    SparkContext._ensure_initialized(gateway=gateway)


def is_certainly_local(path: str) -> bool:
    """Whether a path is one of this machine's, whatever Spark will be told; False where only Spark knows.

    A plain path is Hadoop's to interpret: it is this machine's unless a configuration says ``fs.defaultFS``.
    """
    if "://" in path or path.startswith("file:"):
        return False
    return not (jvm_runs() or any(map(os.environ.get, ELSEWHERE)) or is_set("fs.defaultFS"))


def is_set(key: str) -> bool:
    """Whether anything that configures a Spark started from here names a setting."""
    return any(key in text for text in _settings())


def _settings() -> Iterator[str]:
    said = os.environ.get("PYSPARK_SUBMIT_ARGS", "")
    yield said
    files = [Path(value) for key, value in pairwise(shlex.split(said)) if key == "--properties-file"]
    homes = [os.environ.get("SPARK_CONF_DIR", ""), os.path.join(os.environ.get("SPARK_HOME", ""), "conf")]
    files += [Path(home, name) for home in homes for name in ("spark-defaults.conf", "core-site.xml")]
    for file in files:
        if file.is_file():
            yield file.read_text(encoding="utf-8", errors="replace")
