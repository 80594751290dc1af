"""Shards over Spark Connect: laid out as on any Spark, summed over by one ``mapInArrow`` an evaluation.

    value in the closure -> mapInArrow over the persisted handles: function(blocks, value) -> merged here

There is no RDD, no broadcast and no name of an executor here. The handles are a persisted DataFrame, so that
Spark runs a task where it keeps the handles, which is where their shards are; handles that went with an
executor it makes again by itself, and so their shards. Where a task finds no shard, that is tried again, then
laid out under another name. A view keeps the plan on the server: an evaluation sends its function and its
value. A server that keeps nothing, or loses shards again and again, is given them as files
(``connect_files.py``), if a folder for them is named.
"""

import pickle
import time
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from nnspark.data.plan import Plan
from nnspark.engines.base import Function, Sum
from nnspark.engines.connect_kept import Kept, Store, let_go, let_go_later
from nnspark.engines.connect_tasks import Report, content_of, evaluate, list_handles, merge_reports
from nnspark.engines.connect_views import carried, handles_schema, reports_schema
from nnspark.engines.conservation import changed
from nnspark.engines.gather import DIRECT_BYTES, DIRECT_TASKS, Gathered, size_of
from nnspark.engines.interrupts import cancelled_on_interrupt, check
from nnspark.engines.platforms import note, platform
from nnspark.engines.resident import Handle

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["ConnectShards"]

GROUPS = 16
LEAST_PATIENCE = 2.0  # seconds


class ConnectShards:
    """Blocks resident on the executors of a Spark Connect server.

    Parameters
    ----------
    source : the rows of shard number i are in partition i, and i in the first column of each.
    store : worker function: ``store(data_set, batches)`` writes the shards of a partition's rows below a name
        and gives batches of their handles, pickled, in the column ``handle``; nothing of no rows.
    shards, tasks : how many there are, and partitions an evaluation runs on.
    scratch : a folder for packed blocks, where they have to be kept in files.
    reading : a context in which the source is read; turns Spark's errors into nnspark's.

    Raises
    ------
    NNSparkError : the server keeps no DataFrame, and no folder is named.
    """

    def __init__(
        self,
        plan: Plan,
        source: "DataFrame",
        store: Store,
        *,
        shards: int,
        tasks: int,
        scratch: str = "",
        reading: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.plan = plan
        self.platforms = {platform()}
        self._kept = Kept(plan, source, store, shards=shards, tasks=tasks, scratch=scratch, reading=reading)
        self._longest = 0.0
        self._release = weakref.finalize(self, let_go_later, self._kept.held)
        self._release.atexit = False

    @property
    def session(self) -> "SparkSession":
        """The session the shards live in."""
        return self._kept.session

    @property
    def handles(self) -> list[Handle]:
        """The handles of all shards that have rows, as they were when these were laid out."""
        return list(self._kept.handles.values())

    def run(self, function: Function[Sum], value: Any, zero: Callable[[], Sum]) -> Sum:
        """``function(blocks, value)`` of every shard, merged: one query, and others for what was lost."""
        check()
        kept, total, packed = self._kept, zero(), pickle.dumps(value, 5)
        missing, rows = frozenset(kept.handles), kept.rows
        began, bytes_a_task = time.monotonic(), size_of(value)
        with cancelled_on_interrupt(self.session), carried(self.session, packed) as value_rows:
            inline = packed if value_rows is None else None
            for mended in count():
                wanted = frozenset((kept.handles[shard].data_set, shard) for shard in missing)
                patience = 0.0 if kept.in_files else max(LEAST_PATIENCE, 2 * self._longest)
                worker = partial(evaluate, function, inline, zero, wanted, tuple(kept.superseded), patience)
                report = self._sum_over(rows, worker, value_rows, bytes_a_task) or Report(Gathered(zero()))
                self._check_same(report)
                gathered = report.gathered
                total = total.merge(gathered.total)
                note(self.platforms, gathered.platforms)
                unseen = missing - {handle.shard for handle in report.contents}
                missing = unseen | gathered.lost | gathered.away
                if not missing:
                    if not mended:  # else a task may have waited that long for an executor that is gone
                        self._longest = max(self._longest, time.monotonic() - began)
                    return total
                rows = kept.find(missing, mended + 1, away=missing == gathered.away)
        raise AssertionError("unreachable")

    def _sum_over(
        self, rows: "DataFrame", worker: Callable[..., Any], value_rows: "DataFrame | None", bytes_a_task: int
    ) -> Report[Any] | None:
        """The query: handles and value go out, sums come back, merged on the way where many meet."""
        if value_rows is not None:
            rows = rows.mapInArrow(list_handles, handles_schema()).crossJoin(value_rows)
        reports = rows.mapInArrow(worker, reports_schema())
        tasks = self._kept.tasks
        if tasks > DIRECT_TASKS or tasks * bytes_a_task > DIRECT_BYTES:
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
            let_go(self._kept.held)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *about: object) -> None:
        self.close()

    def _check_same(self, report: Report[Any]) -> None:
        """See that shards which Spark made again by itself hold what they held."""
        for found in report.contents:
            known = self._kept.handles.get(found.shard)
            if known is None or content_of(known) != found:
                raise changed(
                    "the packing and the rebuilding of lost shards",
                    "no such shard" if known is None else f"{sum(known.rows)} rows in shard {found.shard}",
                    f"{sum(found.rows)} others",
                )
