"""Storing: what packing sends to a bin (``packing.py``) becomes a shard."""

import pickle
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.plan import Plan
from nnspark.data.rows import Rows, assemble, sum_hashes
from nnspark.engines import resident
from nnspark.engines.frames.crowding import CrowdedRows, pieces_in
from nnspark.engines.frames.merging import merge_all
from nnspark.engines.frames.packing import Bins
from nnspark.engines.frames.payload import rows_in
from nnspark.engines.frames.survey import Survey
from nnspark.engines.resident import Handle
from nnspark.errors import InternalError

__all__ = ["handle_of", "store"]

Array = NDArray[Any]


class _Received:
    """What came to a bin, in batches of ``packing.SCHEMA``.

    Its number comes with its rows: where Spark makes a lost partition again, the task has another's. Rows
    that do not fit into its ``room`` are let go, and those before them.
    """

    def __init__(self, room: int = sys.maxsize) -> None:
        self._bins: set[int] = set()
        self._room, self._came = room, 0
        self.pieces: list[Rows] = []
        self._seen: list[Array] = []
        self.survey: Survey | None = None

    @property
    def bin(self) -> int | None:
        """Which one; None where nothing came at all."""
        return next(iter(self._bins), None)

    def add(self, batch: Any) -> None:
        """One more batch."""
        numbers, *columns = batch.columns
        self._bins.update(numbers.to_pylist())
        if len(self._bins) > 1:
            raise InternalError(f"one task got what is of the bins {sorted(self._bins)}: please report this")
        rows, seen, surveys = ([one.as_buffer() for one in column if one.is_valid] for column in columns)
        self._add_rows([rows_in(one) for one in rows])
        self._seen += [np.frombuffer(one, np.int64) for one in seen]
        self.survey = merge_all([*filter(None, [self.survey]), *map(pickle.loads, surveys)])

    def _add_rows(self, pieces: list[Rows]) -> None:
        self._came += sum(len(one.part) for one in pieces)
        self.pieces += pieces
        if self._came > self._room:
            self.pieces.clear()

    def hash_sums(self, plan: Plan, crowded: CrowdedRows | None) -> tuple[int, int]:
        """Of the rows that came, and of those of crowded kinds that were seen."""
        found = [sum_hashes(one.hashes, one.part if plan.own_parts else None) for one in self.pieces]
        if crowded is not None and self._seen:
            copies = np.sum(self._seen, axis=0).astype(np.uint64)[:, None]
            found.append(sum_hashes(copies * crowded.kinds.hashes))
        first, second = (sum(words) % 2**64 for words in zip((0, 0), *found, strict=True))
        return first, second


def store(
    where: Bins, crowded: CrowdedRows | None, surveyed: bool, data_set: str, batches: Iterable[Any]
) -> Iterator[Any]:
    """Worker function: assemble a bin's rows to blocks and write its shard, named by the bin.

    Nobody knows yet how many of the rows are equal that are ``surveyed`` on the way: a bin that gets too many
    takes none of them, and all are packed again.
    """
    import pyarrow as pa

    received = _Received(where.room) if surveyed else _Received()
    for batch in batches:
        received.add(batch)
    shard = received.bin
    if shard is None:
        return
    sums, pieces = received.hash_sums(where.plan, crowded), received.pieces
    if crowded is not None:
        pieces.append(pieces_in(where.plan, crowded, lambda part, blocks: where.of(part, blocks) == shard))
    handle = Handle(data_set, shard, resident.home(), (0, 0, 0), sums)
    if pieces:
        handle = resident.store(data_set, shard, assemble(pieces, where.plan.block_rows), sums)
    if received.survey is not None:
        handle = handle._replace(learned=pickle.dumps(received.survey, 5))
    yield pa.RecordBatch.from_pydict({"handle": pa.array([pickle.dumps(handle, 5)], pa.binary())})


def handle_of(row: Any) -> Handle:
    """The handle in a row of the packed shards."""
    handle: Handle = pickle.loads(row["handle"])
    return handle
