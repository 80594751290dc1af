"""What lies on a Spark Connect server while shards are in use: views of handles and of large values."""

import pickle
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial, reduce
from typing import TYPE_CHECKING, Any, NamedTuple

from nnspark.engines.connect_tasks import sweep
from nnspark.engines.resident import Handle

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["NotKeptError", "View", "carried", "handles_schema", "in_tasks", "persisted", "reports_schema"]

INLINE_BYTES = 4 << 20  # of a value in the closure, of which server and tasks make some copies
PIECE_BYTES = 16 << 20  # a message takes 128 MB
CACHED = "spark.sql.session.localRelationCacheThreshold"


class NotKeptError(Exception):
    """A server that keeps no DataFrame, and what it says."""


class View(NamedTuple):
    """Persisted handles, in a partition a shard."""

    data_set: str
    whole: "DataFrame"

    def handles(self) -> list[Handle]:
        """All handles; the first time this lays the shards out."""
        return [pickle.loads(found.as_buffer()) for found in self.whole.toArrow().column("handle")]

    def sweep(self) -> None:
        """Delete the shards' files where their handles are kept."""
        self.whole.mapInArrow(partial(sweep, (f"nnspark/{self.data_set}",)), handles_schema()).toArrow()

    def forget(self) -> None:
        """Let the handles go."""
        self.whole.unpersist()
        self.whole.sparkSession.catalog.dropTempView(name_of(self.data_set))

    def let_go(self) -> None:
        """Delete the files of the shards, and let their handles go."""
        with suppress(Exception):  # the server may be gone
            self.sweep()
        with suppress(Exception):
            self.forget()


def name_of(data_set: str) -> str:
    """A data set's view."""
    return f"nnspark_{data_set}"


def persisted(source: "DataFrame", store: Callable[..., Any], data_set: str) -> View:
    """A view of handles, one in each partition, that are kept once they are computed.

    Raises
    ------
    NotKeptError : the server keeps nothing, as serverless compute.
    """
    session = source.sparkSession
    stored = source.mapInArrow(partial(store, data_set), handles_schema())
    stored.createOrReplaceTempView(name_of(data_set))
    whole = session.table(name_of(data_set))
    try:
        whole.persist()
        level = whole.storageLevel
        if not (level.useMemory or level.useDisk):
            raise NotKeptError("persist does nothing")
    except Exception as error:
        with suppress(Exception):
            session.catalog.dropTempView(name_of(data_set))
        raise NotKeptError(str(error).strip().partition("\n")[0]) from None
    _ = whole.columns  # asked of the server once, not by each evaluation
    return View(data_set, whole)


def in_tasks(views: Sequence[View], shards: int, tasks: int) -> "DataFrame":
    """The handles of some views together, in a partition a task: which has those of one host."""
    whole = reduce(_both, [view.whole for view in views])
    rows = whole.coalesce(tasks) if tasks < shards * len(views) else whole
    _ = rows.columns
    return rows


@contextmanager
def carried(session: "SparkSession", packed: bytes) -> "Iterator[DataFrame | None]":
    """A large value as rows (number, piece), for the block that uses them; None for one to be sent inline.

    Each piece is a view, so that no message is too long. They are kept out of the server's cache of local
    rows, which forgets nothing before the session ends.
    """
    if len(packed) <= INLINE_BYTES:
        yield None
        return
    import pyarrow as pa
    from pyspark.sql import functions as F

    names: list[str] = []
    try:
        with _uncached(session):
            for start in range(0, len(packed), PIECE_BYTES):
                piece = packed[start : start + PIECE_BYTES]
                columns = {"number": pa.array([start], pa.int64()), "piece": pa.array([piece], pa.binary())}
                names.append(f"nnspark_value_{uuid.uuid4().hex}")
                session.createDataFrame(pa.table(columns)).createOrReplaceTempView(names[-1])
        yield F.broadcast(reduce(_both, map(session.table, names)))
    finally:
        for name in names:
            with suppress(Exception):  # the server may be gone
                session.catalog.dropTempView(name)


def _both(one: "DataFrame", other: "DataFrame") -> "DataFrame":
    return one.unionAll(other)


@contextmanager
def _uncached(session: "SparkSession") -> Iterator[None]:
    """A block in which rows of the driver travel inside the query; then as the user had it."""
    before = session.conf.get(CACHED, None)
    if before is None:  # an older server, which caches none unless told to
        yield
        return
    with suppress(Exception):  # a server may let nobody set it
        session.conf.set(CACHED, str(2 * PIECE_BYTES))
    try:
        yield
    finally:
        with suppress(Exception):
            session.conf.set(CACHED, before)


def handles_schema() -> Any:
    """Of handles: a schema as an object, since text is sent to the server to be read."""
    from pyspark.sql import types as T

    return T.StructType([T.StructField("handle", T.BinaryType())])


def reports_schema() -> Any:
    """Of a task's number and its report."""
    from pyspark.sql import types as T

    return T.StructType([T.StructField("part", T.IntegerType()), T.StructField("report", T.BinaryType())])
