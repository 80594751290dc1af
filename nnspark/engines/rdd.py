"""Shards on Spark: resident on the executors' disks, summed over in one job an evaluation.

    broadcast(value) -> mapPartitions over handles: function(blocks, value) -> treeAggregate of the sums

The driver knows each shard's handle and executor, so that a task goes where its shards are, and only what is
lost is laid out again. Whatever is lost, the sums are those of all blocks, each once.

(Above 200 lines: laying out, summing and mending follow one map of shard to executor.)
"""

import re
import time
import weakref
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from nnspark.data.plan import Plan
from nnspark.engines import executors
from nnspark.engines.base import Function, Sum
from nnspark.engines.conservation import check_laid_out
from nnspark.engines.gather import Gathered, depth_for, gather, merge, size_of
from nnspark.engines.interrupts import check
from nnspark.engines.places import group
from nnspark.engines.platforms import note, platform
from nnspark.engines.resident import Handle
from nnspark.engines.sweeping import sweep_everywhere, sweep_later
from nnspark.errors import InternalError
from nnspark.log import warn

if TYPE_CHECKING:
    from pyspark import RDD, SparkContext

__all__ = ["SparkShards"]

DISK_LOST = re.compile(
    r"Failed to create local dir|"
    r"(NoSuchFileException|FileNotFoundException|FileNotFoundError)[^\n]*(/blockmgr-|/spark-[0-9a-f-]{36}/)"
)
REPLACEMENTS, MENDINGS = 3, 5
FIRST = "the survey and the packing"
LEAST_PATIENCE = 2.0  # seconds
Built = tuple[list[Handle], dict[int, str | None]]  # handles, and the place of each shard


