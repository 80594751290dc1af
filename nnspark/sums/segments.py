"""A segment of an exact sum: its sums on each grid, and each weight's top; see ``sums/exact.py``."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NONE", "Segment"]

NONE = -(2**14)

Array = NDArray[Any]


class Segment:
    """The sums of a segment on each grid, and the top of each weight, NONE before one is filled.

    ``lowest`` is the lowest top: addends on grids up to it have nothing for finer grids.
    """

    def __init__(self, size: int) -> None:
        self.sums: dict[int, Array] = {}
        self.top: NDArray[np.int16] = np.broadcast_to(
            np.int16(NONE), size
        )  # takes no room until it is written to
        self.lowest = NONE

    def keep(self, bits: int) -> None:
        """Drop what the tops say."""
        lowest, highest = int(self.top.min()), int(self.top.max())
        for grid in [grid for grid in self.sums if grid <= highest - bits]:
            if grid > lowest - bits:
                self.sums[grid] = self.sums[grid] * (self.top < grid + bits)
            if grid <= lowest - bits or not self.sums[grid].any():
                del self.sums[grid]

    def merge(self, other: "Segment") -> None:
        """Add another segment's sums to this one's."""
        for grid, total in other.sums.items():
            if grid in self.sums:
                self.sums[grid] += total
            else:
                self.sums[grid] = total
        if other.sums:
            self.top = np.maximum(self.top, other.top)
        self.lowest = int(self.top.min())
