"""What the tasks of an evaluation over Spark Connect do: ``gather.py``, from and to Arrow batches."""

import pickle
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic

from nnspark.engines import resident
from nnspark.engines.base import Function, Sum
from nnspark.engines.connect_blocks import blocks_in, bytes_of, handle_in, text_of
from nnspark.engines.connections import Held
from nnspark.engines.gather import Gathered, gather
from nnspark.engines.resident import Handle

__all__ = ["Report", "content_of", "evaluate", "list_handles", "merge_reports", "pack_up", "sweep"]

SCARCE = 0.25  # of a disk that is free: of a shared file's shards no more are kept then

Batches = Iterable[Any]


@dataclass
class Report(Generic[Sum]):
    """What tasks report: what they gathered, and the contents of all shards that were theirs to look for."""

    gathered: Gathered[Sum]
    contents: frozenset[Handle] = frozenset()

    def merge(self, other: "Report[Sum]") -> "Report[Sum]":
        """Add another task's report; returns self."""
        self.gathered = self.gathered.merge(other.gathered)
        self.contents |= other.contents
        return self


def content_of(handle: Handle) -> Handle:
    """What a shard holds, wherever it lies and whenever it was laid out."""
    return handle._replace(data_set="", home="")


def evaluate(
    function: Function[Sum],
    packed: bytes | None,
    zero: Callable[[], Sum],
    wanted: frozenset[tuple[str, int]],
    superseded: tuple[str, ...],
    patience: float,
    batches: Batches,
) -> Iterator[Any]:
    """Worker function: one report on the task's shards.

    ``packed`` is the pickled value; None where the rows carry it, in pieces (``connect_views.carried``)
    beside the list of the task's handles. ``wanted`` are data sets and numbers of shards.
    """
    handles: list[Handle] = []
    pieces: dict[int, bytes] = {}
    given = False
    for batch in batches:
        if packed is not None:
            handles += handles_in(batch)
            given |= "blocks" in batch.schema.names
        elif len(batch):
            handles = pickle.loads(batch.column("handle")[0].as_py())
            pieces |= zip(batch.column("number").to_pylist(), batch.column("piece").to_pylist(), strict=True)
    mine = [handle for handle in handles if (handle.data_set, handle.shard) in wanted]
    if mine and packed is None:
        packed = b"".join(pieces[number] for number in sorted(pieces))
    value = Held(pickle.loads(packed) if mine and packed else None)
    contents = frozenset(map(content_of, mine))
    resident.look_in({handle.home for handle in mine})
    for gathered in gather(function, value, zero, superseded, patience, iter(mine)):
        yield _batch(Report(gathered, contents))
    if given and is_scarce():
        for handle in mine:
            resident.forget(handle)


def handles_in(batch: Any) -> list[Handle]:
    """The handles of a view's rows, or of a file's (``connect_files.py``), whose blocks are laid out here."""
    if "handle" in batch.schema.names:
        return [pickle.loads(value.as_buffer()) for value in batch.column("handle")]
    found = [handle_in(text) for text in batch.column("about").to_pylist()]
    if "blocks" in batch.schema.names:
        for handle, content in zip(found, batch.column("blocks"), strict=True):
            if any(handle.rows):
                resident.store(
                    handle.data_set, handle.shard, blocks_in(content.as_buffer()), handle.hash_sums
                )
    return found


def is_scarce() -> bool:
    """Whether room is scarce on a disk of this executor's."""
    usages = [shutil.disk_usage(root) for root in resident.local_roots() if root.exists()]
    return any(usage.free < SCARCE * usage.total for usage in usages)


def pack_up(store: Callable[[Batches], Iterable[Any]], batches: Batches) -> Iterator[Any]:
    """Worker function: what ``store(batches)`` writes, as rows of a file: number, handle as text, blocks."""
    import pyarrow as pa

    for stored in store(batches):
        for handle in handles_in(stored):
            blocks = resident.find(handle)
            columns = {
                "shard": pa.array([handle.shard], pa.int32()),
                "about": pa.array([text_of(handle)], pa.string()),
                "blocks": pa.array([None if blocks is None else bytes_of(blocks)], pa.binary()),
            }
            yield pa.RecordBatch.from_pydict(columns)


def merge_reports(batches: Batches) -> Iterator[Any]:
    """Worker function: the reports that came to this task as one."""
    total: Report[Any] | None = None
    for batch in batches:
        for value in batch.column("report"):
            report = pickle.loads(value.as_buffer())
            total = report if total is None else total.merge(report)
    if total is not None:
        yield _batch(total)


def list_handles(batches: Batches) -> Iterator[Any]:
    """Worker function: a task's handles in one row."""
    import pyarrow as pa

    found = [handle for batch in batches for handle in handles_in(batch)]
    yield pa.RecordBatch.from_pydict({"handle": pa.array([pickle.dumps(found, 5)], pa.binary())})


def sweep(folders: Collection[str], batches: Batches) -> Iterator[Any]:
    """Worker function: delete a data set's folders here."""
    for _ in batches:
        pass
    resident.sweep(folders)
    yield from ()


def _batch(report: Report[Any]) -> Any:
    import pyarrow as pa
    from pyspark import TaskContext

    context = TaskContext.get()
    columns = {
        "part": pa.array([0 if context is None else context.partitionId()], pa.int32()),
        "report": pa.array([pickle.dumps(report, 5)], pa.binary()),
    }
    return pa.RecordBatch.from_pydict(columns)