class SparkShards:
    """Blocks resident on the executors.

    Parameters
    ----------
    built : handles, the shard of number i in partition i; computing a partition writes its shard: the
        lineage that rebuilds a lost one.
    data_set : the name that the shards' folders share.
    tasks : partitions an evaluation runs on; they follow the cores, not the shards.
    depth : of the treeAggregate; 0 means 2 where more than 64 tasks, or more than ``DIRECT_BYTES`` of
        results, would meet in the driver, else 1.
    reading : a context in which the source is read; turns Spark's errors into nnspark's.
    """

    def __init__(
        self,
        plan: Plan,
        built: "RDD[Handle]",
        *,
        data_set: str,
        tasks: int,
        depth: int = 0,
        reading: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.plan = plan
        self.platforms = {platform()}
        self._built, self._data_set, self._tasks, self._depth = built, data_set, tasks, depth
        self._reading = reading
        self._handles: dict[int, Handle] = {}
        self._places: dict[int, str | None] = {}
        self._superseded: set[str] = set()
        self.learned: list[bytes] = []  # of the rows on the way, by those who made the last handles
        self._all: RDD[Handle] | None = None
        self._longest = 0.0
        self._release = weakref.finalize(self, sweep_later, built.context, data_set)
        self._release.atexit = False
        try:
            self._lay_out(range(built.getNumPartitions()), FIRST)
        except BaseException:
            self.close()
            raise

    def accept(self, plan: Plan) -> None:
        """Take the plan that the rows have, in place of the one that they were supposed to have."""
        check_laid_out(plan, self.handles, FIRST)
        self.plan = plan

    @property
    def context(self) -> "SparkContext":
        """The SparkContext the shards live in."""
        return self._built.context

    @property
    def handles(self) -> list[Handle]:
        """The handles of all shards that have rows."""
        return list(self._handles.values())

    def run(self, function: Function[Sum], value: Any, zero: Callable[[], Sum]) -> Sum:
        """Broadcast ``value`` and sum ``function(blocks, value)`` over the shards: one Spark job.

        Shards that are lost are laid out again from the lineage, and their sums added in another job.
        Executors whose local directories were deleted cannot run Python tasks any more; they are
        replaced, and the job is run again.
        """
        for attempt in range(REPLACEMENTS + 1):
            try:
                return self._run_once(function, value, zero)
            except Exception as error:
                if attempt == REPLACEMENTS or not self._replace_executors(error):
                    raise
        raise AssertionError("unreachable")

    def _run_once(self, function: Function[Sum], value: Any, zero: Callable[[], Sum]) -> Sum:
        check()
        total, wanted = zero(), None
        away_before: frozenset[int] = frozenset()
        began = time.monotonic()
        value_bc = self.context.broadcast(value)
        try:
            for mended in range(MENDINGS):
                patience = max(LEAST_PATIENCE, 2 * self._longest)
                worker = partial(gather, function, value_bc, zero, tuple(self._superseded), patience)
                gathered = self._sum_over(wanted, worker, Gathered(zero()), size_of(value))
                total = total.merge(gathered.total)
                note(self.platforms, gathered.platforms)
                if not gathered.lost | gathered.away:
                    if not mended:  # else a task may have waited that long for an executor that is gone
                        self._longest = max(self._longest, time.monotonic() - began)
                    return total
                self._mend(gathered, away_before)
                away_before = gathered.away
                wanted = sorted(gathered.lost | gathered.away)
        finally:
            value_bc.destroy()
        raise InternalError(
            f"shards {wanted} were lost {MENDINGS} times in one evaluation; go on with --resume"
        )

    def _sum_over(
        self,
        shards: Collection[int] | None,
        worker: Callable[..., Any],
        zero: Gathered[Sum],
        result_bytes: int,
    ) -> Gathered[Sum]:
        """The job over some shards, or all of them: handles go out with the tasks, sums come back."""
        handles = self._placed(shards)
        depth = self._depth or depth_for(handles.getNumPartitions(), result_bytes)
        gathered: Gathered[Sum] = handles.mapPartitions(worker).treeAggregate(zero, merge, merge, depth)
        return gathered

    def _placed(self, shards: Collection[int] | None) -> "RDD[Handle]":
        """Handles where their executors are; that of all shards is kept until one is laid out again."""
        if shards is None and self._all is not None:
            return self._all
        wanted = [handle for handle in self.handles if shards is None or handle.shard in shards]
        placed = executors.placed(self.context, group(wanted, self._places, self._tasks))
        if shards is None:
            self._all = placed
        return placed

    def close(self) -> None:
        """Delete the shards' files on every executor and let the lineage go."""
        if self._release.detach() is not None:
            sweep_everywhere(self.context, self._data_set)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *about: object) -> None:
        self.close()

    def _lay_out(self, shards: Iterable[int], step: str) -> None:
        """Build shards from their lineage, wherever Spark has it done, and see that all add up."""
        check()
        wanted = sorted(shards)
        with self._reading():
            found, places = self._built_here(wanted) or self._built_there(wanted)
        self.learned = [handle.learned for handle in found if handle.learned]
        handles = [handle._replace(learned=b"") for handle in found if any(handle.rows)]
        others = [handle for shard, handle in self._handles.items() if shard not in wanted]
        check_laid_out(self.plan, [*others, *handles], step)
        self._handles |= {handle.shard: handle for handle in handles}
        self._places |= {handle.shard: places[handle.shard] for handle in handles}
        self._all = None

    def _built_here(self, shards: list[int]) -> Built | None:
        """Build shards where there is but one place for them; else None."""
        if not executors.is_local(self.context):
            return None
        found = self.context.runJob(self._built, _same, shards)
        return found, dict.fromkeys(shards, next(iter(executors.alive(self.context)), None))

    def _built_there(self, shards: list[int]) -> Built:
        """Build shards; a second job reads what the first has built, after which Spark says where that is."""
        stored = self._built.map(_same_handle, preservesPartitioning=True).persist()
        try:
            self.context.runJob(stored, _number, shards)
            found = self.context.runJob(stored, _same, shards)
            return found, dict(enumerate(executors.places_of(stored)))
        finally:
            stored.unpersist()

    def _mend(self, gathered: Gathered[Any], away_before: frozenset[int]) -> None:
        """Lay out again what is lost; have what was only away tried again where it is.

        What a shard leaves behind is deleted by the tasks that follow: its old copy, or, of an executor that
        is gone, all that the data set has in its directories.
        """
        alive = executors.alive(self.context)
        lost = set(gathered.lost)
        for shard in gathered.away:
            if self._places[shard] not in alive or shard in away_before:
                lost.add(shard)
        if not lost:
            return
        before = {shard: self._handles[shard] for shard in lost}
        gone = {shard for shard in lost if self._places[shard] not in alive}
        self._lay_out(lost, "the packing and the rebuilding of lost shards")
        for shard, old in before.items():
            if self._handles[shard].home != old.home:
                folder = f"nnspark/{self._data_set}" if shard in gone else old.folder
                self._superseded |= {f"{root}/{folder}" for root in old.home.split(",")}
        # A shard that has come back to where it once was is nobody's old copy.
        self._superseded -= {f"{root}/{new.folder}" for new in self.handles for root in new.home.split(",")}

    def _replace_executors(self, error: Exception) -> bool:
        """Have all executors replaced, if the error says that files went from under one; else False."""
        if executors.is_local(self.context) or not DISK_LOST.search(str(error)):
            return False
        warn("files of Spark vanished from an executor's disk: replacing the executors")
        return executors.replace_all(self.context)


def _same(handles: Iterable[Handle]) -> Iterable[Handle]:
    return handles


def _number(handles: Iterable[Handle]) -> list[int]:
    return [len(list(handles))]


def _same_handle(handle: Handle) -> Handle:
    return handle
