"""A run directory's files behind any Hadoop URI (hdfs:, s3a:, gs:, abfss:, file:), by Spark's own client.

A file system that cannot rename over a file deletes the old one first, and a driver may be killed between the
two. So a temporary file's name says how long it is and its CRC: one that is whole is as good as the file that
it was to become, and ``read`` and ``mend`` take it for that where there is no other.
"""

import errno
import os
import re
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO

from nnspark.runs.storage import LocalFolder

if TYPE_CHECKING:
    from pyspark import SparkContext

__all__ = ["HadoopFolder"]

BY_DISK_BYTES = 1 << 20  # more than this between Python and the JVM goes by a local file, not as one argument
BUFFER_BYTES = 1 << 16
TEMPORARY = re.compile(r"(?P<name>.+)\.(?P<length>\d+)-(?P<crc>\d+)-[0-9a-f]{8}\.tmp")
MISSING = {"FileNotFoundException", "NoSuchFileException"}
DAMAGED = {"ChecksumException"}


class HadoopFolder:
    """A directory behind a Hadoop URI.

    Appends are collected and written with the next ``write``, since object stores cannot append. Of several
    who ``create`` one file at a time, one succeeds where the store can see to that: HDFS, abfss:, gs: and
    file: do, s3a: only where it has conditional writes (Hadoop 3.4.2).
    """

    def __init__(self, uri: str, sc: "SparkContext") -> None:
        self._jvm: Any = getattr(sc, "_jvm")  # noqa: B009 (typed as optional, set on every live context)
        self._uri = uri.rstrip("/")
        self._sc: Any = sc
        self._conf: Any = self._sc._jsc.hadoopConfiguration()
        with self._os_errors():
            root: Any = self._path("")
            self._fs = root.getFileSystem(self._conf)
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
                return self._get(self._path(name))
        above, _, wanted = name.rpartition("/")
        for other in self.names(above):
            content = self._whole(above, other, wanted)
            if content is not None:
                return content
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.path(name))

    def write(self, name: str, content: bytes) -> None:
        """Replace a file: write beside it, then rename over it, atomically where the file system can."""
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
                self._put(path, content, overwrite=False)
            except Exception:
                if self._fs.exists(path):
                    return False
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
        return self._jvm.org.apache.hadoop.fs.Path(self.path(name))

    def _below(self, below: str, name: str) -> Any:
        return self._path(f"{below}/{name}" if below else name)

    def _flush(self) -> None:
        for name, content in self._appended.items():
            self._write(name, content)

    def _write(self, name: str, content: bytes) -> None:
        mark = f"{len(content)}-{zlib.crc32(content)}-{uuid.uuid4().hex[:8]}"
        with self._os_errors(name):
            final = self._path(name)
            temporary = final.suffix(f".{mark}.tmp")
            try:
                self._put(temporary, content, overwrite=True)
            except BaseException:
                with suppress(Exception):  # what went wrong is told already
                    self._fs.delete(temporary, False)
                raise
            self._replace(temporary, final)

    def _replace(self, temporary: Any, final: Any) -> None:
        """Rename over the old file in one step, or, where the file system has no such step, in two."""
        try:
            self._rename_over(temporary, final)
        except _java_errors():
            self._fs.delete(final, False)
            if not self._fs.rename(temporary, final):
                raise

    def _rename_over(self, temporary: Any, final: Any) -> None:
        """Hadoop's rename that overwrites, which HDFS does in one step."""
        hadoop = self._jvm.org.apache.hadoop.fs
        overwrite = self._sc._gateway.new_array(hadoop.Options.Rename, 1)
        overwrite[0] = hadoop.Options.Rename.OVERWRITE
        hadoop.FileContext.getFileContext(final.toUri(), self._conf).rename(temporary, final, overwrite)

    def _whole(self, below: str, name: str, wanted: str) -> bytes | None:
        """The content of a temporary file that was to become ``wanted``, if all of it was written."""
        found = TEMPORARY.fullmatch(name)
        if found is None or found["name"] != wanted:
            return None
        try:
            with self._os_errors(name):
                content = self._get(self._below(below, name))
        except OSError:
            return None
        return (
            content
            if (len(content), zlib.crc32(content)) == (int(found["length"]), int(found["crc"]))
            else None
        )

    def _put(self, path: Any, content: bytes, *, overwrite: bool) -> None:
        """Write to the JVM's stream, and have the bytes on disk where the file system knows how."""
        stream = self._fs.create(path, overwrite)
        try:
            if len(content) <= BY_DISK_BYTES:
                stream.write(bytearray(content))
            else:
                with self._beside_spark() as local:
                    local.write(content)
                    local.flush()
                    self._copy(self._jvm.java.io.FileInputStream(local.name), stream)
            if stream.hasCapability("hsync"):
                stream.hsync()
        finally:
            stream.close()

    def _get(self, path: Any) -> bytes:
        """All that the JVM reads from a path."""
        stream = self._fs.open(path)
        if self._fs.getFileStatus(path).getLen() <= BY_DISK_BYTES:
            try:
                return bytes(self._jvm.org.apache.commons.io.IOUtils.toByteArray(stream))
            finally:
                stream.close()
        with self._beside_spark() as local:
            target = self._jvm.java.io.FileOutputStream(local.name)
            try:
                self._copy(stream, target)
            finally:
                target.close()
            return local.read()

    def _copy(self, source: Any, target: Any) -> None:
        """Copy a Java stream to its end by a small buffer; closes the source."""
        try:
            self._jvm.org.apache.hadoop.io.IOUtils.copyBytes(source, target, BUFFER_BYTES, False)
        finally:
            source.close()

    @contextmanager
    def _beside_spark(self) -> Iterator[BinaryIO]:
        """A file in Spark's local directory: the driver's Python and its JVM are on one machine."""
        with NamedTemporaryFile(dir=self._sc._temp_dir) as local:
            yield local  # type: ignore[misc]  # it is one

    @contextmanager
    def _os_errors(self, name: str = "") -> Iterator[None]:
        """Tell what the JVM raises as Python does of local files."""
        try:
            yield
        except _java_errors() as error:
            java = getattr(error, "java_exception", None)
            kind = java.getClass().getSimpleName() if java else type(error).__name__
            said = str(java.getMessage() if java else error).strip()
            message = said.splitlines()[0] if said else kind
            number = errno.ENOENT if kind in MISSING else errno.EIO if kind in DAMAGED else None
            where = self.path(name)
            told = (f"{where}: {message}",) if number is None else (number, message, where)
            raise OSError(*told) from error


def _java_errors() -> tuple[type[Exception], ...]:
    """What the JVM's exceptions are in Python: py4j's own, or PySpark's where it knows the kind."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    return Py4JJavaError, PySparkException
