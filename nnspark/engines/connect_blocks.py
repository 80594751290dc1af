"""A shard as a row of a Parquet file, and back: without pickles, as others may write to the folder."""

import ast
import io
from typing import Any

import numpy as np

from nnspark.data.rows import PARTS, BlockSet, Span
from nnspark.engines.resident import Handle

__all__ = ["blocks_in", "bytes_of", "handle_in", "text_of"]


def text_of(handle: Handle) -> str:
    """A handle as text."""
    sums = None if handle.hash_sums is None else tuple(map(int, handle.hash_sums))
    return repr((handle.data_set, int(handle.shard), handle.home, tuple(map(int, handle.rows)), sums))


def handle_in(text: str) -> Handle:
    """The handle that a text is of."""
    return Handle(*ast.literal_eval(text))


def bytes_of(blocks: BlockSet) -> bytes:
    """A shard's arrays in NumPy's own format."""
    file = io.BytesIO()
    spans = [(PARTS.index(span.part), span.number, span.start, span.stop) for span in blocks.spans]
    arrays = {"X": blocks.X, "y": blocks.y, "spans": np.array(spans, np.int64).reshape(-1, 4)}
    if blocks.weight is not None:
        arrays["weight"] = blocks.weight
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def blocks_in(content: Any) -> BlockSet:
    """The shard whose arrays these bytes are."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        weight = arrays.get("weight")
        spans = tuple(Span(PARTS[part], *others) for part, *others in arrays["spans"].tolist())
        return BlockSet(arrays["X"], arrays["y"], weight, spans)
