"""One result for all rows of a DataFrame: merged in the worker over its batches, then over the partitions.

    batches --function--> one result a partition --shuffle to ``GROUPS``--> merged --collect--> merged

What a pass holds does not grow with the rows. With ``r`` bytes a result and ``p`` partitions the driver holds
at most ``max(DIRECT, GROUPS) * r``, a merging task two results at a time, and the shuffle moves ``p * r``.
Bounds of ``r`` stand where the results are defined; ``tests/spark/test_merging.py`` compares them.
"""

import pickle
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

import numpy as np

from nnspark.engines.connections import cores_of
from nnspark.engines.frames.scan import Scan
from nnspark.engines.settling import settle_task

__all__ = ["merge_all", "merged"]

Result = TypeVar("Result")
Batches = Iterable[Any]

DIRECT, GROUPS = 64, 16
SCHEMA = "part int, result binary"


def merged(scan: Scan, function: Callable[[Batches], Result | None]) -> Result | None:
    """``function(batches)`` of every partition, merged: one job. None where no partition has a result.

    A result has ``merge(other)``, whose outcome must not depend on the order.
    """
    groups = min(GROUPS, cores_of(scan.df.sparkSession))
    results = scan.map(partial(_result_of, function), SCHEMA)
    if not scan.few_partitions(DIRECT):
        results = results.repartitionById(groups, results["part"] % groups).mapInArrow(_merge_results, SCHEMA)
    total: Result | None = merge_all(pickle.loads(row["result"]) for row in results.collect())
    return total


def merge_all(results: Iterable[Any]) -> Any:
    """All results as one; None of nothing."""
    total = None
    for result in results:
        total = result if total is None else total.merge(result)
    return total


def _result_of(function: Callable[[Batches], Any], batches: Batches) -> Iterator[Any]:
    """Worker function: a partition's number and its result, if there is one."""
    from pyspark import TaskContext

    settle_task()
    context = TaskContext.get()
    with np.errstate(over="ignore"):
        result = function(batches)
    if result is not None:
        yield _batch(0 if context is None else context.partitionId(), result)


def _merge_results(batches: Batches) -> Iterator[Any]:
    """Worker function: the results that came to this task as one."""
    settle_task()
    values = (value for batch in batches for value in batch.column("result"))
    total = merge_all(pickle.loads(value.as_py()) for value in values)
    if total is not None:
        yield _batch(0, total)


def _batch(part: int, result: Any) -> Any:
    import pyarrow as pa

    columns = {
        "part": pa.array([part], pa.int32()),
        "result": pa.array([pickle.dumps(result, 5)], pa.binary()),
    }
    return pa.RecordBatch.from_pydict(columns)
