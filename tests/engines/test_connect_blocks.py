"""A shard in a row of a file and back, and evaluations that find it there, without Spark."""

import pickle
import shutil
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from nnspark.data.rows import BlockSet, Span
from nnspark.engines import connect_tasks, resident
from nnspark.engines.connect_blocks import blocks_in, bytes_of, handle_in, text_of
from nnspark.engines.resident import Handle

SPANS = (Span("train", 4, 0, 2), Span("test", 0, 2, 3))


def a_shard(*, weighted: bool) -> BlockSet:
    """Three rows in two blocks."""
    X = np.array([[0.1, -0.0], [np.pi, 1e-300], [3.0, 4.0]])
    return BlockSet(X, np.array([1, 0, 2], np.int32), np.array([1.0, 0.5, 2.0]) if weighted else None, SPANS)


class Count:
    """An accumulator of a number."""

    def __init__(self, rows: float = 0.0) -> None:
        self.rows = rows

    def merge(self, other: "Count") -> "Count":
        """Add the other; returns self."""
        self.rows += other.rows
        return self


def summed(sets: Iterable[BlockSet], value: float) -> Count:
    """Worker function: the sum of all features, times a value."""
    return Count(sum(float(blocks.X.sum()) for blocks in sets) * value)


def stored(data_set: str, batches: Iterable[Any]) -> Iterator[Any]:
    """Worker function: a shard, laid out here."""
    for _ in batches:
        handle = resident.store(data_set, 3, a_shard(weighted=True), (5, 2**63))
        yield pa.RecordBatch.from_pydict({"handle": pa.array([pickle.dumps(handle)], pa.binary())})


@pytest.mark.parametrize("weighted", [True, False])
def test_a_shard_comes_back_as_it_was(weighted: bool) -> None:
    """Every bit of every array, its types, and where its blocks lie."""
    before = a_shard(weighted=weighted)
    after = blocks_in(pa.scalar(bytes_of(before), pa.binary()).as_buffer())
    for name in ("X", "y", "weight"):
        one, other = getattr(before, name), getattr(after, name)
        assert (one is None) == (other is None)
        assert one is None or (one.dtype, one.tobytes()) == (other.dtype, other.tobytes())
    assert after.spans == before.spans


def test_a_handle_comes_back_as_it_was() -> None:
    """Also of NumPy's numbers, as text of Python's."""
    handle = Handle("ab12", 7, "/tmp/a,/tmp/it's b", (np.int64(1), 2, 0), (2**64 - 1, 3))  # type: ignore[arg-type]
    assert handle_in(text_of(handle)) == handle
    assert handle_in(text_of(handle._replace(hash_sums=None))).hash_sums is None


def test_blocks_in_a_file_are_summed_where_no_shard_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An executor that never saw them finds nothing without their blocks; given those, it keeps them."""
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(tmp_path / "one"))
    (row,) = connect_tasks.pack_up(partial(stored, "d"), [None])
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(tmp_path / "other"))
    shutil.rmtree(tmp_path / "one")
    (tmp_path / "other").mkdir()
    monkeypatch.setattr(connect_tasks, "SCARCE", 0.0)

    def report(batch: Any) -> Any:
        wanted = frozenset([("d", 3)])
        (found,) = connect_tasks.evaluate(summed, pickle.dumps(2.0), Count, wanted, (), 0.0, [batch])
        return pickle.loads(found.column("report")[0].as_py())

    without = row.select(["about"])
    assert (report(without).gathered.away, report(without).gathered.total.rows) == ({3}, 0.0)
    expected = 2 * float(a_shard(weighted=True).X.sum())
    assert (report(row).gathered.away, report(row).gathered.total.rows) == (set(), expected)
    assert report(without).gathered.total.rows == expected
    monkeypatch.setattr(connect_tasks, "SCARCE", 1.1)
    report(row)
    assert report(without).gathered.away == {3}
