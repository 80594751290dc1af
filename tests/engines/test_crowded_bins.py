"""Bins of rows that come often, without Spark: each makes its copies itself and is named by its own row."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from helpers import make_recipe, table_of

from nnspark.data.crowded import find_crowded
from nnspark.data.dataset import make_dataset
from nnspark.engines import resident
from nnspark.engines.conservation import check_laid_out
from nnspark.engines.frames.columns import Arrays
from nnspark.engines.frames.crowding import CrowdedRows
from nnspark.engines.frames.packing import Bins
from nnspark.engines.frames.storing import store

COPIES, SHARDS = 3_000, 4


def batch(number: int, seen: np.ndarray[Any, Any] | None = None) -> pa.RecordBatch:
    """A row of a bin: nothing but its number, or how often each kind was seen."""
    counts = None if seen is None else seen.astype(np.int64).tobytes()
    return pa.RecordBatch.from_pydict(
        {
            "bin": pa.array([number], pa.int32()),
            "rows": pa.array([None], pa.binary()),
            "seen": pa.array([counts], pa.binary()),
            "survey": pa.array([None], pa.binary()),
        }
    )


def test_a_bin_of_copies_alone_is_the_same_in_any_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a lost partition is made again the task has another's number; a bin without a row is none."""
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(tmp_path))
    X, y = np.repeat([[1.0, 2.0], [3.0, 5.0]], COPIES, axis=0), np.repeat([0, 1], COPIES)
    dataset = make_dataset(table_of(X, y), make_recipe("training.block_rows=100"))
    plan, both = dataset.plan, Arrays(X[[0, -1]], y[[0, -1]], None)
    crowded = CrowdedRows(find_crowded(Arrays(X, y, None).hashes(), 2, plan.block_rows), both)
    rows = both.take(np.argsort(both.hashes()[:, 0]))
    crowded = CrowdedRows(crowded.kinds, rows)
    where = Bins(plan, SHARDS, 1)
    home = where.of_rows(plan.prepare(*rows[:3]))
    handles = []
    for number in range(SHARDS):
        batches = [batch(number)]
        if number in home:
            batches.append(batch(number, np.where(home == number, crowded.kinds.copies, 0)))
        (found,) = store(where, crowded, False, "d", batches)
        handles.append(pickle.loads(found.column("handle")[0].as_py()))
    assert [handle.shard for handle in handles] == list(range(SHARDS))
    assert len([handle for handle in handles if any(handle.rows)]) > len(set(home))
    check_laid_out(plan, [handle for handle in handles if any(handle.rows)], "the survey and the packing")
    blocks = {(one.part, one.index): one for one in dataset.blocks.blocks(("train", "validation", "test"))}
    for handle in handles:
        shard = resident.find(handle)
        for one in shard.blocks(("train", "validation", "test")) if shard else ():
            assert one.X.tobytes() == blocks[one.part, one.index].X.tobytes()
    assert not list(store(where, crowded, False, "d", []))
