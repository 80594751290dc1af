"""Whether the driver's JVM can hold what the tasks of an epoch send it at a time."""

import math
from typing import TYPE_CHECKING

from nnspark.engines.gather import depth_for

if TYPE_CHECKING:
    from pyspark import SparkContext

__all__ = ["advice", "results_at_once"]

COPIES = 4  # as read from the worker, in the task's result, as it is sent, as it is unpacked
PLENTY = 0.9  # of the heap


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
