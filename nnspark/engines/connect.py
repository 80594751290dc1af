"""Shards over Spark Connect: laid out as on any Spark, summed over by one ``mapInArrow`` an evaluation.

    value in the closure -> mapInArrow over the persisted handles: function(blocks, value) -> merged here

There is no RDD, no broadcast and no name of an executor here. The handles are a persisted DataFrame, so that
Spark runs a task where it keeps the handles, which is where their shards are; handles that went with an
executor it makes again by itself, and so their shards. Where a task finds no shard, that is tried again, then
all are laid out under another name. A view keeps the plan on the server: an evaluation sends its function and
its value.
"""

import pickle
import time
import uuid
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from nnspark.data.plan import Plan
from nnspark.engines.base import Function, Sum
from nnspark.engines.connect_tasks import Report, content_of, evaluate, list_handles, merge_reports
from nnspark.engines.connect_views import (
    View,
    carried,
    handles_schema,
    let_go,
    let_go_later,
    persisted,
    reports_schema,
)
from nnspark.engines.conservation import changed, check_laid_out
from nnspark.engines.gather import DIRECT_BYTES, DIRECT_TASKS, Gathered, size_of
from nnspark.engines.interrupts import cancelled_on_interrupt, check
from nnspark.engines.platforms import note, platform
from nnspark.engines.resident import Handle
from nnspark.errors import InternalError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["ConnectShards"]

MENDINGS, RETRIES, GROUPS = 5, 2, 16
LEAST_PATIENCE = 2.0  # seconds


class ConnectShards:
    """Blocks resident on the executors of a Spark Connect server.

    Parameters
    ----------
    stored : of a data set's name a DataFrame of handles, one a row in the column ``handle``; computing it
        writes the shards below that name.
    shards, tasks : how many there are, and partitions an evaluation runs on.
    reading : a context in which the source is read; turns Spark's errors into nnspark's.
    """

    def __init__(
        self,
        plan: Plan,
        stored: "Callable[[str], DataFrame]",
        *,
        shards: int,
        tasks: int,
        reading: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.plan = plan
        self.platforms = {platform()}
        self._stored, self._shards, self._reading = stored, shards, reading
        self._tasks = min(tasks, shards)
        self._views: list[View] = []  # the last one is in use
        self._handles: dict[int, Handle] = {}
        self._longest = 0.0
        self._release = weakref.finalize(self, let_go_later, self._views)
        self._release.atexit = False
        try:
            self._lay_out("the survey and the packing")
        except BaseException:
            self.close()
            raise

    @property
    def session(self) -> "SparkSession":
        """The session the shards live in."""
        return self._views[-1].rows.sparkSession

    @property
    def handles(self) -> list[Handle]:
        """The handles of all shards that have rows, as they were when these were laid out."""
        return list(self._handles.values())

    def run(self, function: Function[Sum], value: Any, zero: Callable[[], Sum]) -> Sum:
        """``function(blocks, value)`` of every shard, merged: one query, and others for what was lost."""
        check()
        total, wanted, packed = zero(), frozenset(self._handles), pickle.dumps(value, 5)
        began, bytes_a_task = time.monotonic(), size_of(value)
        with cancelled_on_interrupt(self.session), carried(self.session, packed) as value_rows:
            inline = packed if value_rows is None else None
            for mended in range(MENDINGS):
                patience = max(LEAST_PATIENCE, 2 * self._longest)
                old = tuple(f"nnspark/{view.data_set}" for view in self._views[:-1])
                worker = partial(evaluate, function, inline, zero, wanted, old, patience)
                report = self._sum_over(worker, value_rows, bytes_a_task) or Report(Gathered(zero()))
                self._check_same(report)
                gathered = report.gathered
                total = total.merge(gathered.total)
                note(self.platforms, gathered.platforms)
                unseen = wanted - {handle.shard for handle in report.contents}
                missing = unseen | gathered.lost | gathered.away
                if not missing:
                    if not mended:  # else a task may have waited that long for an executor that is gone
                        self._longest = max(self._longest, time.monotonic() - began)
                    return total
                if missing != gathered.away or mended >= RETRIES:  # else tasks may only have run elsewhere
                    self._lay_out("the packing and the rebuilding of lost shards")
                wanted = missing
        raise InternalError(
            f"shards {sorted(wanted)} were lost {MENDINGS} times in one evaluation; go on with --resume"
        )

    def _sum_over(
        self, worker: Callable[..., Any], value_rows: "DataFrame | None", bytes_a_task: int
    ) -> Report[Any] | None:
        """The query: handles and value go out, sums come back, merged on the way where many meet."""
        rows = self._views[-1].rows
        if value_rows is not None:
            rows = rows.mapInArrow(list_handles, handles_schema()).crossJoin(value_rows)
        reports = rows.mapInArrow(worker, reports_schema())
        if self._tasks > DIRECT_TASKS or self._tasks * bytes_a_task > DIRECT_BYTES:
            by_group = reports.repartitionById(GROUPS, reports["part"] % GROUPS)
            reports = by_group.mapInArrow(merge_reports, reports_schema())
        total: Report[Any] | None = None
        for found in reports.toArrow().column("report"):
            report = pickle.loads(found.as_buffer())
            total = report if total is None else total.merge(report)
        return total

    def close(self) -> None:
        """Delete the shards' files and let the handles go."""
        if self._release.detach() is not None:
            let_go(self._views)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *about: object) -> None:
        self.close()

    def _lay_out(self, step: str) -> None:
        """Build all shards below a new name, and see that they add up; what was before is of no use more."""
        check()
        data_set = uuid.uuid4().hex
        with self._reading():
            view = persisted(self._stored(data_set), data_set, self._shards, self._tasks)
            if self._views:
                self._views[-1].forget()
            self._views.append(view)
            handles = [handle for handle in view.handles() if any(handle.rows)]
        check_laid_out(self.plan, handles, step)
        self._handles = {handle.shard: handle for handle in handles}

    def _check_same(self, report: Report[Any]) -> None:
        """See that shards which Spark made again by itself hold what they held."""
        for found in report.contents:
            known = self._handles.get(found.shard)
            if known is None or content_of(known) != found:
                raise changed(
                    "the packing and the rebuilding of lost shards",
                    "no such shard" if known is None else f"{sum(known.rows)} rows in shard {found.shard}",
                    f"{sum(found.rows)} others",
                )
