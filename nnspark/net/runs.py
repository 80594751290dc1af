"""Runs of rows: of each block among all, and of as many as stay in a core's cache from step to step."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["add_bias", "spans_of", "stripes"]

Array = NDArray[Any]
STRIPE = 1 << 15
TOGETHER, MUCH = 256, 1 << 13
"""Values that get their biases in one go, where there are more than so many: NumPy starts anew at a row."""


def spans_of(blocks: Sequence[Array]) -> list[slice]:
    """Where each one's rows are, one after the other."""
    ends = list(accumulate(map(len, blocks), initial=0))
    return [slice(start, stop) for start, stop in pairwise(ends)]


def add_bias(z: Array, bias: Array) -> None:
    """``z += bias`` for z (n, units), contiguous; of few units several rows in one go."""
    together = TOGETHER // z.shape[1]
    whole = len(z) // together * together if z.size > MUCH and together > 1 else 0
    if whole:
        several = z[:whole].reshape(-1, together * z.shape[1])
        several += np.concatenate([bias] * together)
    z[whole:] += bias


def stripes(array: Array) -> Iterator[slice]:
    """Runs of rows of at most ``STRIPE`` values, so that step after step finds them in the cache."""
    rows = max(1, STRIPE // array.shape[1])
    return (slice(start, start + rows) for start in range(0, len(array), rows))
