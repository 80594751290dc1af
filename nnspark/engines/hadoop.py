"""Hadoop's file systems by Spark's own client: the one place that calls them through the gateway."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO

from nnspark.sources.files import data_names

if TYPE_CHECKING:
    from pyspark import SparkContext

__all__ = [
    "ABORTABLE",
    "BY_DISK_BYTES",
    "CONDITIONAL",
    "READS",
    "Hadoop",
    "java_errors",
    "os_errors",
    "root_cause",
]

BY_DISK_BYTES = 1 << 20  # more than this between Python and the JVM goes by a local file, not as one argument
BUFFER_BYTES = 1 << 16
READS = 3
ABORTABLE = "fs.capability.outputstream.abortable"  # Hadoop's names
CONDITIONAL = "fs.option.create.conditional.overwrite"
MISSING = {"FileNotFoundException", "NoSuchFileException"}
DAMAGED = {"ChecksumException"}


class Hadoop:
    """Paths, file systems and their streams, as the session is configured. Raises what the JVM raises."""

    def __init__(self, sc: "SparkContext") -> None:
        self._jvm: Any = getattr(sc, "_jvm")  # noqa: B009 (typed as optional, set on every live context)
        self._sc: Any = sc
        self._conf: Any = self._sc._jsc.hadoopConfiguration()

    def path(self, *names: Any) -> Any:
        """A path from a URI, or from a folder's path and a name in it."""
        return self._jvm.org.apache.hadoop.fs.Path(*names)

    def file_system(self, path: Any) -> Any:
        """The file system that a path is in."""
        return path.getFileSystem(self._conf)

    def data_files(self, path: str) -> list[str]:
        """Names of a folder's data files, or of the file itself. DataError for folders in it."""
        place = self.path(path)
        found = self.file_system(place).listStatus(place)
        return data_names(path, {status.getPath().getName(): status.isDirectory() for status in found})

    def rename_over(self, temporary: Any, final: Any) -> None:
        """Hadoop's rename that overwrites, which HDFS does in one step.

        It takes whole URIs: of ``hdfs:///run`` the file system says which host that is.
        """
        fs = final.getFileSystem(self._conf)
        hadoop = self._jvm.org.apache.hadoop.fs
        overwrite = self._sc._gateway.new_array(hadoop.Options.Rename, 1)
        overwrite[0] = hadoop.Options.Rename.OVERWRITE
        context = hadoop.FileContext.getFileContext(fs.getUri(), self._conf)
        context.rename(fs.makeQualified(temporary), fs.makeQualified(final), overwrite)

    def appears_whole(self, fs: Any, path: Any) -> bool:
        """Whether a file is there only once it is whole: an object store's, whose stream can be aborted."""
        return bool(fs.hasPathCapability(path, ABORTABLE))

    def put(self, fs: Any, path: Any, content: bytes, *, overwrite: bool) -> None:
        """Write to the JVM's stream, and have the bytes on disk where the file system knows how.

        Closing the stream of an object store makes what was written the file. So one that did not get all is
        aborted before. Without ``overwrite`` the store is asked to look and write in one, where it can: its
        client looks first and writes then, which two may do at a time.
        """
        if not overwrite and fs.hasPathCapability(path, CONDITIONAL):
            stream = fs.createFile(path).must(CONDITIONAL, "true").build()
        else:
            stream = fs.create(path, overwrite)
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
        except BaseException:
            if stream.hasCapability(ABORTABLE):
                stream.abort()
            raise
        finally:
            stream.close()

    def get(self, fs: Any, path: Any) -> bytes:
        """All that the JVM reads from a path.

        A store's answer may end in its middle, and its client need not ask again: what was opened and then
        not read is read again, up to ``READS`` times.
        """
        for left in reversed(range(READS)):
            stream = fs.open(path)
            try:
                return self._all_of(stream, int(fs.getFileStatus(path).getLen()))
            except java_errors() as error:
                if not left or _kind(error) in MISSING | DAMAGED:
                    raise
        raise AssertionError("READS is 1 or more")

    def _all_of(self, stream: Any, length: int) -> bytes:
        """A Java stream to its end; closes it."""
        if length <= BY_DISK_BYTES:
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
def os_errors(where: str) -> Iterator[None]:
    """Tell what the JVM raises of a path as Python does of local files: OSError."""
    try:
        yield
    except java_errors() as error:
        kind = _kind(error)
        message = root_cause(str(error)) or kind
        number = errno.ENOENT if kind in MISSING else errno.EIO if kind in DAMAGED else None
        told = (f"{where}: {message}",) if number is None else (number, message, where)
        raise OSError(*told) from error


def _kind(error: Exception) -> str:
    """The name of the JVM's exception."""
    java = getattr(error, "java_exception", None)
    return str(java.getClass().getSimpleName()) if java else type(error).__name__


def root_cause(text: str) -> str:
    """The one line of a Java exception's text, its stack and causes in it, that says what was wrong.

    What has no words of its own, such as a host's name alone, gets some, and what to do about it.
    """
    causes = re.findall(r"^Caused by: (.+)$", text, re.MULTILINE)
    if not causes:
        lines = [line.strip().lstrip(": ") for line in text.splitlines()]
        said = [line for line in lines if line and not line.startswith(("An error occurred", "at "))]
        causes = said[:1] or [""]
    kind, message = re.fullmatch(
        r"(?:([a-z][\w.]*\.[A-Z][\w$]*)(?:: |$))?(.*)", causes[-1].strip(), re.DOTALL
    ).groups()  # type: ignore[union-attr]
    name = (kind or "").rpartition(".")[2]
    missing = re.search(r"Class (\S+) not found", message)
    if name == "UnknownHostException":
        return f"the host {message!r} is not known here: check the address"
    if missing:
        return (
            f"Spark has no {missing[1].rpartition('.')[2]}: add the file system's package "
            "(spark.jars.packages) to the session"
        )
    return message or name


def java_errors() -> tuple[type[Exception], ...]:
    """What the JVM's exceptions are in Python: py4j's own, or PySpark's where it knows the kind.

    A client of Spark Connect alone comes without py4j.
    """
    from pyspark.errors import PySparkException

    try:
        from py4j.protocol import Py4JJavaError
    except ImportError:
        return (PySparkException,)
    return Py4JJavaError, PySparkException
