"""Several sums over the same blocks in one pass: one job, or shared out to processes beside this one.

Processes help where the engine is without Spark, blocks are few and models many (``engines/processes.py``).
They are started once the passes have taken ``HELP_AFTER``: a search that is done sooner does without.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from nnspark.data.rows import BlockSet
from nnspark.engines.base import Function, Shards
from nnspark.engines.processes import Helpers, helpers_for

__all__ = ["Several", "Sums", "each", "zeros"]

HELP_AFTER = 1.0  # seconds; processes take half as long to start


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


class Several:
    """Passes over shards, each of several sums."""

    def __init__(self, shards: Shards) -> None:
        self._shards, self._spent = shards, 0.0
        self._helpers: Helpers | None = None

    def answers(
        self, asked: Sequence[tuple[Function[Any], Any, Callable[[], Any]]]
    ) -> Iterator[tuple[int, Any, float]]:
        """Number, sum and share of the seconds of each (function, value, zero), as they come."""
        began = time.monotonic()
        if self._spent > HELP_AFTER and self._helpers is None:
            self._helpers = helpers_for(self._shards, len(asked))
        if self._helpers is not None and self._helpers.ready:
            for number, found in self._helpers.sums([(function, value) for function, value, _ in asked]):
                now = time.monotonic()
                yield number, asked[number][2]().merge(found), now - began
                began = now
            return
        functions, values, zero = zip(*asked, strict=True)
        sums = self._shards.run(partial(each, functions), values, partial(zeros, zero)).sums
        seconds = time.monotonic() - began
        self._spent += seconds
        for number, found in enumerate(sums):
            yield number, found, seconds / len(asked)

    def close(self) -> None:
        """End the processes, if any were started."""
        if self._helpers is not None:
            self._helpers.close()
