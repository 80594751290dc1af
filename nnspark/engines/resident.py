"""Shards on an executor's disk: written once, mapped once per worker process, found by name.

A shard is some blocks: ``X.npy``, ``y.npy``, ``weight.npy`` with the blocks' rows one after the other, and
``spans.npy`` that says where each block lies, in one of the executor's local directories (which go with the
application). What travels is a ``Handle``. It names a shard, not a path: each executor looks in its own
directories, and a shard that is not there is a miss, which the driver mends (``rdd.py``). The rows'
hashes are part of the name, so that a handle never meets the files of other rows.

A worker keeps up to ``RESIDENT_BYTES`` of shards mapped from task to task. It maps the others only while
it uses them: their pages stay in the operating system's cache, if there is room, and the worker's
memory, and address space, stays bounded however large the data set.

(Above 200 lines: who writes a shard and who maps it agree here on its files and its name.)
"""

import os
import shutil
import tempfile
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nnspark.data.rows import PARTS, BlockSet, Span, rows_by_part
from nnspark.engines.settling import settle_task

__all__ = [
    "Handle",
    "OpenSets",
    "find",
    "forget",
    "home",
    "look_in",
    "store",
    "sweep",
]

RESIDENT_BYTES = 256 << 20


class Handle(NamedTuple):
    """A shard's name, where it was written, and what is in it.

    home : the local directories of the executor that wrote it, which tell one executor from another.
    rows : rows of each part.
    hash_sums : wrapped sums of the two words of the rows' hashes; None where the rows came from the driver.
    learned : what was learned of the rows on the way, pickled; for the driver alone, which takes it out.
    """

    data_set: str
    shard: int
    home: str
    rows: tuple[int, int, int]
    hash_sums: tuple[int, int] | None = None
    learned: bytes = b""

    @property
    def folder(self) -> str:
        """The shard's folder below a local directory."""
        content = "" if self.hash_sums is None else "-{:016x}{:016x}".format(*self.hash_sums)
        return f"nnspark/{self.data_set}/shard-{self.shard}{content}"


_kept: OrderedDict[str, BlockSet] = OrderedDict()
_others: tuple[Path, ...] = ()
_lock = threading.Lock()  # a task may have several threads


def home() -> str:
    """This executor's local directories as Spark names them, or the temporary directory without Spark."""
    return os.environ.get("SPARK_LOCAL_DIRS", "") or tempfile.gettempdir()


def local_roots() -> list[Path]:
    """This executor's scratch directories."""
    return [Path(root) for root in home().split(",")]


def look_in(homes: Iterable[str]) -> None:
    """Have this worker look for shards in the directories of other executors too, as far as they are here.

    Spark places a task that reads several partitions by host, and a host may have several executors.
    """
    global _others
    _others = tuple({Path(root) for home in homes for root in home.split(",")} - set(local_roots()))


def store(data_set: str, shard: int, blocks: BlockSet, hash_sums: tuple[int, int] | None = None) -> Handle:
    """Write a shard's blocks, unless they are already here, and return its handle.

    The folder appears by one rename, so that a reader, or a second attempt of the same task, sees a whole
    shard or none. Shards take turns at the local directories; where one is full the next is tried.
    """
    settle_task()
    handle = Handle(data_set, shard, home(), rows_by_part(blocks.spans), hash_sums)
    if blocks.spans and _folder(handle) is None:
        roots = local_roots()
        turn = shard % len(roots)
        for last, root in enumerate([*roots[turn:], *roots[:turn]], 1 - len(roots)):
            try:
                _write(root / handle.folder, blocks)
                break
            except OSError:
                if last == 0:
                    raise
    return handle


def _write(final: Path, blocks: BlockSet) -> None:
    """Write a shard's folder, whole or not at all; one that another attempt of the task wrote is left."""
    partial = final.with_name(f"{final.name}.{uuid.uuid4().hex}")
    try:
        partial.mkdir(parents=True)
        np.save(partial / "X.npy", blocks.X)
        np.save(partial / "y.npy", blocks.y)
        if blocks.weight is not None:
            np.save(partial / "weight.npy", blocks.weight)
        places = [(PARTS.index(s.part), s.number, s.start, s.stop) for s in blocks.spans]
        np.save(partial / "spans.npy", np.array(places, np.int64).reshape(-1, 4))
        partial.rename(final)
    except OSError:
        if not final.exists():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def find(handle: Handle) -> BlockSet | None:
    """The mapped shard, or None if its files are not on this executor."""
    with _lock:
        return _find(handle)


def _find(handle: Handle) -> BlockSet | None:
    folder = _folder(handle)
    if folder is None:
        _kept.pop(handle.folder, None)  # a mapping outlives its file; which workers have one is chance
        return None
    if handle.folder in _kept:
        return _kept[handle.folder]
    try:
        weight = folder / "weight.npy"
        spans = np.load(folder / "spans.npy", allow_pickle=False).tolist()
        shard = BlockSet(
            np.load(folder / "X.npy", mmap_mode="r", allow_pickle=False),
            np.load(folder / "y.npy", mmap_mode="r", allow_pickle=False),
            np.load(weight, mmap_mode="r", allow_pickle=False) if weight.exists() else None,
            tuple(Span(PARTS[part], number, start, stop) for part, number, start, stop in spans),
        )
    except FileNotFoundError:
        return None
    _keep(handle.folder, shard)
    return shard


def _folder(handle: Handle) -> Path | None:
    """Where the shard lies on this executor, or where it may look besides; None if nowhere."""
    folders = (root / handle.folder for root in (*local_roots(), *_others))
    return next((folder for folder in folders if folder.exists()), None)


def _keep(key: str, shard: BlockSet) -> None:
    """Keep a shard mapped if there is room; data sets that are not in use any more make room.

    Of the data set in use the shards that came first stay: it is read from end to end again and again,
    so that dropping the one used longest ago would drop each just before it is wanted.
    """
    data_set = key.rpartition("/")[0]
    for other in [other for other in _kept if not other.startswith(data_set)]:
        if not any((root / other).exists() for root in local_roots()):
            del _kept[other]  # closed: a mapped file takes room until it is let go
    room = RESIDENT_BYTES - shard.X.nbytes
    while _kept and sum(kept.X.nbytes for kept in _kept.values()) > room:
        oldest = next(iter(_kept))
        if oldest.startswith(data_set):
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
    _kept.pop(handle.folder, None)
    for root in local_roots():
        shutil.rmtree(root / handle.folder, ignore_errors=True)


def sweep(folders: Iterable[str]) -> None:
    """Close the shards in these folders and delete them; what is not on this host is passed over.

    A folder is a path below this executor's local directories, or a whole path: so what a dead executor left
    on the same host, and the copy of a shard that lies somewhere else now, is deleted too.
    """
    settle_task()
    for folder in folders:
        for root in local_roots():
            path = root / folder  # a whole path stays what it is
            for key in [key for key in _kept if path in (root / key, *(root / key).parents)]:
                del _kept[key]
            shutil.rmtree(path, ignore_errors=True)
