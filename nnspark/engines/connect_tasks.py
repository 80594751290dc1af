"""What the tasks of an evaluation over Spark Connect do: ``gather.py``, from and to Arrow batches."""

import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic

from nnspark.engines import resident
from nnspark.engines.base import Function, Sum
from nnspark.engines.connections import Held
from nnspark.engines.gather import Gathered, gather
from nnspark.engines.resident import Handle

__all__ = ["Report", "content_of", "evaluate", "list_handles", "merge_reports", "sweep"]

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
    wanted: frozenset[int],
    superseded: tuple[str, ...],
    patience: float,
    batches: Batches,
) -> Iterator[Any]:
    """Worker function: one report on the task's shards.

    ``packed`` is the pickled value; None where the rows carry it, in pieces (``connect_views.carried``)
    beside the list of the task's handles.
    """
    handles: list[Handle] = []
    pieces: dict[int, bytes] = {}
    for batch in batches:
        found = batch.column("handle").to_pylist()
        if packed is not None:
            handles += map(pickle.loads, found)
        elif found:
            handles = [pickle.loads(one) for one in pickle.loads(found[0])]
            pieces |= zip(batch.column("number").to_pylist(), batch.column("piece").to_pylist(), strict=True)
    mine = [handle for handle in handles if handle.shard in wanted]
    if mine and packed is None:
        packed = b"".join(pieces[number] for number in sorted(pieces))
    value = Held(pickle.loads(packed) if mine and packed else None)
    contents = frozenset(map(content_of, mine))
    resident.look_in({handle.home for handle in mine})
    for gathered in gather(function, value, zero, superseded, patience, iter(mine)):
        yield _batch(Report(gathered, contents))


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

    found = [value for batch in batches for value in batch.column("handle").to_pylist()]
    yield pa.RecordBatch.from_pydict({"handle": pa.array([pickle.dumps(found, 5)], pa.binary())})


def sweep(folder: str, batches: Batches) -> Iterator[Any]:
    """Worker function: delete a data set's folder here."""
    for _ in batches:
        pass
    resident.sweep([folder])
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
