"""Dropout (Srivastava et al., JMLR 2014): hidden units left out of a step at random, by position."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Dropout", "draw_dropout"]

Array = NDArray[Any]


class Dropout(NamedTuple):
    """The units that stay: ``keep`` the share of them, ``masks`` (n, units) a hidden layer.

    A mask is 0 where a unit is left out and 1 / keep where it stays, so that what the next layer sums up has
    the same mean, and nothing need be scaled where nothing is left out ("inverted").
    """

    keep: float
    masks: Sequence[Array]


def draw_dropout(share: float, layers: Sequence[int], rows: int, dtype: str, seed: Sequence[int]) -> Dropout:
    """Masks for a step of ``rows`` rows, a unit of a row being left out with probability ``share``.

    They depend on the seed alone, which is to name the step, the network's layers and the rows' number.
    """
    rng, keep = np.random.default_rng(seed), 1.0 - share
    scale = np.dtype(dtype).type(1.0 / keep)
    masks = [(rng.random((rows, units)) >= share) * scale for units in layers[1:-1]]
    return Dropout(keep, masks)
