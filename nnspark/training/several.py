"""Several sums over the same blocks in one pass."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from nnspark.data.rows import BlockSet
from nnspark.engines.base import Function, Shards

__all__ = ["Sums", "each", "sums_of", "zeros"]


@dataclass
class Sums:
    """An accumulator of several, each with its own."""

    sums: list[Any]

    def merge(self, other: "Sums") -> "Sums":
        """Add the other's, one by one; returns self."""
        self.sums = [mine.merge(theirs) for mine, theirs in zip(self.sums, other.sums, strict=True)]
        return self


def zeros(zeros: Iterable[Callable[[], Any]]) -> Sums:
    """The zeros of several sums."""
    return Sums([zero() for zero in zeros])


def each(functions: Sequence[Function[Any]], sets: Iterable[BlockSet], values: Sequence[Any]) -> Sums:
    """Worker function: every function with its value over the same blocks."""
    return Sums([function(sets, value) for function, value in zip(functions, values, strict=True)])


def sums_of(shards: Shards, asked: Sequence[tuple[Function[Any], Any, Callable[[], Any]]]) -> list[Any]:
    """The sum of each (function, value, zero), all in one pass."""
    functions, values, zero = zip(*asked, strict=True)
    sums: list[Any] = shards.run(partial(each, functions), values, partial(zeros, zero)).sums
    return sums
