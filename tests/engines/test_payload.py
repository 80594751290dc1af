"""Rows as bytes: what comes out is what went in, of every type, at any place in a batch."""

from dataclasses import fields

import numpy as np
import pyarrow as pa
import pytest

from nnspark.data.rows import Rows
from nnspark.engines.frames.payload import payload_of, rows_in


def rows_of(count: int, dtype: str, *, targets: int, weighted: bool) -> Rows:
    """Random rows."""
    rng = np.random.default_rng(1)
    return Rows(
        rng.integers(0, 3, count).astype(np.int8),
        rng.integers(0, 9, count),
        rng.integers(0, 2**63, (count, 2)).astype(np.uint64),
        rng.normal(size=(count, 5)).astype(dtype),
        rng.normal(size=(count, targets)) if targets else rng.integers(0, 4, count).astype(np.int32),
        rng.random(count) if weighted else None,
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("targets", [0, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_come_out_as_they_went_in(dtype: str, targets: int, weighted: bool) -> None:
    """Also behind another payload in one array, where nothing is aligned, and none at all."""
    rows = rows_of(20, dtype, targets=targets, weighted=weighted)
    chosen = np.array([3, 19, 0, 3])
    for these in (chosen, chosen[:0]):
        payload = pa.concat_arrays([pa.array([b"odd"], pa.binary()), payload_of(rows, these)])
        found, expected = rows_in(payload[1].as_buffer()), rows.take(these)
        for field in fields(Rows):
            mine, theirs = getattr(found, field.name), getattr(expected, field.name)
            if theirs is None:
                assert mine is None
            else:
                assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
                assert mine.tobytes() == theirs.tobytes()
