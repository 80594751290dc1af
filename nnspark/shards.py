"""Shards: the blocks of a data set, laid out on the executors (or in this process) for training.

Two kinds with one face: ``run(function, value, zero)`` applies a function to the blocks and sums what
it gives. ``LocalShards`` calls it; ``SparkShards`` broadcasts the value and runs one job:
``mapPartitions`` over resident shards, ``treeAggregate`` of the sums.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from nnspark import resident
from nnspark.dataset import Dataset
from nnspark.plan import Plan
from nnspark.progress import log
from nnspark.resident import Handle
from nnspark.rows import BlockSet

if TYPE_CHECKING:
    from pyspark import RDD, Broadcast, SparkContext

__all__ = ["LocalShards", "Shards", "SparkShards"]

DISK_LOST = (
    "NoSuchFileException",
    "FileNotFoundException",
    "FileNotFoundError",
    "Failed to create local dir",
)
REPLACEMENTS = 3

Sum = TypeVar("Sum", bound="Mergeable")

DIRECT_TASKS, DIRECT_BYTES = 64, 512 << 20


class Mergeable(Protocol):
    """An accumulator: adds another to itself, and names the shards it could not see."""

    missing: frozenset[int]

    def merge(self, other: Any) -> Any:
        """Add the other; returns self."""


class Shards(Protocol):
    """What training needs of a laid-out data set."""

    plan: Plan

    def run(
        self, function: Callable[[Iterable[BlockSet], Any], Sum], value: Any, zero: Callable[[], Sum]
    ) -> Sum:
        """``function(blocks, value)`` of every shard, merged."""

    def close(self) -> None:
        """Give back disk and memory."""


class LocalShards:
    """All blocks in this process: the engine without Spark."""

    def __init__(self, dataset: Dataset) -> None:
        self.plan = dataset.plan
        self.blocks = [dataset.blocks]

    def run(
        self, function: Callable[[Iterable[BlockSet], Any], Sum], value: Any, zero: Callable[[], Sum]
    ) -> Sum:
        """``function(blocks, value)``, merged into zero."""
        merged: Sum = zero().merge(function(self.blocks, value))
        return merged

    def close(self) -> None:
        """Nothing to give back."""


class SparkShards:
    """Blocks resident on the executors, one shard a partition of ``handles``.

    Parameters
    ----------
    built : handles whose computation writes the shards: the lineage that rebuilds a lost one.
    tasks : partitions an evaluation runs on; they follow the cores, not the shards.
    depth : of the treeAggregate; 0 means 2 where more than 64 tasks, or more than ``DIRECT_BYTES`` of
        results, would meet in the driver, else 1.
    """

    def __init__(self, plan: Plan, built: "RDD[Handle]", *, tasks: int, depth: int = 0) -> None:
        self.plan = plan
        self._built = built
        self._tasks = tasks
        self._depth = depth
        self._lay_out()

    @property
    def context(self) -> "SparkContext":
        """The SparkContext the shards live in."""
        return self._built.context

    def run(
        self, function: Callable[[Iterable[BlockSet], Any], Sum], value: Any, zero: Callable[[], Sum]
    ) -> Sum:
        """Broadcast ``value`` and sum ``function(blocks, value)`` over the shards: one Spark job.

        Shards that were missing where their task ran are summed from the lineage, in a second job,
        and laid out again for the next call. Executors whose local directories were deleted cannot run
        Python tasks any more; they are replaced, and the job is run again.
        """
        for attempt in range(REPLACEMENTS + 1):
            try:
                return self._run_once(function, value, zero)
            except Exception as error:
                if attempt == REPLACEMENTS or not self._replace_executors(error):
                    raise
        raise AssertionError("unreachable")

    def _run_once(
        self, function: Callable[[Iterable[BlockSet], Any], Sum], value: Any, zero: Callable[[], Sum]
    ) -> Sum:
        value_bc = self.context.broadcast(value)
        try:
            worker = partial(_shard_sums, function, value_bc, zero)
            depth = self._depth or depth_for(self._tasks, size_of(value))
            total: Sum = self._handles.mapPartitions(worker).treeAggregate(zero(), _merge, _merge, depth)
            if total.missing:
                lost = sorted(total.missing)
                total.missing = frozenset()
                found = self.context.runJob(self._built.mapPartitions(worker), _same, lost)
                for sums in found:
                    total.merge(sums)
                if total.missing:
                    raise RuntimeError(f"shards {sorted(total.missing)} could not be rebuilt")
                self._stored.unpersist()
                self._lay_out()
            return total
        finally:
            value_bc.destroy()

    def close(self) -> None:
        """Delete the shards' files and let the handles go."""
        self._stored.foreachPartition(_forget)
        self._stored.unpersist()

    def _replace_executors(self, error: Exception) -> bool:
        """Have all executors replaced, if the error says that files went from under one; else False."""
        sc = self.context
        if str(sc.master).partition("[")[0] == "local" or not any(sign in str(error) for sign in DISK_LOST):
            return False
        scala: Any = sc._jsc.sc()
        executors = scala.getExecutorIds()
        log("warning: files of Spark vanished from an executor's disk: replacing the executors")
        return bool([scala.killAndReplaceExecutor(executors.apply(i)) for i in range(executors.size())])

    def _lay_out(self) -> None:
        self._stored = self._built.map(_same_handle, preservesPartitioning=True).persist()
        self._handles = self._stored
        if self._tasks < self._stored.getNumPartitions():
            self._handles = self._stored.coalesce(self._tasks)


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


def _shard_sums(
    function: Callable[[Iterable[BlockSet], Any], Sum],
    value_bc: "Broadcast[Any]",
    zero: Callable[[], Sum],
    handles: Iterator[Handle],
) -> Iterator[Sum]:
    """Worker function: one sum for the partition's shards."""
    total, here = zero(), []
    for handle in handles:
        if handle.spans:
            if resident.find(handle) is None:
                total.missing |= {handle.shard}
            else:
                here.append(handle)
    if here:
        resident.settle_worker()
        total.merge(function(resident.OpenSets(here), value_bc.value))
    yield total


def _forget(handles: Iterable[Handle]) -> None:
    for handle in handles:
        resident.forget(handle)


def _merge(total: Sum, other: Sum) -> Sum:
    merged: Sum = total.merge(other)
    return merged


def _same(sums: Iterable[Sum]) -> Iterable[Sum]:
    return sums


def _same_handle(handle: Handle) -> Handle:
    return handle
