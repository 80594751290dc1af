"""Several sums over the same blocks in one job: a function that computes each, and what they add up in."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from nnspark.data.rows import BlockSet
from nnspark.engines.base import Function

__all__ = ["Sums", "each", "zeros"]


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
