"""Rows that come many times: their copies are spread over blocks, so that no task gets all of them.

A row's block follows from its hash, and so all copies of a row would share one. A *kind* of row is crowded
if it comes more than ``limit`` times: its copies are cut into pieces of about a block, and piece i goes i
steps on among the part's blocks. Copies are equal, so it does not matter which of them is in which piece: the
blocks depend on the set of rows only. There are fewer than ``kinds`` crowded kinds, whatever the rows.

``Common`` finds candidates in one pass and bounded memory: Misra and Gries, "Finding repeated elements"
(1982); merged as in Agarwal et al., "Mergeable summaries" (PODS 2012).
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.fold_numbers import fold_of, number_of
from nnspark.data.rows import PARTS, Rows

__all__ = ["Common", "Crowded", "find_crowded", "kinds", "limit", "pieces", "spread"]

Array = NDArray[Any]
Words = NDArray[np.uint64]

MOST_KINDS, MOST_VALUES, LEAST_KINDS = 1_024, 1 << 20, 16
BUFFER = 1 << 17


@dataclass(frozen=True)
class Crowded:
    """The crowded kinds: hashes (k, 2) in the order of their first words, which differ, and copies (k,)."""

    hashes: Words
    copies: NDArray[np.int64]

    def kind_of(self, hashes: Words) -> NDArray[np.int64]:
        """Number of each row's kind, -1 of rows that are not crowded."""
        at = np.searchsorted(self.hashes[:, 0], hashes[:, 0]).clip(max=max(len(self.hashes) - 1, 0))
        if not len(self.hashes):
            return np.full(len(hashes), -1)
        return np.where((self.hashes[at] == hashes).all(axis=1), at, -1)


class Common:
    """A summary of words: each that came more than n / (size + 1) times of n is among at most ``size``.

    ``counts`` are too low by at most n / (size + 1). It takes 16 bytes a word, pickled too.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.words, self.counts = np.empty(0, np.uint64), np.empty(0, np.int64)
        self._waiting: list[Words] = []

    def add(self, words: Words) -> None:
        """Count words; many at a time, since they are sorted."""
        self._waiting.append(words.copy())
        if sum(map(len, self._waiting)) >= BUFFER:
            self.settle()

    def settle(self) -> "Common":
        """Count what waits; returns self."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            words = np.concatenate(waiting)
            self._count(words, np.ones(len(words), np.int64))
        return self

    def merge(self, other: "Common") -> "Common":
        """Add another's words; returns self."""
        self.settle()
        other.settle()
        self._count(other.words, other.counts)
        return self

    def _count(self, words: Words, counts: Array) -> None:
        words, counts = np.append(self.words, words), np.append(self.counts, counts)
        order = np.argsort(words)
        words, counts = words[order], counts[order]
        first = np.flatnonzero(np.append(True, words[1:] != words[:-1])) if len(words) else order
        words, counts = words[first], np.add.reduceat(counts, first) if len(first) else counts
        if len(words) > self.size:
            counts = counts - np.partition(counts, -self.size - 1)[-self.size - 1]
        self.words, self.counts = words[counts > 0], counts[counts > 0]


def kinds(num_features: int) -> int:
    """Crowded kinds are fewer than this: so many rows of ``num_features`` fit into 8 MB."""
    return max(LEAST_KINDS, min(MOST_KINDS, MOST_VALUES // num_features))


def limit(rows: int, num_features: int, block_rows: int) -> int:
    """A kind is crowded if it has more copies than this, of ``rows`` rows."""
    return max(2 * block_rows, rows // kinds(num_features))


def find_crowded(hashes: Words, num_features: int, block_rows: int) -> Crowded:
    """The crowded kinds of the rows with these hashes."""
    most = limit(len(hashes), num_features, block_rows)
    words, copies = np.unique(hashes[:, 0], return_counts=True)
    among = np.isin(hashes[:, 0], words[copies > most])
    return crowded_of(*np.unique(hashes[among], axis=0, return_counts=True), most)


def crowded_of(hashes: Words, copies: Array, most: int) -> Crowded:
    """The kinds with more copies than ``most``; of two with the same first word, neither."""
    chosen = copies > most
    hashes, copies = hashes[chosen], copies[chosen]
    order = np.argsort(hashes[:, 0])
    hashes, copies = hashes[order], copies[order]
    _, first, times = np.unique(hashes[:, 0], return_index=True, return_counts=True)
    alone = first[times == 1]
    return Crowded(hashes[alone], copies[alone])


def pieces(
    word: int, copies: int, blocks: int, block_rows: int, *, folds: int = 0, block: int = 0
) -> tuple[Array, Array]:
    """Blocks and sizes of the pieces of a kind whose hash starts with ``word``, in a part of ``blocks``.

    Where the part has ``folds``, all are in the fold of ``block``, the kind's own.

    A step is about 0.618 of the way round, so that any number of pieces is spread evenly, and prime to the
    number of blocks, so that it comes by every block.
    """
    count = -(-copies // block_rows)
    blocks //= folds or 1
    step = next(s for s in range(max(1, round(0.618 * blocks)), 2 * blocks + 1) if math.gcd(s, blocks) == 1)
    numbers = (word % blocks + step * np.arange(count)) % blocks
    if folds:
        numbers = number_of(fold_of(block, folds), numbers, folds)
    return numbers, np.diff(copies * np.arange(count + 1) // count)


def spread(
    rows: Rows, crowded: Crowded, blocks: tuple[int, int, int], block_rows: int, folds: int = 0
) -> Rows:
    """The rows with the copies of each crowded kind spread over its part's blocks, or its fold's."""
    kind = crowded.kind_of(rows.hashes)
    if (kind < 0).all():
        return rows
    block = rows.block.copy()
    for number, (word, _) in enumerate(crowded.hashes.tolist()):
        for part in range(len(PARTS)):
            mine = np.flatnonzero((kind == number) & (rows.part == part))
            if len(mine):
                own = 0 if part else folds
                found = pieces(
                    word, len(mine), blocks[part], block_rows, folds=own, block=int(block[mine[0]])
                )
                block[mine] = np.repeat(*found)
    return replace(rows, block=block)
