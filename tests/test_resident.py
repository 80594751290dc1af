"""Shards on disk: what a worker keeps mapped, what it maps for the moment, and what is a miss."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nnspark import resident
from nnspark.rows import BlockSet, Span


@pytest.fixture(autouse=True)
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An executor directory of its own, nothing mapped, room for two shards of 800 bytes."""
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(tmp_path))
    monkeypatch.setattr(resident, "RESIDENT_BYTES", 1_600)
    resident._kept.clear()
    yield
    resident._kept.clear()


def stored(data_set: str, shard: int, weight: np.ndarray | None = None) -> resident.Handle:
    """A shard of ten rows of ten features, all of them the shard's number."""
    blocks = BlockSet(np.full((10, 10), float(shard)), np.arange(10), weight, (Span("train", shard, 0, 10),))
    return resident.store(data_set, shard, blocks)


def kept() -> list[tuple[str, int]]:
    """What stays mapped."""
    return list(resident._kept)


def test_the_first_shards_of_a_data_set_stay_mapped_and_the_others_are_mapped_for_the_moment() -> None:
    """Reading from end to end does not drop each shard just before it is wanted again."""
    handles = [stored("rows", shard) for shard in range(5)]
    for _ in range(3):
        seen = [blocks.X[0, 0] for blocks in resident.OpenSets(handles)]
        assert seen == [0, 1, 2, 3, 4]
        assert kept() == [("rows", 0), ("rows", 1)]


def test_another_data_set_takes_the_room() -> None:
    """A data set nobody closed, as after a driver that died, does not hold on to the memory for good."""
    list(resident.OpenSets([stored("old", shard) for shard in range(2)]))
    list(resident.OpenSets([stored("new", shard) for shard in range(3)]))
    assert kept() == [("new", 0), ("new", 1)]


def test_a_shard_larger_than_the_room_is_used_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is a limit."""
    monkeypatch.setattr(resident, "RESIDENT_BYTES", 799)
    handle = stored("rows", 0)
    assert [len(blocks.X) for blocks in resident.OpenSets([handle])] == [10]
    assert kept() == []


def test_weights_come_back_and_a_forgotten_shard_is_a_miss() -> None:
    """A miss is None, for the driver to mend; in the middle of a pass it is an error, for Spark to retry."""
    handle = stored("rows", 0, weight=np.linspace(0, 1, 10))
    found = resident.find(handle)
    assert found is not None
    assert found.weight is not None
    assert found.weight[-1] == 1.0
    resident.forget(handle)
    assert resident.find(handle) is None
    with pytest.raises(RuntimeError, match="shard 0 vanished"):
        list(resident.OpenSets([handle]))


def test_what_is_mapped_for_the_moment_is_not_in_the_address_space_afterwards() -> None:
    """As the kernel sees it."""
    handles = [stored("rows", shard) for shard in range(4)]
    assert sum(blocks.X[0, 0] for blocks in resident.OpenSets(handles)) == 6
    maps = Path("/proc/self/maps").read_text()
    assert [f"shard-{shard}/X.npy" in maps for shard in range(4)] == [True, True, False, False]


def test_a_shard_is_whole_or_not_there() -> None:
    """A second attempt finds the first one's shard and leaves it."""
    handle = stored("rows", 0)
    files = list(resident.local_root().rglob("*.npy"))
    written = [path.stat().st_mtime_ns for path in files]
    assert stored("rows", 0) == handle
    assert [path.stat().st_mtime_ns for path in files] == written
    resident.forget(handle)
    assert not list(resident.local_root().rglob("*.npy"))


def test_the_local_root_is_sparks_first_local_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Spark it is the system's temporary directory."""
    monkeypatch.setenv("SPARK_LOCAL_DIRS", "/first,/second")
    assert str(resident.local_root()) == "/first"
    monkeypatch.delenv("SPARK_LOCAL_DIRS")
    assert str(resident.local_root()) == tempfile.gettempdir()
