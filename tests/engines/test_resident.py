"""Shards on disk: what a worker keeps mapped, what it maps for the moment, and what is a miss."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nnspark.data.rows import BlockSet, Span
from nnspark.engines import resident


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
    """What stays mapped: data set and shard."""
    names = [name.split("/") for name in resident._kept]
    return [(data_set, int(shard.removeprefix("shard-"))) for _, data_set, shard in names]


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


def test_a_shard_whose_files_are_gone_is_a_miss_for_every_worker(tmp_path: Path) -> None:
    """A worker that has it mapped says the same as one that has not, and lets go of it."""
    handle = stored("rows", 0)
    assert resident.find(handle) is not None
    shutil.rmtree(tmp_path / "nnspark")
    assert resident.find(handle) is None
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
    files = list(resident.local_roots()[0].rglob("*.npy"))
    written = [path.stat().st_mtime_ns for path in files]
    assert stored("rows", 0) == handle
    assert [path.stat().st_mtime_ns for path in files] == written
    resident.forget(handle)
    assert not list(resident.local_roots()[0].rglob("*.npy"))


def test_the_local_roots_are_sparks_local_directories(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Spark it is the system's temporary directory."""
    monkeypatch.setenv("SPARK_LOCAL_DIRS", "/first,/second")
    assert list(map(str, resident.local_roots())) == ["/first", "/second"]
    monkeypatch.delenv("SPARK_LOCAL_DIRS")
    assert list(map(str, resident.local_roots())) == [tempfile.gettempdir()]


def test_shards_take_turns_at_the_local_directories_and_pass_over_a_full_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that cannot be written costs nothing while there is another."""
    roots = [tmp_path / "a", tmp_path / "b"]
    monkeypatch.setenv("SPARK_LOCAL_DIRS", ",".join(map(str, roots)))
    for shard in range(4):
        stored("rows", shard)
    assert [len(list(root.rglob("X.npy"))) for root in roots] == [2, 2]
    (tmp_path / "full").write_text("a file where a folder should be")
    monkeypatch.setenv("SPARK_LOCAL_DIRS", f"{tmp_path / 'full'},{roots[1]}")
    assert resident.find(stored("rows", 6)) is not None
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(tmp_path / "full"))
    with pytest.raises(OSError, match="full"):
        stored("rows", 7)


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the disk is full after the first array."""
    save, calls = np.save, []

    def failing(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError("No space left on device")
        save(*arguments)

    monkeypatch.setattr(np, "save", failing)
    with pytest.raises(OSError, match="No space"):
        stored("rows", 0)
    assert not list(tmp_path.rglob("shard-*"))


def test_other_rows_under_the_same_number_are_another_shard() -> None:
    """A handle of rows that changed does not meet the files of the old ones."""
    blocks = BlockSet(np.zeros((1, 1)), np.zeros(1), None, (Span("train", 0, 0, 1),))
    old = resident.store("rows", 3, blocks, (1, 2))
    new = old._replace(hash_sums=(1, 3))
    assert resident.find(old) is not None
    assert resident.find(new) is None


def test_a_sweep_deletes_what_is_here_and_closes_it(tmp_path: Path) -> None:
    """By a path below the local directories, or by a whole path, as of a dead executor on this host."""
    handle, other = stored("rows", 0), stored("other", 0)
    for one in (handle, other):
        assert resident.find(one) is not None
    resident.sweep(["nnspark/rows", "/somewhere/that/is/not/there"])
    assert resident.find(handle) is None
    assert kept() == [("other", 0)]
    resident.sweep([f"{tmp_path}/{other.folder}"])
    assert kept() == []
    assert not list(tmp_path.rglob("*.npy"))
