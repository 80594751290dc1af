"""Which executors there are, and small RDDs whose partitions are placed on executors by name.

PySpark has no API for either; Spark's own has, and it is called through the gateway. A *place* is
Spark's name of an executor as a task's location: ``executor_HOST_ID``.
"""

import pickle
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from nnspark.engines.connections import is_connect, setting
from nnspark.errors import NNSparkError

if TYPE_CHECKING:
    from pyspark import RDD, SparkContext
    from pyspark.sql import SparkSession

__all__ = ["alive", "check_workers", "is_local", "placed", "places_of", "replace_all"]

PLACES = re.compile(r"List\(([^)]*)\)")


def is_local(sc: "SparkContext") -> bool:
    """Whether driver and tasks share one process, which cannot be lost alone."""
    return str(sc.master).partition("[")[0] == "local"


def check_workers(sc: "SparkContext | SparkSession") -> None:
    """NNSparkError where each task starts a Python process of its own, which would map its shards anew.

    Of Spark Connect the session is asked, elsewhere the SparkContext.
    """
    key = "spark.python.use.daemon"
    given = cast("SparkContext", sc).getConf().get(key) if not is_connect(sc) else setting(sc, key, "true")
    if (given or "true").lower() == "false":
        raise NNSparkError(
            f"{key} is false, which makes Spark start a Python process for each task: nnspark needs workers "
            "that live on; leave the setting out"
        )


def alive(sc: "SparkContext") -> frozenset[str]:
    """Places of the executors that live now."""
    scala: Any = sc._jsc.sc()
    summaries: Any = scala.statusStore().executorList(True)
    found = (summaries.apply(i) for i in range(summaries.size()))
    names = {(str(one.hostPort()).rpartition(":")[0], str(one.id())) for one in found if one.isActive()}
    own = is_local(sc)
    return frozenset(f"executor_{host}_{name}" for host, name in names if own or name != "driver")


def places_of(rdd: "RDD[Any]") -> list[str | None]:
    """Where each partition of a persisted RDD is kept; a job must have read it since it was filled."""
    scala: Any = rdd.context._jsc.sc()
    locations = str(scala.dagScheduler().getCacheLocs(rdd._jrdd.rdd()).toString())
    return [found.partition(",")[0] or None for found in PLACES.findall(locations)]


def placed(sc: "SparkContext", groups: Sequence[tuple[str | None, Sequence[Any]]]) -> "RDD[Any]":
    """An RDD with one partition for each (place, items); its task prefers the executor at the place.

    The items travel inside the tasks, so they have to be small.
    """
    from pyspark import RDD
    from pyspark.serializers import BatchedSerializer, CPickleSerializer

    jvm: Any = getattr(sc, "_jvm")  # noqa: B009 (typed as optional, set on every live context)
    # By their whole names: looked up part by part, each part is first taken for a class and searched for in
    # every jar.
    array_list, tuple_of_2 = getattr(jvm, "java.util.ArrayList"), getattr(jvm, "scala.Tuple2")
    to_seq = getattr(jvm, "org.apache.spark.api.python.PythonUtils").toSeq
    pairs = array_list()
    for place, items in groups:
        wanted = array_list()
        if place is not None:
            wanted.add(place)
        pairs.add(tuple_of_2(bytearray(pickle.dumps(list(items), 5)), to_seq(wanted)))
    bytes_class = getattr(jvm, "java.lang.Class").forName("[B")
    of_bytes = getattr(jvm, "scala.reflect.ClassTag").apply(bytes_class)
    scala: Any = sc._jsc.sc()
    java = scala.makeRDD(to_seq(pairs), of_bytes).toJavaRDD()
    return RDD(java, sc, BatchedSerializer(CPickleSerializer(), 1))


def replace_all(sc: "SparkContext") -> bool:
    """Have every executor replaced by a new one; whether there was any."""
    scala: Any = sc._jsc.sc()
    executors = scala.getExecutorIds()
    return bool([scala.killAndReplaceExecutor(executors.apply(i)) for i in range(executors.size())])
