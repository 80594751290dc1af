"""A pass over normalised rows in Arrow batches: out of Spark's plan, or straight from its Parquet files."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from nnspark.engines.connections import is_connect
from nnspark.engines.frames.parquet_files import ParquetFiles

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["Scan"]

Batches = Iterable[Any]


class Scan(NamedTuple):
    """Normalised rows: ``df`` for the JVM's own queries, ``files`` where workers can read what it reads."""

    df: "DataFrame"
    files: ParquetFiles | None = None

    def map(self, function: Callable[[Batches], Iterator[Any]], schema: str) -> "DataFrame":
        """``function(batches)`` of every partition, Arrow batches of ``schema`` in a DataFrame."""
        if self.files is None:
            return self.df.mapInArrow(function, schema)
        tasks = len(self.files.tasks)
        numbers = self.df.sparkSession.range(0, tasks, 1, tasks)
        return numbers.mapInArrow(self.files.then(function), schema)

    def few_partitions(self, most: int) -> bool:
        """Whether there are at most so many; False where to know it would run the query, or cannot be."""
        if self.files is not None:
            return len(self.files.tasks) <= most
        if is_connect(self.df.sparkSession):
            return False
        plan: Any = self.df._jdf.queryExecution().executedPlan()
        return plan.nodeName() != "AdaptiveSparkPlan" and self.df.rdd.getNumPartitions() <= most
