"""Where shards are kept over Spark Connect: laid out, some of them laid out anew, or moved into files.

source -> store -> persisted handles            of lost shards: again, in another view beside the first
                -> Parquet files, packed        where a server keeps no DataFrame, or shards are lost for good
"""

import threading
import uuid
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from nnspark.data.plan import Plan
from nnspark.engines.connect_files import NAME_ONE, Files, scratch_of, written
from nnspark.engines.connect_views import NotKeptError, View, in_tasks, persisted
from nnspark.engines.conservation import check_laid_out
from nnspark.engines.interrupts import check
from nnspark.engines.resident import Handle
from nnspark.errors import InternalError, NNSparkError
from nnspark.log import warn

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["Held", "Kept", "Store", "let_go", "let_go_later"]

MENDINGS, RETRIES = 5, 2
VIEWS = 4  # of shards laid out one after the other; then all are, anew
FIRST, AGAIN = "the survey and the packing", "the packing and the rebuilding of lost shards"

Store = Callable[[str, Iterable[Any]], Iterable[Any]]
Held = list["View | Files"]


class Kept:
    """A data set's shards on a server.

    ``handles`` are those of all shards that have rows, by number; ``rows`` what an evaluation reads;
    ``superseded`` the folders of shards that are of no use any more, for the tasks that come by to delete;
    ``held`` what is to be let go at the end: views, or once the files.

    Parameters
    ----------
    see ``connect.ConnectShards``.
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
        self._plan, self._source, self._store, self._reading = plan, source, store, reading
        self._shards, self.tasks = shards, min(tasks, shards)
        self._scratch = scratch_of(source.sparkSession, scratch)
        self.session = source.sparkSession
        self.handles: dict[int, Handle] = {}
        self.rows: DataFrame = source
        self.superseded: set[str] = set()
        self.held: Held = []
        try:
            self._lay_out(None, FIRST)
        except BaseException:
            let_go(self.held)
            raise

    @property
    def in_files(self) -> bool:
        """Whether the shards are in files."""
        return isinstance(self.held[-1], Files)

    def find(self, missing: frozenset[int], times: int, *, away: bool) -> "DataFrame":
        """What an evaluation reads next, that has not found some shards, for so many times.

        ``away``: they may be where they were and only the tasks elsewhere.

        Raises
        ------
        InternalError : that was too often.
        """
        last = self.held[-1]
        if isinstance(last, Files):
            if times >= 2 * MENDINGS:
                raise _lost(missing, times)
            return last.with_blocks(missing)
        if times >= MENDINGS:
            if not self._scratch:
                raise _lost(missing, times, f"{NAME_ONE}, and ")
            with self._reading():
                files = self._into_files(
                    f"this Spark server loses its shards, {times} times in one evaluation", AGAIN
                )
            return files.with_blocks(missing)
        if not away or times > RETRIES:
            few = len(self.held) < VIEWS and 2 * len(missing) <= len(self.handles)
            self._lay_out(missing if few else None, AGAIN)
        return self.rows

    def _lay_out(self, shards: Collection[int] | None, step: str) -> None:
        """Build some shards, or all, below a new name, and see that all add up."""
        check()
        source = self._source
        if shards is not None:
            source = source.where(source[source.columns[0]].isin(sorted(shards)))
        with self._reading():
            try:
                view = persisted(source, self._store, uuid.uuid4().hex)
            except NotKeptError as refused:
                reason = f"this Spark server keeps no DataFrame ({refused})"
                if not self._scratch:
                    raise NNSparkError(
                        f"{reason}: {NAME_ONE}, or training.engine = 'local' if the driver can hold the rows"
                    ) from None
                self._into_files(reason, step)
                return
            if shards is None:
                self._forget()
            self.held.append(view)
            self._know(view.handles(), step)
        views = [one for one in self.held if isinstance(one, View)]
        self.rows = in_tasks(views, self._shards, self.tasks)

    def _into_files(self, reason: str, step: str) -> Files:
        """Keep all shards in files from now on, and say so."""
        warn(f"{reason}: the packed rows lie in Parquet files below {self._scratch} until they are let go")
        files = written(self._source, self._store, uuid.uuid4().hex, self._scratch, self.tasks)
        self._forget()
        self.held.append(files)
        self._know(files.handles(), step)
        self.rows = files.rows
        return files

    def _know(self, handles: Iterable[Handle], step: str) -> None:
        """Take down the handles of shards that were laid out, in place of those that they had."""
        new = [handle for handle in handles if any(handle.rows)]
        in_use = {one.data_set for one in self.held} - {handle.data_set for handle in new}
        before = {shard: one for shard, one in self.handles.items() if one.data_set in in_use}
        numbers = {handle.shard for handle in new}
        self.superseded |= {before[shard].folder for shard in numbers & before.keys()}
        kept = [one for shard, one in before.items() if shard not in numbers]
        check_laid_out(self._plan, [*kept, *new], step)
        self.handles = {handle.shard: handle for handle in [*kept, *new]}

    def _forget(self) -> None:
        """Let go of handles that are of no use any more; the shards' files go with the next evaluation."""
        for one in self.held:
            self.superseded.add(f"nnspark/{one.data_set}")
            if isinstance(one, View):
                one.forget()
        self.held.clear()


def _lost(shards: Collection[int], times: int, remedy: str = "") -> InternalError:
    return InternalError(
        f"shards {sorted(shards)} were lost {times} times in one evaluation; {remedy}go on with --resume"
    )


def let_go(held: Held) -> None:
    """Delete the files of shards and let their handles go; what was before has been let go."""
    for one in held:
        one.let_go()


def let_go_later(held: Held) -> None:
    """The same of shards that nobody closed; not in the garbage collector's thread, which may be anyone's."""
    threading.Thread(target=let_go, args=(held,), name="nnspark sweep", daemon=True).start()
