"""What a task of an evaluation does: sum over the shards that are here, and name those that are not.

``gather`` is the worker function of every evaluation; ``Gathered`` the accumulator of the ``treeAggregate``.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

import numpy as np

from nnspark.data.rows import most_rows
from nnspark.engines import resident
from nnspark.engines.base import Function, Sum
from nnspark.engines.connections import Held
from nnspark.engines.places import runs_of
from nnspark.engines.platforms import platform
from nnspark.engines.resident import Handle
from nnspark.engines.settling import settle_worker
from nnspark.engines.threads import sum_over, threads_of_tasks

if TYPE_CHECKING:
    from pyspark import Broadcast

__all__ = ["DIRECT_BYTES", "DIRECT_TASKS", "Gathered", "depth_for", "gather", "merge", "size_of"]

DIRECT_TASKS, DIRECT_BYTES = 64, 512 << 20


@dataclass
class Gathered(Generic[Sum]):
    """What tasks report: their sum, and what the driver has to know about the shards they were given.

    ``lost`` shards are not on the disk where they were written; the tasks of ``away`` shards ran on another
    executor; ``platforms`` are those that computed.
    """

    total: Sum
    lost: frozenset[int] = frozenset()
    away: frozenset[int] = frozenset()
    platforms: frozenset[str] = frozenset()

    def merge(self, other: "Gathered[Sum]") -> "Gathered[Sum]":
        """Add another task's report; returns self."""
        self.total = self.total.merge(other.total)
        self.lost |= other.lost
        self.away |= other.away
        self.platforms |= other.platforms
        return self


def gather(
    function: Function[Sum],
    value_bc: "Broadcast[Any] | Held",
    zero: Callable[[], Sum],
    superseded: tuple[str, ...],
    patience: float,
    handles: Iterator[Handle],
) -> Iterator[Gathered[Sum]]:
    """Worker function: one sum for the task's shards, and the shards that are not here."""
    given = list(handles)
    resident.sweep(superseded)
    _wait_elsewhere(given, patience)
    lost: set[int] = set()
    away: set[int] = set()
    here: list[Handle] = []
    for handle in given:
        if resident.find(handle) is not None:
            here.append(handle)
        else:
            (lost if handle.home == resident.home() else away).add(handle.shard)
    gathered = Gathered(zero(), frozenset(lost), frozenset(away))
    if here:
        settle_worker()
        gathered.platforms = frozenset([platform()])
        gathered.total = gathered.total.merge(_sum_of(function, here, value_bc.value))
    yield gathered


def _sum_of(function: Function[Sum], handles: list[Handle], value: Any) -> Sum:
    """The sum of the task's shards, by as many threads as it has cores (``spark.task.cpus``)."""
    from pyspark import TaskContext

    context = TaskContext.get()
    cores = 1 if context is None else context.cpus()
    whole = resident.OpenSets(handles)
    if cores == 1:
        return function(whole, value)
    shares = [resident.OpenSets(run) for run in runs_of(handles, cores)]
    pool = threads_of_tasks(cores)
    return sum_over(function, shares, whole, value, rows=most_rows(whole), pool=pool)


def _wait_elsewhere(handles: list[Handle], patience: float) -> None:
    """Let a second attempt that is not where the shards are wait: it must not win by finding nothing.

    Spark starts one beside a slow task (speculation), which mostly ends soon; then this one is cancelled.
    """
    from pyspark import TaskContext

    context = TaskContext.get()
    deadline = time.monotonic() + patience
    if context is None or not context.attemptNumber():
        return
    while time.monotonic() < deadline and any(
        handle.home != resident.home() and resident.find(handle) is None for handle in handles
    ):
        time.sleep(0.05)


def merge(total: Gathered[Sum], other: Gathered[Sum]) -> Gathered[Sum]:
    """Two reports as one."""
    return total.merge(other)


def depth_for(tasks: int, result_bytes: int) -> int:
    """Depth of the sum: 1 is quicker (``scripts/bench partitions``) while the driver can hold it all."""
    return 2 if tasks > DIRECT_TASKS or tasks * result_bytes > DIRECT_BYTES else 1


def size_of(value: Any) -> int:
    """Bytes of the arrays in a broadcast value, about what a task's result has too."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, Mapping):
        return sum(map(size_of, value.values()))
    return sum(map(size_of, value)) if isinstance(value, tuple | list) else 0
