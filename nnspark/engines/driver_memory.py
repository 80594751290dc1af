"""What the driver can hold: its JVM, of what tasks send it at a time, and this process, of rows."""

import math
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nnspark.engines.connections import context_of, setting
from nnspark.engines.gather import depth_for

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

__all__ = ["advice", "bytes_of", "collectable", "memory_left", "results_at_once"]

COPIES = 4  # as read from the worker, in the task's result, as it is sent, as it is unpacked
PLENTY = 0.9  # of the heap
UNLIMITED = 1 << 40
SIZE = re.compile(r"(\d+)([kmgtp]?)b?")
GROUP = "/sys/fs/cgroup"


def results_at_once(tasks: int, result_bytes: int, depth: int, *, local: bool) -> int:
    """Results that meet in the driver's JVM: in local mode every task's, else those of the last stage."""
    depth = depth or depth_for(tasks, result_bytes)
    return tasks if local or depth == 1 else math.ceil(tasks ** (1 / depth))


def advice(sc: "SparkContext", tasks: int, result_bytes: int, depth: int = 0) -> str | None:
    """A warning with the memory to give, if the heap is too small for these results; else None."""
    local = str(sc.master).partition("[")[0] == "local"
    results = results_at_once(tasks, result_bytes, depth, local=local)
    needed = COPIES * results * result_bytes
    heap: int = sc._jvm.java.lang.Runtime.getRuntime().maxMemory()  # type: ignore[union-attr]
    if needed <= PLENTY * heap:
        return None
    return (
        f"{results} results of {result_bytes / 1e6:.0f} MB want {needed / 1e9:.1f} GB of the driver's JVM, "
        f"it has {heap / 1e9:.1f}: it may run out of memory; set spark.driver.memory={1 + needed // 10**9}g"
    )


def collectable(session: "SparkSession") -> int:
    """Bytes of rows that may come to the driver by Arrow: half of what Spark or its JVM allows."""
    most = bytes_of(setting(session, "spark.driver.maxResultSize", "1g")) or UNLIMITED
    sc = context_of(session)
    if sc is not None:
        heap: int = sc._jvm.java.lang.Runtime.getRuntime().maxMemory()  # type: ignore[union-attr]
        most = min(most, heap)
    return most // 2


def bytes_of(text: str) -> int:
    """Spark's way of writing a number of bytes, such as 512m; 0 where it is none."""
    found = SIZE.fullmatch(text.strip().lower())
    return int(found[1]) << 10 * " kmgtp".index(found[2] or " ") if found else 0


def memory_left() -> int:
    """Bytes that this process may still take: the machine's, or its container's where those are less."""
    left = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    with suppress(OSError, ValueError, KeyError):
        left.append(_numbers("/proc/meminfo")["MemAvailable:"] << 10)
    with suppress(OSError, ValueError, KeyError):  # "max" is no number
        limit, used = (int(Path(GROUP, f"memory.{name}").read_text()) for name in ("max", "current"))
        left.append(limit - used + _numbers(f"{GROUP}/memory.stat")["file"])
    return max(0, min(left))


def _numbers(file: str) -> dict[str, int]:
    lines = (line.split() for line in Path(file).read_text().splitlines())
    return {line[0]: int(line[1]) for line in lines if len(line) > 1}
