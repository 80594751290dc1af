"""What executors do for folds: see blocks as a fold's run does, count its rows, fit its scaling."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.fold_numbers import fold_of
from nnspark.data.folds import Fold, FoldSets
from nnspark.data.rows import BlockSet
from nnspark.engines.base import Function, Sum

__all__ = ["Counts", "Merged", "count_rows", "over_training_rows", "through"]

Array = NDArray[Any]


@dataclass
class Counts:
    """An accumulator: training rows by fold and class, (folds, classes or 1)."""

    rows: NDArray[np.int64]

    @classmethod
    def of(cls, shape: tuple[int, int]) -> "Counts":
        """None yet, (folds, classes)."""
        return cls(np.zeros(shape, np.int64))

    def merge(self, other: "Counts") -> "Counts":
        """Add other rows; returns self."""
        self.rows += other.rows
        return self


@dataclass
class Merged:
    """An accumulator of what has a ``merge`` of its own, if there is any."""

    value: Any = None

    def merge(self, other: "Merged") -> "Merged":
        """Merge what there is; returns self."""
        if self.value is None:
            self.value = other.value
        elif other.value is not None:
            self.value = self.value.merge(other.value)
        return self


def through(fold: Fold, function: Function[Sum], sets: Iterable[BlockSet], value: Any) -> Sum:
    """Worker function: another's, over blocks as a fold's run sees them."""
    return function(FoldSets(fold, sets), value)


def count_rows(sets: Iterable[BlockSet], shape: tuple[int, int]) -> Counts:
    """Worker function: training rows by fold and class."""
    folds, classes = shape
    counts = Counts.of(shape)
    for blocks in sets:
        for block in blocks.blocks(("train",)):
            label = block.y if block.y.dtype.kind == "i" else np.zeros(len(block), np.int64)
            counts.rows[fold_of(block.index, folds)] += np.bincount(label, minlength=classes)
    return counts


def over_training_rows(
    of_target: bool, function: Callable[[Array], Any], sets: Iterable[BlockSet], value: None
) -> Merged:
    """Worker function: a function of the training rows' features, or targets, merged over the blocks."""
    found = Merged()
    for blocks in sets:
        for block in blocks.blocks(("train",)):
            if len(block):
                found.merge(Merged(function(np.asarray(block.y if of_target else block.X))))
    return found
