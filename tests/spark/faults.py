"""Worker functions that fail or dawdle on purpose, as those of ``training.cost`` with a fault in front."""

import time
from collections.abc import Callable
from typing import Any

from pyspark import TaskContext

from nnspark.engines import resident
from nnspark.training import cost

plain_totals = cost._totals


def failing_twice(*args: Any) -> Any:
    """Fail the first two attempts of every task."""
    context = TaskContext.get()
    assert context is not None
    if context.attemptNumber() < 2:
        raise RuntimeError("a task that fails on purpose")
    return plain_totals(*args)


def slow_first_attempt(*args: Any) -> Any:
    """Take long over partition 0's first attempt, so that speculation starts another where it can."""
    context = TaskContext.get()
    assert context is not None
    if context.partitionId() == 0 and context.attemptNumber() == 0:
        time.sleep(2.0)
    return plain_totals(*args)


def lose(shards: Any, numbers: Any = None) -> None:
    """Delete the files of some shards, or all, from the executors, and close them in the processes there."""
    wanted = [handle for handle in shards.handles if numbers is None or handle.shard in numbers]
    shards.context.parallelize(wanted, len(wanted)).foreachPartition(forget_everything)


def forget_everything(handles: Any) -> None:
    """Delete the shards from this worker's executor, and close them in this process."""
    for handle in handles:
        resident.forget(handle)


FAULTS: dict[str, Callable[..., Any]] = {"fail": failing_twice, "slow": slow_first_attempt}
