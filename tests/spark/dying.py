"""Stores whose driver is killed before a step of its choice: creating, closing, deleting, renaming a file."""

from collections.abc import Callable
from typing import Any

from nnspark.engines.hadoop import ABORTABLE

__all__ = ["Dying", "KilledError", "Steps", "Whole"]

DEATHLESS = 10**9


class KilledError(BaseException):
    """Stands for SIGKILL: nothing more reaches the store in this life."""


class Steps:
    """How many steps a life still has, and what it has done."""

    def __init__(self, left: int = DEATHLESS) -> None:
        self.left = left

    def take(self) -> None:
        """Take one; KilledError when there is none left, from then on."""
        if self.left <= 0:
            raise KilledError
        self.left -= 1


class Dying:
    """A Hadoop file system that counts what changes it."""

    def __init__(self, plain: Any, steps: Steps) -> None:
        self._plain, self._steps = plain, steps

    def __getattr__(self, name: str) -> Any:
        if name in ("create", "delete", "rename"):
            self._steps.take()
        return getattr(self._plain, name)

    def create(self, path: Any, overwrite: bool) -> Any:
        """A stream whose closing is a step, too: that makes the file of an object store."""
        self._steps.take()
        return _Stream(self._plain.create(path, overwrite), self._steps)


class _Stream:
    """What is written is there when it is closed, or of a killed driver half."""

    def __init__(self, plain: Any, steps: Steps) -> None:
        self._plain, self._steps = plain, steps

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)

    def close(self) -> None:
        """A step; the driver that is killed before it has neither closed nor aborted anything."""
        try:
            self._steps.take()
        except KilledError:
            if self._plain.hasCapability(ABORTABLE):
                self._plain.abort()
            self._plain.close()  # of no effect then; a file system has what was written
            raise
        self._plain.close()


class Whole:
    """An object store's streams on another file system: a file is there once its stream is closed."""

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)

    def hasPathCapability(self, path: Any, name: str) -> bool:  # noqa: N802 (Hadoop's name)
        """What Hadoop's client of S3 says."""
        return name == ABORTABLE

    def create(self, path: Any, overwrite: bool) -> Any:
        """Nothing is there yet."""
        return _Late(lambda: self._plain.create(path, overwrite))


class _Late:
    """Keeps what is written until it is closed."""

    def __init__(self, create: Callable[[], Any]) -> None:
        self._create, self._content = create, b""
        self._ended = False

    def hasCapability(self, name: str) -> bool:  # noqa: N802 (Hadoop's name)
        """It can be aborted, and that is all."""
        return name == ABORTABLE

    def write(self, content: bytearray) -> None:
        """Take more."""
        self._content += bytes(content)

    def abort(self) -> None:
        """Let it go."""
        self._ended = True

    def close(self) -> None:
        """Make the file, unless it was aborted or made."""
        if not self._ended:
            self._ended = True
            stream = self._create()
            stream.write(bytearray(self._content))
            stream.close()
