"""Rows that come many times, of a DataFrame: counted once, and made again where their pieces belong.

Their copies do not travel. Each task of the packing sends only how many it saw to a kind's home, the bin of
its first piece, whose shard answers for them; every bin makes its own pieces from the plan.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.crowded import Crowded, crowded_of, kinds, limit, pieces
from nnspark.data.plan import Plan
from nnspark.data.rows import Rows
from nnspark.engines.conservation import changed
from nnspark.engines.frames.columns import Arrays, Layout, arrays_of
from nnspark.engines.frames.merging import merged
from nnspark.engines.frames.scan import Scan
from nnspark.engines.frames.survey import Survey, present

__all__ = ["Copies", "CrowdedRows", "crowded_rows", "pieces_in"]

Array = NDArray[Any]


@dataclass(frozen=True)
class CrowdedRows:
    """The crowded kinds and a row of each, as it was read."""

    kinds: Crowded
    rows: Arrays


@dataclass
class Copies:
    """Different rows with how often each came: at most 8 bytes a value of ``kinds`` rows, and 24 a row."""

    hashes: NDArray[np.uint64]
    times: NDArray[np.int64]
    rows: Arrays

    def merge(self, other: "Copies") -> "Copies":
        """Add other rows; returns self."""
        return _once(
            np.concatenate([self.hashes, other.hashes]),
            np.concatenate([self.times, other.times]),
            _both(self.rows, other.rows),
        )


def crowded_rows(scan: Scan, layout: Layout, survey: Survey, block_rows: int) -> CrowdedRows | None:
    """The crowded kinds of a surveyed DataFrame; another pass only where the survey found candidates.

    None where parts are given: copies need not share one then.
    """
    if layout.given:
        return None
    columns = len(layout.names)
    most = limit(survey.rows, columns, block_rows)
    missed = survey.rows // (kinds(columns) + 1)
    words = survey.common.words[survey.common.counts + missed > most]
    if not len(words):
        return None
    found = merged(scan, partial(count_copies, layout=layout, words=np.sort(words)))
    if found is None:
        raise changed("the survey and the counting of equal rows", "some rows", "none of them")
    crowded = crowded_of(found.hashes, found.times, most)
    if not len(crowded.copies):
        return None
    at = np.flatnonzero(crowded.kind_of(found.hashes) >= 0)
    at = at[np.argsort(found.hashes[at, 0])]
    return CrowdedRows(crowded, found.rows.take(at))


def count_copies(batches: Iterable[Any], layout: Layout, words: NDArray[np.uint64]) -> Copies | None:
    """Worker function: the rows whose hash starts with one of the words."""
    total = None
    for batch in batches:
        rows = present(arrays_of(batch, layout))
        hashes = rows.hashes()
        mine = np.flatnonzero(np.isin(hashes[:, 0], words))
        if len(mine):
            found = _once(hashes[mine], np.ones(len(mine), np.int64), rows.take(mine))
            total = found if total is None else total.merge(found)
    return total


def pieces_in(plan: Plan, crowded: CrowdedRows, here: Callable[[int, Array], Array]) -> Rows:
    """The copies that belong to the blocks of a part that are ``here(part, blocks)``, made."""
    rows = plan.prepare(*crowded.rows[:3])
    kind, block = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for number, copies in enumerate(crowded.kinds.copies.tolist()):
        part, word = int(rows.part[number]), int(rows.hashes[number, 0])
        folds, own = (0 if part else plan.folds), int(rows.block[number])
        blocks, sizes = pieces(word, copies, plan.blocks[part], plan.block_rows, folds=folds, block=own)
        mine = here(part, blocks)
        block.append(np.repeat(blocks[mine], sizes[mine]))
        kind.append(np.full(len(block[-1]), number))
    return replace(rows.take(np.concatenate(kind)), block=np.concatenate(block))


def _once(hashes: Array, times: Array, rows: Arrays) -> Copies:
    order = np.lexsort((hashes[:, 1], hashes[:, 0]))
    hashes, times = hashes[order], times[order]
    first = np.flatnonzero(np.append(True, (np.diff(hashes, axis=0) != 0).any(axis=1)))
    return Copies(hashes[first], np.add.reduceat(times, first), rows.take(order[first]))


def _both(one: Arrays, other: Arrays) -> Arrays:
    weight = None
    if one.weight is not None and other.weight is not None:
        weight = np.concatenate([one.weight, other.weight])
    return Arrays(
        np.concatenate([one.features, other.features]), np.concatenate([one.target, other.target]), weight
    )
