"""A shift and a division of each column, of the values or of their logarithm, and the way back."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scaling"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Scaling:
    """x -> (x - center) / divide, each of shape (columns,); of log(1 + x) in place of x where ``log``."""

    center: NDArray[np.float64]
    divide: NDArray[np.float64]
    log: bool = field(default=False, kw_only=True)

    @property
    def is_none(self) -> bool:
        """Whether it leaves every value as it is, to the last bit."""
        return not (self.log or self.center.any() or np.signbit(self.center).any()) and bool(
            (self.divide == 1.0).all()
        )

    def apply(self, values: Array) -> Array:
        """Scaled values, float64; the very array where they stay as they are."""
        if self.is_none:
            return np.asarray(values, np.float64)
        values = np.log1p(values) if self.log else values
        return np.asarray((values - self.center) / self.divide)

    def undo(self, values: Array) -> Array:
        """Values in their own units again."""
        values = values * self.divide + self.center
        return np.asarray(np.expm1(values) if self.log else values)
