"""A run directory's files, on a local disk or behind any Hadoop URI, with whole-file atomic writes.

A write is to a temporary name, forced to disk, then renamed: a reader sees the old file or the new one.
"""

import os
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nnspark.errors import CheckpointError

if TYPE_CHECKING:
    from pyspark import SparkContext

__all__ = ["Folder", "LocalFolder", "is_uri", "open_folder"]


class Folder(Protocol):
    """A directory of files addressed by relative names with forward slashes.

    What cannot be done is an OSError; FileNotFoundError if there is no such file, EIO if its bytes are bad.
    """

    def path(self, name: str = "") -> str:
        """The full path or URI of a file."""

    def names(self, below: str = "") -> list[str]:
        """Names of the files and folders in a folder, sorted; empty if there is no such folder."""

    def read(self, name: str) -> bytes:
        """A file's content; FileNotFoundError if there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Replace a file atomically."""

    def create(self, name: str, content: bytes) -> bool:
        """Write a file unless there is one; whether it was written. Of many who try, one succeeds."""

    def append(self, name: str, content: bytes) -> None:
        """Add to the end of a file."""

    def delete(self, name: str) -> None:
        """Delete a file or a folder with all that is in it, if it exists."""

    def mend(self, below: str = "") -> None:
        """Finish, or undo, the writes that a killed driver left half done in a folder."""

    def make(self) -> int:
        """Make the directory; how many directories that took, those above it among them."""

    def prune(self, made: int) -> None:
        """Undo ``make``, as far as its directories are still empty."""


def is_uri(path: str) -> bool:
    """Whether a path goes through the Hadoop client rather than the local file system."""
    return "://" in path or path.startswith("file:")


def open_folder(path: str, sc: "SparkContext | None") -> Folder:
    """The folder at a local path or Hadoop URI; it need not exist yet."""
    if not is_uri(path):
        return LocalFolder(path)
    if sc is None:
        raise CheckpointError(
            f"{path} is a Hadoop URI, which needs Spark: use a local path with engine 'local'"
        )
    from nnspark.runs.hadoop_folder import HadoopFolder

    try:
        return HadoopFolder(path, sc)
    except OSError as error:
        raise CheckpointError(
            f"{error.strerror or error}; expected a path or a URI that Spark's Hadoop client can open"
        ) from None


class LocalFolder:
    """A directory on this machine."""

    def __init__(self, path: str) -> None:
        self.root = Path(path)

    def path(self, name: str = "") -> str:
        """The full path of a file."""
        return str(self.root / name) if name else str(self.root)

    def names(self, below: str = "") -> list[str]:
        """Names in a folder, sorted."""
        folder = self.root / below
        return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []

    def read(self, name: str) -> bytes:
        """A file's content."""
        return (self.root / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        """Replace a file atomically: write, fsync, rename, fsync of the directory."""
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        directory = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def create(self, name: str, content: bytes) -> bool:
        """Write a file unless there is one; whether it was written."""
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = target.open("xb")
        except FileExistsError:
            return False
        with file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return True

    def append(self, name: str, content: bytes) -> None:
        """Add to the end of a file."""
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("ab") as file:
            file.write(content)

    def delete(self, name: str) -> None:
        """Delete a file or a folder."""
        target = self.root / name
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)

    def mend(self, below: str = "") -> None:
        """Delete temporary files: the rename that would have given them their names is one step."""
        for name in self.names(below):
            if name.endswith(".tmp"):
                self.delete(f"{below}/{name}" if below else name)

    def make(self) -> int:
        """Make the directory and those above it; how many were made."""
        missing = [path for path in (self.root, *self.root.parents) if not path.exists()]
        self.root.mkdir(parents=True, exist_ok=True)
        return len(missing)

    def prune(self, made: int) -> None:
        """Undo ``make``, as far as its directories are still empty."""
        for path in (self.root, *self.root.parents)[:made]:
            try:
                path.rmdir()
            except OSError:
                return
