"""Stores whose driver is killed before a step of its choice: creating, closing, deleting, renaming a file."""

from collections.abc import Callable
from typing import Any

from nnspark.engines.hadoop import ABORTABLE, CONDITIONAL

__all__ = ["Dying", "KilledError", "Steps", "Whole", "lives_of"]

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
        if name in ("delete", "mkdirs", "rename"):
            self._steps.take()
        return getattr(self._plain, name)

    def create(self, path: Any, overwrite: bool) -> Any:
        """A stream whose closing is a step, too: that makes the file of an object store."""
        self._steps.take()
        return _Stream(self._plain.create(path, overwrite), self._steps)

    def createFile(self, path: Any) -> "_Builder":  # noqa: N802 (Hadoop's name)
        """What makes such a stream of a file that nobody else may make."""
        return _Builder(self._plain.createFile(path), self._steps)


class _Builder:
    """Hadoop's builder of a stream."""

    def __init__(self, plain: Any, steps: Steps) -> None:
        self._plain, self._steps = plain, steps

    def must(self, key: str, value: str) -> "_Builder":
        """An option that the store has to know."""
        self._plain.must(key, value)
        return self

    def build(self) -> "_Stream":
        """The stream; a step."""
        self._steps.take()
        return _Stream(self._plain.build(), self._steps)


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
    """An object store's streams on another file system: a file is there once its stream is closed.

    ``before`` and ``after`` are called before and after it is, of a stream that nobody else may make.
    """

    before: Callable[[], object] = staticmethod(lambda: None)
    after: Callable[[], object] = staticmethod(lambda: None)

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)

    def hasPathCapability(self, path: Any, name: str) -> bool:  # noqa: N802 (Hadoop's name)
        """What Hadoop's client of S3 says."""
        return name in (ABORTABLE, CONDITIONAL)

    def create(self, path: Any, overwrite: bool) -> Any:
        """Nothing is there yet."""
        return _Late(lambda: self._plain.create(path, overwrite))

    def createFile(self, path: Any) -> "Whole._Builder":  # noqa: N802 (Hadoop's name)
        """Hadoop's builder of a stream."""
        return Whole._Builder(self, path)

    class _Builder:
        """Of a stream that finds out when it is closed whether there is such a file."""

        def __init__(self, store: "Whole", path: Any) -> None:
            self._store, self._path = store, path

        def must(self, key: str, value: str) -> "Whole._Builder":
            """The one option that it knows."""
            assert (key, value) == (CONDITIONAL, "true")
            return self

        def build(self) -> "_Late":
            """The stream."""
            return _Late(self._create, self._store.after)

        def _create(self) -> Any:
            self._store.before()
            return self._store._plain.create(self._path, False)


class _Late:
    """Keeps what is written until it is closed."""

    def __init__(self, create: Callable[[], Any], after: Callable[[], object] = lambda: None) -> None:
        self._create, self._after, self._content = create, after, b""
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
            self._after()


def lives_of(life: Callable[[Steps], None], most: int = 400) -> int:
    """Two lives of one step, two of two and so on, until one is not killed any more; how many were."""
    for before in range(most):
        try:
            life(Steps(1 + before // 2))
        except KilledError:
            continue
        return before
    raise AssertionError(f"not done after {most} lives")
