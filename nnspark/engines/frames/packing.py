"""Packing: prepared rows go to the bin of their block, of which a shard is made (``storing.py``).

Rows that cross once (``once.py``) are surveyed on the way; each task's survey goes to a bin as its rows do.
"""

import pickle
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.data.plan import Plan
from nnspark.data.rows import PARTS, Rows
from nnspark.engines.bins import place_of
from nnspark.engines.frames.columns import Arrays, Layout, arrays_of
from nnspark.engines.frames.crowding import CrowdedRows
from nnspark.engines.frames.payload import payload_of
from nnspark.engines.frames.survey import LEAST_BITS, Survey, add_batch, empty_survey, present
from nnspark.engines.settling import settle_task
from nnspark.recipe import Split

__all__ = ["EMPTY", "SCHEMA", "Bins", "pack"]

Array = NDArray[Any]
Batches = Iterable[Any]
SCHEMA = "bin int, rows binary, seen binary, survey binary"
EMPTY = [
    "cast(id as int) as bin",
    *(f"cast(null as binary) as {name}" for name in ("rows", "seen", "survey")),
]
"""A row of SCHEMA that has nothing but its bin's number, of one that has it as ``id``."""
SURVEYED, SURPLUS = 16, 4
"""Bins that surveys go to; times its share of rows that a bin takes at most where those are surveyed."""


class Bins(NamedTuple):
    """Which bin a block is in: neighbouring bins go to one task, neighbouring blocks to different ones."""

    plan: Plan
    tasks: int
    bins_a_task: int

    @property
    def room(self) -> int:
        """Rows that a bin takes at most of rows that are surveyed on the way."""
        share = sum(self.plan.num_samples) // (self.tasks * self.bins_a_task)
        return SURPLUS * max(share, self.plan.block_rows)

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


def pack(
    where: Bins, layout: Layout, crowded: CrowdedRows | None, surveyed: Split | None, batches: Batches
) -> Iterator[Any]:
    """Worker function: prepare rows and send each to the bin of its block; of crowded kinds, numbers only.

    ``surveyed`` is the split of rows that are surveyed here; batches with bad values are counted then.
    """
    settle_task()
    seen = np.zeros(0 if crowded is None else len(crowded.kinds.copies), dtype=np.int64)
    survey = None if surveyed is None else empty_survey(layout, surveyed, few_rows=0, bits=LEAST_BITS)
    for batch in batches:
        raw, hashes = _raw_of(batch, layout, survey, surveyed)
        if raw is None or not len(raw.features):
            continue
        rows = where.plan.prepare(raw.features, raw.target, raw.weight, raw.given, hashes)
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
    if survey is not None:
        survey.common.settle()
        yield _sent(_task() % min(SURVEYED, where.tasks * where.bins_a_task), survey=survey)


def _raw_of(
    batch: Any, layout: Layout, survey: Survey | None, split: Split | None
) -> tuple[Arrays | None, Array | None]:
    """A batch's rows, and their hashes where it is surveyed."""
    if survey is None or split is None:
        return present(arrays_of(batch, layout)), None
    return add_batch(survey, batch, layout, split) or (None, None)


def _task() -> int:
    from pyspark import TaskContext

    context = TaskContext.get()
    return 0 if context is None else int(context.partitionId())


def _sent(
    bin_number: int, *, rows: Any = None, seen: Array | None = None, survey: Survey | None = None
) -> Any:
    """A batch of ``SCHEMA``: rows of a bin, or how many of each crowded kind were seen, or a survey."""
    import pyarrow as pa

    counts = None if seen is None else seen.astype(np.int64).tobytes()
    return pa.RecordBatch.from_pydict(
        {
            "bin": pa.array([bin_number], pa.int32()),
            "rows": pa.array([None], pa.binary()) if rows is None else rows,
            "seen": pa.array([counts], pa.binary()),
            "survey": pa.array([None if survey is None else pickle.dumps(survey, 5)], pa.binary()),
        }
    )
