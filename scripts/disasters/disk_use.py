"""How much room shards take on the executors' disks while executors come and go."""

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

__all__ = ["DiskUse"]

EVERY = 0.2  # seconds


class DiskUse:
    """A context in which the shards in some directories are weighed again and again.

    ``ready`` says when all are laid out and nothing has been disturbed: what there is then is the data set.
    """

    def __init__(self, directories: Callable[[], Iterable[Path]], ready: Callable[[], bool]) -> None:
        self._directories, self._ready = directories, ready
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._sizes: list[int] = []

    def __enter__(self) -> "DiskUse":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def __str__(self) -> str:
        if not self._sizes:
            return "disk use not seen"
        whole, average = self._sizes[0], sum(self._sizes) / len(self._sizes)
        most = max(self._sizes) / whole
        return f"disk use {average / whole:.2f} of the data set on average, {most:.2f} at most"

    def _watch(self) -> None:
        while not self._ended.wait(EVERY):
            size = self._weigh() if self._sizes or self._ready() else 0
            if size or self._sizes:
                self._sizes.append(size)

    def _weigh(self) -> int:
        """All bytes of shards now; os.walk passes over directories that go while it looks, glob fails."""
        return sum(
            size_of(Path(folder, name))
            for place in self._directories()
            for folder, _, names in os.walk(place)
            if Path(folder).match("nnspark/*/shard-*")
            for name in names
            if name.endswith(".npy")
        )


def size_of(file: Path) -> int:
    """Its bytes; none of one that is gone meanwhile."""
    try:
        return file.stat().st_size
    except OSError:
        return 0
