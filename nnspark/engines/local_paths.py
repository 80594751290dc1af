"""Paths that can be looked up before Spark starts, which takes seconds: mistyped ones are told at once.

A plain path is Hadoop's to interpret: it is this machine's unless a configuration says ``fs.defaultFS``.
"""

import os
import shlex
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

__all__ = ["is_certainly_local", "jvm_runs"]

ELSEWHERE = ("HADOOP_CONF_DIR", "YARN_CONF_DIR")


def jvm_runs() -> bool:
    """Whether this process has a JVM of Spark's already."""
    context = getattr(sys.modules.get("pyspark"), "SparkContext", None)
    return getattr(context, "_gateway", None) is not None or "PYSPARK_GATEWAY_PORT" in os.environ


def is_certainly_local(path: str) -> bool:
    """Whether a path is one of this machine's, whatever Spark will be told; False where only Spark knows."""
    if "://" in path or path.startswith("file:") or any(one in path for one in "*?[{"):
        return False
    return not (jvm_runs() or any(map(os.environ.get, ELSEWHERE)) or any(map(_names_another, _settings())))


def _names_another(text: str) -> bool:
    return "fs.defaultFS" in text


def _settings() -> Iterator[str]:
    """All that may configure Spark's Hadoop client when Spark is started from here."""
    said = os.environ.get("PYSPARK_SUBMIT_ARGS", "")
    yield said
    words = shlex.split(said)
    files = [Path(value) for key, value in pairwise(words) if key == "--properties-file"]
    homes = [os.environ.get("SPARK_CONF_DIR", ""), os.path.join(os.environ.get("SPARK_HOME", ""), "conf")]
    files += [Path(home, name) for home in homes for name in ("spark-defaults.conf", "core-site.xml")]
    for file in files:
        if file.is_file():
            yield file.read_text(encoding="utf-8", errors="replace")
