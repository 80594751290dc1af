"""Weighing shards on disks while executors, and their directories, come and go."""

import shutil
import threading
from pathlib import Path

from disasters.disk_use import DiskUse


def shard(place: Path, name: str, size: int) -> None:
    """A shard's directory with one array of ``size`` bytes, beside a file that is none of it."""
    folder = place / "blockmgr-1" / "nnspark" / "app" / f"shard-{name}"
    folder.mkdir(parents=True)
    (folder / "X.npy").write_bytes(b"x" * size)
    (folder.parent / "other.npy").write_bytes(b"x" * 1000)


def test_only_shards_are_weighed(tmp_path: Path) -> None:
    """Those of all directories, one that is not there among them."""
    shard(tmp_path / "1", "a", 100)
    shard(tmp_path / "2", "b", 20)
    use = DiskUse(lambda: [tmp_path / "1", tmp_path / "2", tmp_path / "none"], lambda: True)
    assert use._weigh() == 120


def test_directories_that_go_meanwhile_are_passed_over(tmp_path: Path) -> None:
    """As a killed executor's do; the watch goes on."""
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            for at in range(20):
                shard(tmp_path / "gone", str(at), 1) if not (tmp_path / "gone").exists() else None
                for one in range(20):
                    (tmp_path / "gone" / str(one) / "deep").mkdir(parents=True, exist_ok=True)
                shutil.rmtree(tmp_path / "gone")

    shard(tmp_path / "stays", "a", 100)
    thread = threading.Thread(target=churn)
    thread.start()
    try:
        use = DiskUse(lambda: [tmp_path], lambda: True)
        assert all(use._weigh() >= 100 for _ in range(200))
    finally:
        stop.set()
        thread.join()
