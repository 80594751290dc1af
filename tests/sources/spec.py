"""What the tests of the readers share: a data section, small idx files, and how an error must look."""

import gzip
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from nnspark.errors import DataError, NNSparkError
from nnspark.sources import Table, load_table

IDX_CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


@dataclass(frozen=True)
class Spec:
    """A recipe's data section; fields left out elsewhere keep the reader's defaults."""

    source: str
    path: str = ""
    features: str = ""
    labels: str = ""
    label: str | int | Sequence[str | int] = "label"
    weight: str = ""
    header: bool | str = "auto"
    separator: str = ","
    columns: Sequence[str] = ()
    task: str = "classification"


@contextmanager
def refused(*parts: object, kind: type[NNSparkError] = DataError) -> Iterator[None]:
    """Expect an error of one line that contains every part."""
    with pytest.raises(kind) as caught:
        yield
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert str(part) in message, f"{part!r} is not in: {message}"


def read_or_refuse(spec: Spec) -> Table | None:
    """Read a table that keeps its promises, or None after an error of one line; anything else is a bug."""
    message = ""
    try:
        table = load_table(spec)
    except NNSparkError as error:
        message = str(error)
    if message:
        assert "\n" not in message
        return None
    assert np.isfinite(table.features).all()
    assert len(table.features) == len(table.target) > 0
    return table


def idx_bytes(array: np.ndarray) -> bytes:
    """Encode an array as idx, written here independently of the reader."""
    code = IDX_CODES[array.dtype.str[1:]]
    head = struct.pack(">BBBB", 0, 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_mnist(folder: Path, *, zipped: bool = False, dotted: bool = False, dtype: str = "u1") -> dict:
    """Write the four files with 7 and 3 images of 4×5 pixels and return the arrays."""
    rng = np.random.default_rng(3)
    arrays = {}
    for part, rows in (("train", 7), ("t10k", 3)):
        arrays[f"{part}-images-idx3-ubyte"] = rng.integers(0, 120, (rows, 4, 5)).astype(dtype)
        arrays[f"{part}-labels-idx1-ubyte"] = rng.integers(0, 10, rows).astype("u1")
    for name, array in arrays.items():
        name = name.replace("-idx", ".idx") if dotted else name
        data = idx_bytes(array)
        (folder / (name + ".gz" * zipped)).write_bytes(gzip.compress(data) if zipped else data)
    return arrays
