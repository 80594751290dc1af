"""Shards: the blocks of a data set, laid out for training, and what every engine offers of them.

``run(function, value, zero)`` applies a function to the blocks and sums what it gives. ``LocalShards``
(``local.py``) calls it; ``SparkShards`` (``rdd.py``) runs a Spark job. Shards are a context manager: however
the block is left, disk and memory are given back.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, Self, TypeVar

from nnspark.data.plan import Plan
from nnspark.data.rows import BlockSet

__all__ = ["Function", "Mergeable", "Shards", "Sum"]

Sum = TypeVar("Sum", bound="Mergeable")
Function = Callable[[Iterable[BlockSet], Any], Sum]


class Mergeable(Protocol):
    """An accumulator: adds another to itself."""

    def merge(self, other: Any) -> Any:
        """Add the other; returns self."""


class Shards(Protocol):
    """What training needs of a laid-out data set."""

    @property
    def plan(self) -> Plan:
        """What turned the rows into these blocks."""

    @property
    def platforms(self) -> set[str]:
        """What the machines that computed compute with; see ``platforms.platform``. Grows as they report."""

    def run(self, function: Function[Sum], value: Any, zero: Callable[[], Sum]) -> Sum:
        """``function(blocks, value)`` of every shard, merged."""

    def close(self) -> None:
        """Give back disk and memory; may be called again."""

    def __enter__(self) -> Self:
        """The shards."""

    def __exit__(self, *about: object) -> None:
        """Close, whatever happened."""
