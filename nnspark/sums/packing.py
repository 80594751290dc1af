"""Arrays of integers in few bytes, for the way from a task to the driver.

Sums are mostly about as large as each other, so an array takes as many bytes a value as its largest needs;
where most are zero, the others are sent with their places. Small numbers that take few values, like the
grids of ``exact.py``, are sent as one bit a place for each value.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Levels", "Packed", "pack", "pack_levels", "unpack", "unpack_levels"]

Array = NDArray[Any]
Levels = list[tuple[int, Array | None]]
SPARSE = 8  # one in so many


class Packed(NamedTuple):
    """A plane of low bits, a plane of the rest or None, and the values' places, or None if all have one."""

    low: Array
    high: Array | None
    places: Array | None


def pack(total: Array) -> Packed:
    """Integers as int32, as a plane of their low 32 bits and a narrow plane of the rest, or as int64."""
    places = None
    if SPARSE * np.count_nonzero(total) < total.size:
        found = np.flatnonzero(total)
        total, places = total[found], found.astype(np.min_scalar_type(total.size))
    largest = max(float(total.max(initial=0)), -float(total.min(initial=0)))
    if largest < 2**31:
        return Packed(total.astype(np.int32), None, places)
    rest = total.astype(np.int64)
    if largest >= 2**46:
        return Packed(rest, None, places)
    low = rest.astype(np.int32)
    rest += 2**31
    rest >>= 32
    return Packed(low, rest.astype(np.int8 if largest < 2**38 else np.int16), places)


def unpack(packed: Packed, size: int, integers: type[np.generic]) -> Array:
    """What was packed, shape (size,); it may share memory, so is not to be written to."""
    low, high, places = packed
    if high is None:
        total = low.astype(integers, copy=False)
    else:
        total = high.astype(integers)
        total *= 2**32
        total += low
    if places is None:
        return total
    whole = np.zeros(size, integers)
    whole[places] = total
    return whole


def pack_levels(levels: Array, lowest: int) -> Levels:
    """Each value above ``lowest``, largest first, with where it is; None is everywhere."""
    packed: Levels = []
    heights = levels - np.int16(lowest)
    while height := int(heights.max()):
        there = heights == height
        value = height + lowest
        packed.append((value, None if there.all() else np.packbits(there)))
        heights *= ~there  # products take a tenth of the time of masked copies
    return packed


def unpack_levels(packed: Levels, size: int, lowest: int) -> Array:
    """What was packed, shape (size,), int16; it may be a view that cannot be written to."""
    levels: Array = np.broadcast_to(np.int16(lowest), size)
    for value, bits in packed:
        if bits is None:
            return np.broadcast_to(np.int16(value), size)
        there = np.unpackbits(bits, count=size).view(bool)
        levels = np.maximum(levels, there * np.int16(value - lowest) + np.int16(lowest))
    return levels
