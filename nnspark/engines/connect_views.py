"""What lies on a Spark Connect server while shards are in use: views of handles and of large values."""

import pickle
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial, reduce
from typing import TYPE_CHECKING, Any, NamedTuple

from nnspark.engines.connect_tasks import sweep
from nnspark.engines.resident import Handle
from nnspark.errors import NNSparkError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["View", "carried", "handles_schema", "let_go", "let_go_later", "persisted", "reports_schema"]

INLINE_BYTES = 4 << 20  # of a value in the closure, of which server and tasks make some copies
PIECE_BYTES = 16 << 20  # a message takes 128 MB
CACHED = "spark.sql.session.localRelationCacheThreshold"


class View(NamedTuple):
    """A data set's persisted handles: ``whole`` in a partition a shard, ``rows`` in one a task."""

    data_set: str
    whole: "DataFrame"
    rows: "DataFrame"

    def handles(self) -> list[Handle]:
        """All handles; the first time this lays the shards out."""
        return [pickle.loads(found.as_buffer()) for found in self.whole.toArrow().column("handle")]

    def sweep(self) -> None:
        """Delete the shards' files where their handles are kept."""
        self.rows.mapInArrow(partial(sweep, f"nnspark/{self.data_set}"), handles_schema()).toArrow()

    def forget(self) -> None:
        """Let the handles go."""
        self.whole.unpersist()
        self.whole.sparkSession.catalog.dropTempView(name_of(self.data_set))


def name_of(data_set: str) -> str:
    """A data set's view."""
    return f"nnspark_{data_set}"


def persisted(stored: "DataFrame", data_set: str, shards: int, tasks: int) -> View:
    """A view of handles, one in each partition, that are kept once they are computed.

    Raises
    ------
    NNSparkError : the server keeps nothing, as serverless compute.
    """
    session = stored.sparkSession
    stored.createOrReplaceTempView(name_of(data_set))
    whole = session.table(name_of(data_set))
    try:
        whole.persist()
    except Exception as error:
        with suppress(Exception):
            session.catalog.dropTempView(name_of(data_set))
        reason = str(error).strip().partition("\n")[0]
        raise NNSparkError(
            f"this Spark server keeps no DataFrame ({reason}), so that each epoch would read all rows again: "
            "take compute that does, or training.engine = 'local' where the driver can hold the rows"
        ) from None
    rows = whole.coalesce(tasks) if tasks < shards else whole
    _ = whole.columns, rows.columns  # asked of the server once, not by each evaluation
    return View(data_set, whole, rows)


def let_go(views: list[View]) -> None:
    """Delete the files of the shards in use, and let their handles go; what was before has been let go."""
    if views:
        with suppress(Exception):  # the server may be gone
            views[-1].sweep()
        with suppress(Exception):
            views[-1].forget()


def let_go_later(views: list[View]) -> None:
    """The same of shards that nobody closed; not in the garbage collector's thread, which may be anyone's."""
    threading.Thread(target=let_go, args=(views,), name="nnspark sweep", daemon=True).start()


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
