"""A run directory's files, on a local disk or behind any Hadoop URI, with whole-file atomic writes.

Both kinds offer ``write``, ``append``, ``read``, ``names``, ``delete`` and ``path``. A write is to a
temporary name, forced to disk, then renamed: a reader sees the old file or the new one.
"""

import os
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from nnspark.errors import CheckpointError

if TYPE_CHECKING:
    from pyspark import SparkContext

__all__ = ["Folder", "HadoopFolder", "LocalFolder", "is_uri", "open_folder"]


class Folder(Protocol):
    """A directory of files addressed by relative names with forward slashes."""

    def path(self, name: str = "") -> str:
        """The full path or URI of a file."""

    def names(self, below: str = "") -> list[str]:
        """Names of the files and folders in a folder, sorted; empty if there is no such folder."""

    def read(self, name: str) -> bytes:
        """A file's content; FileNotFoundError if there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Replace a file atomically."""

    def append(self, name: str, content: bytes) -> None:
        """Add to the end of a file."""

    def delete(self, name: str) -> None:
        """Delete a file or a folder with all that is in it, if it exists."""


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
    return HadoopFolder(path, sc)


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


class HadoopFolder:
    """A directory behind a Hadoop URI (hdfs:, s3a:, gs:, abfss:, file:), through Spark's own client.

    Appends are collected and written with the next ``write``, since object stores cannot append.
    """

    def __init__(self, uri: str, sc: "SparkContext") -> None:
        self._jvm: Any = getattr(sc, "_jvm")  # noqa: B009 (typed as optional, set on every live context)
        self._uri = uri.rstrip("/")
        root: Any = self._jvm.org.apache.hadoop.fs.Path(self._uri)
        self._sc: Any = sc
        self._conf: Any = self._sc._jsc.hadoopConfiguration()
        self._fs = root.getFileSystem(self._conf)
        self._appended: dict[str, bytes] = {}

    def path(self, name: str = "") -> str:
        """The full URI of a file."""
        return f"{self._uri}/{name}" if name else self._uri

    def names(self, below: str = "") -> list[str]:
        """Names in a folder, sorted."""
        folder = self._path(below)
        if not self._fs.exists(folder):
            return []
        return sorted(status.getPath().getName() for status in self._fs.listStatus(folder))

    def read(self, name: str) -> bytes:
        """A file's content."""
        if name in self._appended:
            return self._appended[name]
        if not self._fs.exists(self._path(name)):
            raise FileNotFoundError(self.path(name))
        stream = self._fs.open(self._path(name))
        try:
            return bytes(self._jvm.org.apache.commons.io.IOUtils.toByteArray(stream))
        finally:
            stream.close()

    def write(self, name: str, content: bytes) -> None:
        """Replace a file: write beside it, then rename over it, atomically where the file system can."""
        self._flush()
        self._appended.pop(name, None)
        self._write(name, content)

    def append(self, name: str, content: bytes) -> None:
        """Add to the end of a file, at the next ``write`` of any file."""
        if name not in self._appended:
            try:
                self._appended[name] = self.read(name)
            except FileNotFoundError:
                self._appended[name] = b""
        self._appended[name] += content

    def delete(self, name: str) -> None:
        """Delete a file or a folder."""
        self._appended.pop(name, None)
        self._fs.delete(self._path(name), True)

    def _path(self, name: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(self.path(name))

    def _flush(self) -> None:
        for name, content in self._appended.items():
            self._write(name, content)

    def _write(self, name: str, content: bytes) -> None:
        from py4j.protocol import Py4JJavaError

        final = self._path(name)
        temporary = final.suffix(f".{uuid.uuid4().hex}.tmp")
        try:
            stream = self._fs.create(temporary, True)
            try:
                stream.write(bytearray(content))
            finally:
                stream.close()
            self._replace(temporary, final)
        except Py4JJavaError as error:
            reason = str(error.java_exception.getMessage()).splitlines()
            raise OSError(f"{self.path(name)}: {reason[0] if reason else 'cannot be written'}") from error

    def _replace(self, temporary: Any, final: Any) -> None:
        """Rename over the old file in one step, or, where the file system has no such step, in two."""
        from py4j.protocol import Py4JJavaError

        hadoop = self._jvm.org.apache.hadoop.fs
        overwrite = self._sc._gateway.new_array(hadoop.Options.Rename, 1)
        overwrite[0] = hadoop.Options.Rename.OVERWRITE
        try:
            hadoop.FileContext.getFileContext(final.toUri(), self._conf).rename(temporary, final, overwrite)
        except Py4JJavaError:
            self._fs.delete(final, False)
            if not self._fs.rename(temporary, final):
                raise
