"""A run directory's files behind any Hadoop URI (hdfs:, s3a:, gs:, abfss:, file:), by Spark's own client.

An object store whose files appear whole when they are closed (s3a:) needs no second name for a write, and its
rename would be a copy: there a write is one request that replaces the file. Elsewhere a write is to a
temporary file, which is renamed. A file system that cannot rename over a file deletes the old one first, and
a driver may be killed between the two. So a temporary file's name says how long it is and its CRC: one that
is whole is as good as the file that it was to become, and ``read`` and ``mend`` take it for that where there
is no other.
"""

import errno
import os
import re
import uuid
import zlib
from contextlib import AbstractContextManager, suppress
from typing import Any

from nnspark.engines.hadoop import Hadoop, java_errors, os_errors
from nnspark.engines.types import Context
from nnspark.runs.local_folder import LocalFolder

__all__ = ["HadoopFolder"]

TEMPORARY = re.compile(r"(?P<name>.+)\.(?P<length>\d+)-(?P<crc>\d+)-[0-9a-f]{8}\.tmp")


class HadoopFolder:
    """A directory behind a Hadoop URI.

    Appends are collected and written with the next ``write``, since object stores cannot append. Of several
    who ``create`` one file at a time, one succeeds where the store can see to that: HDFS, abfss:, gs: and
    file: do, s3a: only where it has conditional writes (Hadoop 3.4.2). So contents have to differ: who finds
    its own there has made it.
    """

    def __init__(self, uri: str, sc: "Context") -> None:
        self._hadoop, self._uri = Hadoop(sc), uri.rstrip("/")
        with self._os_errors():
            root: Any = self._path("")
            self._fs = self._hadoop.file_system(root)
            self._on_disk = root.toUri().getPath() if root.toUri().getScheme() == "file" else None
        self._appended: dict[str, bytes] = {}

    def path(self, name: str = "") -> str:
        """The full URI of a file."""
        return f"{self._uri}/{name}" if name else self._uri

    def names(self, below: str = "") -> list[str]:
        """Names in a folder, sorted."""
        with self._os_errors(below):
            folder = self._path(below)
            if not self._fs.exists(folder):
                return []
            return sorted(status.getPath().getName() for status in self._fs.listStatus(folder))

    def read(self, name: str) -> bytes:
        """A file's content."""
        if name in self._appended:
            return self._appended[name]
        with self._os_errors(name):
            if self._fs.exists(self._path(name)):
                return self._hadoop.get(self._fs, self._path(name))
        above, _, wanted = name.rpartition("/")
        for other in self.names(above):
            content = self._whole(above, other, wanted)
            if content is not None:
                return content
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.path(name))

    def write(self, name: str, content: bytes) -> None:
        """Replace a file: in one step where files appear whole, else beside it and then renamed over it."""
        self._flush()
        self._appended.pop(name, None)
        self._write(name, content)

    def create(self, name: str, content: bytes) -> bool:
        """Write a file unless there is one; whether it was written."""
        if self._on_disk is not None:  # Hadoop's own client of local files looks first and then writes
            return LocalFolder(self._on_disk).create(name, content)
        with self._os_errors(name):
            path = self._path(name)
            try:
                self._hadoop.put(self._fs, path, content, overwrite=False)
            except Exception:
                with suppress(FileNotFoundError):
                    return self.read(name) == content  # the first try did it, whose answer was lost
                raise
        return True

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
        with self._os_errors(name):
            self._fs.delete(self._path(name), True)

    def mend(self, below: str = "") -> None:
        """Give whole temporary files that have no successor their names, and delete the others."""
        names = self.names(below)
        for name in names:
            found = TEMPORARY.fullmatch(name)
            if found and found["name"] not in names and self._whole(below, name, found["name"]) is not None:
                with self._os_errors(name):
                    self._fs.rename(self._below(below, name), self._below(below, found["name"]))
            elif name.endswith(".tmp"):
                self.delete(f"{below}/{name}" if below else name)

    def make(self) -> int:
        """Make the directory and those above it; how many were made."""
        with self._os_errors():
            made, path = 0, self._path("")
            while path is not None and not self._fs.exists(path):
                made, path = made + 1, path.getParent()
            if not self._fs.mkdirs(self._path("")):
                raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), self.path())
            return made

    def prune(self, made: int) -> None:
        """Undo ``make``, as far as its directories are still empty."""
        path = self._path("")
        with suppress(OSError), self._os_errors():
            for _ in range(made):
                self._fs.delete(path, False)
                path = path.getParent()

    def _path(self, name: str) -> Any:
        return self._hadoop.path(self.path(name))

    def _os_errors(self, name: str = "") -> AbstractContextManager[None]:
        return os_errors(self.path(name))

    def _below(self, below: str, name: str) -> Any:
        return self._path(f"{below}/{name}" if below else name)

    def _flush(self) -> None:
        for name, content in self._appended.items():
            self._write(name, content)

    def _write(self, name: str, content: bytes) -> None:
        mark = f"{len(content)}-{zlib.crc32(content)}-{uuid.uuid4().hex[:8]}"
        with self._os_errors(name):
            final = self._path(name)
            if self._hadoop.appears_whole(self._fs, final):
                self._hadoop.put(self._fs, final, content, overwrite=True)
                return
            temporary = final.suffix(f".{mark}.tmp")
            try:
                self._hadoop.put(self._fs, temporary, content, overwrite=True)
            except BaseException:
                with suppress(Exception):  # what went wrong is told already
                    self._fs.delete(temporary, False)
                raise
            self._replace(temporary, final)

    def _replace(self, temporary: Any, final: Any) -> None:
        """Rename over the old file in one step, or, where the file system has no such step, in two.

        A rename may be done and its answer lost, with a NameNode that is started again: then all is done.
        """
        try:
            self._hadoop.rename_over(temporary, final)
        except java_errors():
            if not self._fs.exists(temporary) and self._fs.exists(final):
                return
            self._fs.delete(final, False)
            if not self._fs.rename(temporary, final):
                raise

    def _whole(self, below: str, name: str, wanted: str) -> bytes | None:
        """The content of a temporary file that was to become ``wanted``, if all of it was written."""
        found = TEMPORARY.fullmatch(name)
        if found is None or found["name"] != wanted:
            return None
        try:
            with self._os_errors(name):
                content = self._hadoop.get(self._fs, self._below(below, name))
        except OSError:
            return None
        return (
            content
            if (len(content), zlib.crc32(content)) == (int(found["length"]), int(found["crc"]))
            else None
        )
