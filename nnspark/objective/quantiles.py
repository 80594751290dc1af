"""Quantiles of numbers of either sign, exactly, from a tally of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.objective.tally import Tally

__all__ = ["keys_of_numbers", "quantiles"]

Array = NDArray[Any]
SIGN = np.uint64(1 << 63)


def keys_of_numbers(values: Array) -> NDArray[np.uint64]:
    """Keys (n,) of numbers (n,), in their order: their float64 to the last bit; -0.0 is 0.0."""
    bits = (np.asarray(values, dtype=np.float64) + 0.0).view(np.uint64)
    return np.asarray(np.where(bits & SIGN, ~bits, bits | SIGN))


def quantiles(tally: Tally, shares: Sequence[float]) -> list[float]:
    """The smallest value that so large a share of a tally of numbers does not exceed; of 0 the least one.

    NumPy's and scikit-learn's "inverted_cdf". NaN where the tally is empty.
    """
    keys, counts = tally.read()
    ends = np.cumsum(counts[:, 0])
    if not len(ends):
        return [float("nan")] * len(shares)
    ranks = np.ceil(np.asarray(shares) * ends[-1] - 1e-9).clip(1, ends[-1])
    found = keys[np.searchsorted(ends, ranks)]
    return np.where(found & SIGN, found ^ SIGN, ~found).astype(np.uint64).view(np.float64).tolist()  # type: ignore[no-any-return]
