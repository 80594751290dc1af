"""Packing: prepared rows go to the bin of their block, and a bin becomes a shard."""

import pickle
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.data.plan import Plan
from nnspark.data.rows import PARTS, Rows, assemble, sum_hashes
from nnspark.engines import resident
from nnspark.engines.bins import place_of
from nnspark.engines.frames.columns import Layout, arrays_of
from nnspark.engines.frames.crowding import CrowdedRows, pieces_in
from nnspark.engines.frames.payload import payload_of, rows_in
from nnspark.engines.frames.survey import present
from nnspark.engines.resident import Handle
from nnspark.engines.settling import settle_task

__all__ = ["EMPTY", "SCHEMA", "Bins", "handle_of", "pack", "store"]

Array = NDArray[Any]
Batches = Iterable[Any]
SCHEMA = "bin int, rows binary, seen binary"
EMPTY = ["cast(id as int) as bin", "cast(null as binary) as rows", "cast(null as binary) as seen"]
"""A row of SCHEMA that has nothing but its bin's number, of one that has it as ``id``."""


class Bins(NamedTuple):
    """Which bin a block is in: neighbouring bins go to one task, neighbouring blocks to different ones."""

    plan: Plan
    tasks: int
    bins_a_task: int

    def of(self, part: int, blocks: Array) -> Array:
        """The bins of blocks of one part."""
        return np.asarray(place_of(self.plan, PARTS[part], blocks, self.tasks, self.bins_a_task))

    def of_rows(self, rows: Rows) -> Array:
        """The bin of every row."""
        places = np.empty(len(rows.block), dtype=np.int64)
        for part in range(len(PARTS)):
            mine = rows.part == part
            places[mine] = self.of(part, rows.block[mine])
        return places


def pack(where: Bins, layout: Layout, crowded: CrowdedRows | None, batches: Batches) -> Iterator[Any]:
    """Worker function: prepare rows and send each to the bin of its block; of crowded kinds, numbers only."""
    settle_task()
    seen = np.zeros(0 if crowded is None else len(crowded.kinds.copies), dtype=np.int64)
    for batch in batches:
        raw = present(arrays_of(batch, layout))
        if not len(raw.features):
            continue
        rows = where.plan.prepare(raw.features, raw.target, raw.weight, raw.given)
        if crowded is not None:
            kind = crowded.kinds.kind_of(rows.hashes)
            seen += np.bincount(kind[kind >= 0], minlength=len(seen))
            rows = rows.take(np.flatnonzero(kind < 0))
        if not len(rows.X):
            continue
        place = where.of_rows(rows)
        order = np.argsort(place, kind="stable")
        edges = np.flatnonzero(np.diff(place[order])) + 1
        for chosen in np.split(order, edges):
            yield _sent(int(place[chosen[0]]), rows=payload_of(rows, chosen))
    if crowded is not None and seen.any():
        rows = where.plan.prepare(*crowded.rows[:3])
        home = where.of_rows(rows)
        for bin_number in np.unique(home[seen > 0]).tolist():
            yield _sent(bin_number, seen=np.where(home == bin_number, seen, 0))


def _sent(bin_number: int, *, rows: Any = None, seen: Array | None = None) -> Any:
    """A batch of ``SCHEMA``: rows of a bin, or how many of each crowded kind were seen."""
    import pyarrow as pa

    counts = None if seen is None else seen.astype(np.int64).tobytes()
    return pa.RecordBatch.from_pydict(
        {
            "bin": pa.array([bin_number], pa.int32()),
            "rows": pa.array([None], pa.binary()) if rows is None else rows,
            "seen": pa.array([counts], pa.binary()),
        }
    )


def store(where: Bins, crowded: CrowdedRows | None, data_set: str, batches: Batches) -> Iterator[Any]:
    """Worker function: assemble a bin's rows to blocks and write its shard, named by the bin.

    The bin's number comes with its rows: where Spark makes a lost partition again, the task has another's.
    """
    import pyarrow as pa

    bins: set[int] = set()
    pieces: list[Rows] = []
    seen: list[Array] = []
    for batch in batches:
        bins.update(batch.column(0).to_pylist())
        pieces += [rows_in(value.as_buffer()) for value in batch.column(1) if value.is_valid]
        seen += [np.frombuffer(value.as_buffer(), np.int64) for value in batch.column(2) if value.is_valid]
    if not bins:
        return
    (shard,) = bins
    first, second = (
        sum(words) for words in zip((0, 0), *(_hash_sums(p, where.plan) for p in pieces), strict=True)
    )
    if crowded is not None:
        pieces.append(pieces_in(where.plan, crowded, lambda part, blocks: where.of(part, blocks) == shard))
        if seen:
            counted = np.sum(seen, axis=0).astype(np.uint64)[:, None] * crowded.kinds.hashes
            more = sum_hashes(counted)
            first, second = first + more[0], second + more[1]
    sums = (first % 2**64, second % 2**64)
    handle = resident.store(data_set, shard, assemble(pieces, where.plan.block_rows), sums)
    yield pa.RecordBatch.from_pydict({"handle": pa.array([pickle.dumps(handle, 5)], pa.binary())})


def _hash_sums(rows: Rows, plan: Plan) -> tuple[int, int]:
    return sum_hashes(rows.hashes, rows.part if plan.own_parts else None)


def handle_of(row: Any) -> Handle:
    """The handle in a row of the packed shards."""
    handle: Handle = pickle.loads(row["handle"])
    return handle
