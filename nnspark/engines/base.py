"""Shards: the blocks of a data set, laid out for training; and the engine that keeps them in this process.

``run(function, value, zero)`` applies a function to the blocks and sums what it gives. ``LocalShards``
calls it; ``SparkShards`` (``spark_shards.py``) runs a Spark job. Shards are a context manager: however the
block is left, disk and memory are given back.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, Self, TypeVar

from nnspark.data.dataset import Dataset
from nnspark.data.plan import Plan
from nnspark.data.rows import BlockSet, rows_by_part
from nnspark.engines.conservation import check_laid_out
from nnspark.engines.platforms import platform
from nnspark.engines.resident import Handle
from nnspark.net.blas import one_blas_thread

__all__ = ["Function", "LocalShards", "Mergeable", "Shards", "Sum"]

Sum = TypeVar("Sum", bound="Mergeable")
Function = Callable[[Iterable[BlockSet], Any], Sum]


class Mergeable(Protocol):
    """An accumulator: adds another to itself."""

    def merge(self, other: Any) -> Any:
        """Add the other; returns self."""


class Shards(Protocol):
    """What training needs of a laid-out data set."""

    plan: Plan

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


class LocalShards:
    """All blocks in this process: the engine without Spark."""

    def __init__(self, dataset: Dataset) -> None:
        self.plan = dataset.plan
        self.blocks = [dataset.blocks]
        self.platforms = {platform()}
        whole = Handle("", 0, "", rows_by_part(dataset.blocks.spans))
        check_laid_out(self.plan, [whole], "the plan and the blocks")

    def run(self, function: Function[Sum], value: Any, zero: Callable[[], Sum]) -> Sum:
        """``function(blocks, value)``, merged into zero."""
        with one_blas_thread():
            merged: Sum = zero().merge(function(self.blocks, value))
        return merged

    def close(self) -> None:
        """Nothing to give back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *about: object) -> None:
        self.close()
