"""What a row is, wherever it arrives: its hash, its part, its block. Pure NumPy.

Rows of a DataFrame arrive in an order that depends on file splits and on the cluster, so order is
taken from the rows themselves. Every row has a 128-bit hash of its values; the first word, mixed
with the split's seed, ranks it for the train/validation/test split, and modulo the number of blocks
names its block; inside a block rows are sorted by hash. Equal rows have equal hashes, so their
order does not matter. (Unequal rows with equal 128-bit hashes are expected once in 1e19 rows.)

(Above 200 lines: hash, part and block are one definition, which every route must share.)
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.data.order import in_order, sorted_order
from nnspark.recipe.data_section import PARTS

__all__ = [
    "PARTS",
    "Block",
    "BlockSet",
    "Rows",
    "Span",
    "assemble",
    "fingerprint_of",
    "hash_rows",
    "most_rows",
    "rows_by_part",
    "split_keys",
    "sum_hashes",
]

Array = NDArray[Any]
Words = NDArray[np.uint64]

HASHED_TOGETHER = 1 << 16
"""Values hashed at a time: with room for their shifted words they stay in a core's cache."""


@dataclass(frozen=True)
class Rows:
    """Prepared rows: scaled, cast to the compute dtype, their place decided.

    ``part`` (n,) int8 index into PARTS; ``block`` (n,) int64; ``hashes`` (n, 2) uint64; ``X`` (n,
    num_features); ``y`` (n,) int32 classes or (n, outputs) targets; ``weight`` (n,) float64 or None.
    """

    part: NDArray[np.int8]
    block: NDArray[np.int64]
    hashes: Words
    X: Array
    y: Array
    weight: NDArray[np.float64] | None

    def take(self, index: Any) -> "Rows":
        """The rows at ``index`` (anything NumPy indexes by)."""
        weight = None if self.weight is None else self.weight[index]
        return Rows(
            self.part[index], self.block[index], self.hashes[index], self.X[index], self.y[index], weight
        )


class Span(NamedTuple):
    """Where a block lies in its BlockSet: rows ``start`` to ``stop``."""

    part: str
    number: int
    start: int
    stop: int


@dataclass(frozen=True)
class Block:
    """A fixed run of rows of one part: the unit of arithmetic."""

    part: str
    index: int
    X: Array
    y: Array
    weight: NDArray[np.float64] | None

    def __len__(self) -> int:
        return len(self.X)


@dataclass(frozen=True)
class BlockSet:
    """Blocks one after the other in shared arrays, sorted by part and index."""

    X: Array
    y: Array
    weight: NDArray[np.float64] | None
    spans: tuple[Span, ...]

    def block(self, span: Span) -> Block:
        """One block, as views."""
        rows = slice(span.start, span.stop)
        weight = None if self.weight is None else self.weight[rows]
        return Block(span.part, span.number, self.X[rows], self.y[rows], weight)

    def blocks(self, parts: Container[str]) -> Iterator[Block]:
        """The blocks of the given parts."""
        return (self.block(span) for span in self.spans if span.part in parts)

    def replicas(self, count: int, num_blocks: int) -> Iterator[Block]:
        """The training rows of each replica here, joined to one block whose index is the replica's."""
        train = [span for span in self.spans if span.part == "train"]
        for replica, spans in groupby(train, lambda span: span.number * count // num_blocks):
            first, *others = spans
            last = others[-1] if others else first
            yield self.block(Span("train", replica, first.start, last.stop))

    def subset(self, spans: Sequence[Span]) -> "BlockSet":
        """A new set with copies of some of the blocks."""
        index = np.concatenate([np.arange(s.start, s.stop) for s in spans] or [np.arange(0)])
        moved, start = [], 0
        for span in spans:
            moved.append(span._replace(start=start, stop=start + span.stop - span.start))
            start = moved[-1].stop
        weight = None if self.weight is None else self.weight[index]
        return BlockSet(self.X[index], self.y[index], weight, tuple(moved))


def most_rows(sets: Iterable[BlockSet]) -> int:
    """Rows of the largest block."""
    return max((span.stop - span.start for blocks in sets for span in blocks.spans), default=0)


def rows_by_part(spans: Iterable[Span]) -> tuple[int, int, int]:
    """Rows of the blocks in each of PARTS."""
    rows = dict.fromkeys(PARTS, 0)
    for span in spans:
        rows[span.part] += span.stop - span.start
    return rows["train"], rows["validation"], rows["test"]


def sum_hashes(hashes: Words, part: NDArray[np.int8] | None = None) -> tuple[int, int]:
    """The wrapped sums of the two words of some rows' hashes, in which their parts are too where given."""
    if part is not None:
        hashes = _mix(hashes ^ _constants(len(PARTS), 5)[part][:, None])
    first, second = (int(word) for word in hashes.sum(axis=0, dtype=np.uint64))
    return first, second


def fingerprint_of(rows: int, hash_sums: tuple[int, int]) -> str:
    """What identifies a set of rows, in any order: their number and the wrapped sums of their hashes."""
    return f"{rows}-{hash_sums[0]:016x}{hash_sums[1]:016x}"


def _mix(words: Words, scratch: Words | None = None) -> Words:
    """MurmurHash3's 64-bit finaliser, in place; ``scratch`` is room for as many words."""
    shifted = np.empty_like(words) if scratch is None else scratch
    for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53, 0):
        words ^= np.right_shift(words, np.uint64(33), out=shifted)
        if multiplier:
            words *= np.uint64(multiplier)
    return words


