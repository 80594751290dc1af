"""Where a fold's blocks are among the training blocks, so that no task gets one fold's only.

Fold f of F has B blocks, b = 0 .. B-1. Block b of fold f is training block ::

    p = b F + (f + b) mod F

so the b-th blocks of all folds are neighbours: what goes by neighbourhood (replicas) gets a share of every
fold, and what goes by remainders (tasks) meets the folds in turn, also where F is a multiple of the tasks.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_NAMED", "NAMED", "fold_of", "number_of", "parts_of"]

NAMED = 3
"""What stands for fold 0 where a row's part is given, an int8 beside the parts 0, 1, 2 and -1 for none."""
MOST_NAMED = 127 - NAMED + 1
"""Folds that can be named so."""


def parts_of(given: NDArray[np.int8]) -> NDArray[np.int8]:
    """Given parts, where a row whose fold is named is a training row."""
    return np.where(given >= NAMED, np.int8(0), given)


def number_of(fold: Any, block: Any, folds: int) -> Any:
    """The number among all training blocks of a block of a fold; of numbers or of arrays."""
    return block * folds + (fold + block) % folds


def fold_of(number: Any, folds: int) -> Any:
    """The fold of a training block, by its number among all."""
    return (number - number // folds) % folds
