"""What kind of session there is: a classic one, with a SparkContext, or one of Spark Connect, without.

Over Spark Connect the client has no JVM, no SparkContext and no RDD; what is asked of these is asked here.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from pyspark import Broadcast, SparkContext
    from pyspark.sql import SparkSession

__all__ = [
    "Held",
    "Slots",
    "context_of",
    "cores_of",
    "has_stopped",
    "held_by",
    "is_connect",
    "setting",
    "slots_in",
    "slots_of",
]

PROBED = 1 << 16  # rows, so that no cluster has more cores
CPUS = "spark.task.cpus"

_cores: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


@dataclass(frozen=True)
class Held:
    """A value that travels with each task, where there is no broadcast."""

    value: Any

    def destroy(self) -> None:
        """There is nothing to destroy."""


def is_connect(session: object) -> bool:
    """Whether a session is one of Spark Connect."""
    return type(session).__module__.startswith("pyspark.sql.connect.")


def context_of(session: "SparkSession | None") -> "SparkContext | None":
    """The session's SparkContext; None of no session, and of one that has none."""
    return None if session is None or is_connect(session) else session.sparkContext


def has_stopped(session: "SparkSession") -> bool:
    """Whether nothing can be asked of the session any more."""
    if is_connect(session):
        return bool(getattr(session, "is_stopped", False))
    return getattr(session.sparkContext, "_jsc", session) is None


def held_by(session: "SparkSession", value: Any) -> "Broadcast[Any] | Held":
    """A value for worker functions: broadcast, or in their closure over Spark Connect."""
    context = context_of(session)
    return Held(value) if context is None else context.broadcast(value)


def cores_of(session: "SparkSession") -> int:
    """Cores for tasks. Over Spark Connect by one small job a session: a range has as many parts."""
    context = context_of(session)
    if context is not None:
        return context.defaultParallelism
    if session not in _cores:
        from pyspark.sql import functions as F

        parts = session.range(0, PROBED).select(F.spark_partition_id().alias("part"))
        last = parts.agg(F.max("part").alias("last")).head()
        _cores[session] = 1 if last is None else 1 + int(last["last"])
    return _cores[session]


class Slots(NamedTuple):
    """Tasks that run at a time, and the threads that each computes with: ``spark.task.cpus``."""

    tasks: int
    threads: int


def slots_of(session: "SparkSession") -> Slots:
    """The session's slots."""
    context = context_of(session)
    return _slots(cores_of(session), setting(session, CPUS, "1")) if context is None else slots_in(context)


def slots_in(sc: "SparkContext") -> Slots:
    """A SparkContext's slots."""
    return _slots(sc.defaultParallelism, sc.getConf().get(CPUS, "1"))


def _slots(cores: int, threads: str | None) -> Slots:
    """Cores that do not make a whole slot make none."""
    each = int(threads or 1)
    return Slots(max(1, cores // each), each)


def setting(session: Any, key: str, otherwise: str) -> str:
    """A setting of Spark's; ``otherwise`` where it is not set, or the server does not tell."""
    with suppress(Exception):
        return str(session.conf.get(key, otherwise))
    return otherwise
