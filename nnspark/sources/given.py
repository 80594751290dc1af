"""The part of each row, as a column says it: "train", "validation" or "test", blanks around it aside."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError
from nnspark.recipe.data_section import PARTS
from nnspark.sources import refusals
from nnspark.sources.arrow_types import shown, type_of
from nnspark.sources.checks import Locate

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["NO_PART", "check_parts", "is_part", "no_text", "part_numbers"]

NO_PART = -2
"""What stands for a value that names no part."""


def is_part(value: str) -> bool:
    """Whether a value names a part."""
    return value.strip() in PARTS


def part_numbers(column: "pa.Array | pa.ChunkedArray") -> NDArray[np.int8]:
    """Indices (n,) into PARTS of a column of text, `NO_PART` where a value is none."""
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        chunks = [part_numbers(chunk) for chunk in column.chunks]
        return np.concatenate([np.empty(0, np.int8), *chunks])
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    known = [PARTS.index(value.strip()) if value and is_part(value) else NO_PART
             for value in column.dictionary.to_pylist()]  # fmt: skip
    numbers: NDArray[np.int8] = np.array([*known, NO_PART], np.int8)
    indices = column.indices.cast(pa.int64()).fill_null(len(known)).to_numpy(zero_copy_only=False)
    return np.asarray(numbers[indices], np.int8)


def check_parts(column: "pa.Array | pa.ChunkedArray", name: str, locate: Locate) -> NDArray[np.int8]:
    """Indices (n,) into PARTS; DataError, with the first one's place, where a value is none."""
    if type_of(column.type) != "text":
        raise no_text(name, shown(column.type))
    numbers = part_numbers(column)
    odd = np.flatnonzero(numbers == NO_PART)
    if len(odd):
        row = int(odd[0])
        raise refusals.no_part(name, len(odd), f"{_shown(column[row].as_py())} at {locate(row)}")
    return numbers


def no_text(name: str, kind: str) -> DataError:
    """The error for a column of another type."""
    return DataError(f"data.split.column: column {name!r} must be text that says train, validation or test, "
                     f"but is {kind}")  # fmt: skip


def _shown(value: Any) -> str:
    return repr(value[:40] if value else None)
