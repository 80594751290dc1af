"""Where a fold's blocks are among the training blocks, so that no task gets one fold's only.

Fold f of F has B blocks, b = 0 .. B-1. Block b of fold f is training block ::

    p = b F + (f + b) mod F

so the b-th blocks of all folds are neighbours: what goes by neighbourhood (replicas) gets a share of every
fold, and what goes by remainders (tasks) meets the folds in turn, also where F is a multiple of the tasks.
"""

from typing import Any

__all__ = ["fold_of", "number_of"]


def number_of(fold: Any, block: Any, folds: int) -> Any:
    """The number among all training blocks of a block of a fold; of numbers or of arrays."""
    return block * folds + (fold + block) % folds


def fold_of(number: Any, folds: int) -> Any:
    """The fold of a training block, by its number among all."""
    return (number - number // folds) % folds
