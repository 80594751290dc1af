"""Shards on an executor's disk: written once, mapped once per worker process, found by name.

A shard is the blocks of one partition: ``X.npy``, ``y.npy``, ``weight.npy`` with the blocks' rows one
after the other, in the executor's local directory (which goes with the application). The RDD carries
only ``Handle``s. A handle names a shard, not a path: each executor looks in its own directory, and a
shard that is not there is a miss, which the driver mends (``shards.py``).

A worker keeps up to ``RESIDENT_BYTES`` of shards mapped from task to task. It maps the others only while
it uses them: their pages stay in the operating system's cache, if there is room, and the worker's
memory, and address space, stays bounded however large the data set.
"""

import gc
import os
import shutil
import tempfile
import uuid
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nnspark.network import Network, Workspace
from nnspark.rows import BlockSet, Span

__all__ = ["Handle", "OpenSets", "find", "forget", "settle_worker", "store", "workspace"]

RESIDENT_BYTES = 256 << 20


class Handle(NamedTuple):
    """A shard's name and the blocks in it."""

    data_set: str
    shard: int
    spans: tuple[Span, ...]


_kept: OrderedDict[tuple[str, int], BlockSet] = OrderedDict()
_settled = False
_workspaces: dict[tuple[Network, str], Workspace] = {}


def local_root() -> Path:
    """This process's scratch directory: the first of Spark's local directories on an executor."""
    return Path(os.environ.get("SPARK_LOCAL_DIRS", "").split(",")[0] or tempfile.gettempdir())


def store(data_set: str, shard: int, blocks: BlockSet) -> Handle:
    """Write a shard's blocks, unless they are already here, and return its handle.

    The directory appears by one rename, so that a reader, or a second attempt of the same task,
    sees a whole shard or none.
    """
    final = _directory(data_set, shard)
    if blocks.spans and not final.exists():
        final.parent.mkdir(parents=True, exist_ok=True)
        partial = final.with_name(f"{final.name}.{uuid.uuid4().hex}")
        partial.mkdir()
        np.save(partial / "X.npy", blocks.X)
        np.save(partial / "y.npy", blocks.y)
        if blocks.weight is not None:
            np.save(partial / "weight.npy", blocks.weight)
        try:
            partial.rename(final)
        except OSError:
            shutil.rmtree(partial, ignore_errors=True)
            if not final.exists():
                raise
    return Handle(data_set, shard, blocks.spans)


def find(handle: Handle) -> BlockSet | None:
    """The mapped shard, or None if its files are not on this executor."""
    key = (handle.data_set, handle.shard)
    if key in _kept:
        return _kept[key]
    directory = _directory(*key)
    try:
        weight = directory / "weight.npy"
        shard = BlockSet(
            np.load(directory / "X.npy", mmap_mode="r", allow_pickle=False),
            np.load(directory / "y.npy", mmap_mode="r", allow_pickle=False),
            np.load(weight, mmap_mode="r", allow_pickle=False) if weight.exists() else None,
            handle.spans,
        )
    except FileNotFoundError:
        return None
    _keep(key, shard)
    return shard


def _keep(key: tuple[str, int], shard: BlockSet) -> None:
    """Keep a shard mapped if there is room; data sets that are not in use any more make room.

    Of the data set in use the shards that came first stay: it is read from end to end again and again,
    so that dropping the one used longest ago would drop each just before it is wanted.
    """
    room = RESIDENT_BYTES - shard.X.nbytes
    while _kept and sum(kept.X.nbytes for kept in _kept.values()) > room:
        oldest = next(iter(_kept))
        if oldest[0] == key[0]:
            return
        del _kept[oldest]
    if room >= 0:
        _kept[key] = shard


class OpenSets:
    """The shards of some handles, mapped as they are iterated over, any number of times."""

    def __init__(self, handles: Sequence[Handle]) -> None:
        self._handles = handles

    def __iter__(self) -> Iterator[BlockSet]:
        for handle in self._handles:
            blocks = find(handle)
            if blocks is None:
                raise RuntimeError(f"shard {handle.shard} vanished while it was in use")
            yield blocks


def forget(handle: Handle) -> None:
    """Close a shard and delete its files from this executor."""
    _kept.pop((handle.data_set, handle.shard), None)
    shutil.rmtree(_directory(handle.data_set, handle.shard), ignore_errors=True)


def workspace(network: Network, dtype: str, rows: int) -> Workspace:
    """Scratch arrays for blocks of up to ``rows`` rows, kept by the worker process between tasks."""
    work = _workspaces.get((network, dtype))
    if work is None or work.rows < rows:
        _workspaces.clear()
        work = _workspaces[network, dtype] = Workspace(network, rows, dtype)
    return work


def settle_worker() -> None:
    """Once per worker process: one BLAS thread, and no garbage collection of what is there to stay.

    PySpark's daemon collects garbage after every task, which takes 25 ms over the 45,000 objects of the
    imported modules and 1 ms when they are frozen. One BLAS thread whatever the environment says,
    because another number of threads gives other bits.
    """
    global _settled
    if not _settled:
        gc.collect()
        gc.freeze()
        try:
            from threadpoolctl import threadpool_limits
        except ImportError:
            pass  # Spark sets OMP_NUM_THREADS to spark.task.cpus, which is 1 unless set otherwise
        else:
            threadpool_limits(1)
        _settled = True


def _directory(data_set: str, shard: int) -> Path:
    return local_root() / "nnspark" / data_set / f"shard-{shard}"
