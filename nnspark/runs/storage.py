"""A run directory's files, on a local disk or behind any Hadoop URI, with whole-file atomic writes.

A write is to a temporary name, forced to disk, then renamed: a reader sees the old file or the new one.
"""

import os
from typing import Any, Protocol

from nnspark.engines.types import Context
from nnspark.errors import CheckpointError, RecipeError
from nnspark.runs.hadoop_folder import HadoopFolder
from nnspark.runs.local_folder import LocalFolder

__all__ = ["Folder", "is_uri", "open_folder", "place_of"]


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


def place_of(out: Any) -> str:
    """The path or URI that a caller gave for a run directory; empty for none. RecipeError if it is none."""
    place = os.fspath(out) if isinstance(out, str | os.PathLike) else out
    if place is not None and (not isinstance(place, str) or "\0" in place):
        raise RecipeError(f"out: expected a path or Hadoop URI to keep the run in, got {out!r}")
    return place or ""


def open_folder(path: str, sc: "Context | None") -> Folder:
    """The folder at a local path or Hadoop URI; it need not exist yet."""
    if not is_uri(path):
        return LocalFolder(path)
    if sc is None:
        raise CheckpointError(
            f"{path} is a Hadoop URI, which needs Spark with a SparkContext: use a local path with engine "
            "'local' or over Spark Connect"
        )
    try:
        return HadoopFolder(path, sc)
    except OSError as error:
        raise CheckpointError(
            f"{error.strerror or error}; expected a path or a URI that Spark's Hadoop client can open"
        ) from None