def _constants(count: int, stream: int) -> Words:
    """Odd pseudo-random words, a function of position only (SplitMix64's increments, mixed)."""
    steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return _mix(steps + np.uint64(stream)) | np.uint64(1)


def hash_rows(features: Array, target: Array, weight: NDArray[np.float64] | None, threads: int = 1) -> Words:
    """128-bit hashes of rows, shape (n, 2); a function of the values, not of their order or type.

    ``features`` (n, d) and ``target`` (n,) or (n, k) are hashed as float64, -0.0 as 0.0; a weight of
    1 hashes like no weight. Each value is mixed with a constant of its column; the two words are two
    sums of the mixed values, the second with column multipliers. So many ``threads`` share the rows.
    """
    target = target if target.ndim == 2 else target[:, None]
    columns = features.shape[1] + target.shape[1] + 1
    keys, multipliers = _constants(columns, 1), _constants(columns, 2)
    hashes = np.empty((len(features), 2), dtype=np.uint64)
    step = max(1, HASHED_TOGETHER // columns)
    share = -(-len(features) // (threads * step)) * step  # of a thread

    def hash_from(first: int) -> None:
        stop = min(first + share, len(features))
        room, shifted = np.empty((step, columns)), np.empty((step, columns), dtype=np.uint64)
        for start in range(first, stop, step):
            chunk = slice(start, min(start + step, stop))
            values = room[: chunk.stop - start]
            np.add(features[chunk], 0.0, out=values[:, : features.shape[1]])
            np.add(target[chunk], 0.0, out=values[:, features.shape[1] : -1])
            values[:, -1] = 1.0 if weight is None else weight[chunk]
            words = values.view(np.uint64)
            words ^= keys
            _mix(words, shifted[: len(words)])
            np.einsum("ij->i", words, out=hashes[chunk, 0])
            np.einsum("ij,j->i", words, multipliers, out=hashes[chunk, 1])

    with ThreadPoolExecutor(threads) as pool:  # NumPy lets other threads run
        list((pool.map if threads > 1 else map)(hash_from, range(0, len(features), max(1, share))))
    return _mix(hashes)


def split_keys(hashes: Words, seed: int) -> Words:
    """The word that ranks each row for the split, shape (n,); another seed, another ranking."""
    return _mix(hashes[:, 0] ^ _constants(1, 3 + 2 * seed)[0])


def assemble(pieces: Sequence[Rows], block_rows: int, threads: int = 1) -> BlockSet:
    """Sort the rows of some pieces into their blocks; the result depends on the set of rows only.

    A block that came out above twice ``block_rows`` (many equal rows) is cut into equal pieces. So many
    ``threads`` move the features.
    """
    part, block, hashes = (
        np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("part", "block", "hashes")
    )
    order = sorted_order(part, block, hashes)
    part, block = part[order], block[order]
    changes = (np.diff(block) != 0) | (np.diff(part) != 0)
    edges = [0, *(np.flatnonzero(changes) + 1).tolist(), len(order)]
    spans = []
    for start, stop in pairwise(edges):
        size = stop - start
        cuts = 1 if size <= 2 * block_rows else -(-size // block_rows)
        for cut in range(cuts if size else 0):
            ends = (start + size * cut // cuts, start + size * (cut + 1) // cuts)
            spans.append(Span(PARTS[part[start]], int(block[start]), *ends))
    weighted = pieces[0].weight is not None
    return BlockSet(
        in_order([piece.X for piece in pieces], order, threads),
        in_order([piece.y for piece in pieces], order),
        in_order([piece.weight for piece in pieces], order) if weighted else None,
        tuple(spans),
    )
