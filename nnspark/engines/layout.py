"""Layout: which block lies in which shard, and laying out a data set that is in the driver.

A task's shards are its bins, each of about ``BIN_BYTES``. (Rows that the executors read are laid out by the
same rule, in ``frames/build.py``.)
"""

import math
import pickle
import uuid
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from nnspark.data.dataset import Dataset
from nnspark.data.rows import BlockSet, Span
from nnspark.engines import executors, resident
from nnspark.engines.base import Shards
from nnspark.engines.bins import place_of
from nnspark.engines.connect import ConnectShards
from nnspark.engines.connections import context_of, is_connect, slots_in, slots_of
from nnspark.engines.local import LocalShards
from nnspark.engines.rdd import SparkShards
from nnspark.engines.resident import Handle

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

__all__ = ["BIN_BYTES", "bins_of_tasks", "make_shards", "shards_in"]

BIN_BYTES = 48 << 20


def make_shards(
    dataset: Dataset, sc: "SparkContext | None", *, partitions: int = 0, depth: int = 0, threads: int = 0
) -> Shards:
    """Lay out blocks from the driver for ``partitions`` tasks (0: as many as run), or ``threads`` here.

    The rows go through a shuffle: partitions of ``parallelize`` carry their rows, and so would every
    task of every job made of them (110 ms an epoch for 188 MB).
    """
    if sc is None:
        return LocalShards(dataset, threads)
    executors.check_workers(sc)
    slots = slots_in(sc)
    tasks = partitions or slots.tasks
    sets = _sets(dataset, tasks, slots.threads)
    data_set = uuid.uuid4().hex
    numbered = sc.parallelize(list(enumerate(sets)), len(sets)).partitionBy(len(sets), _own_number)
    built = numbered.mapPartitions(partial(_store, data_set))
    return SparkShards(dataset.plan, built, data_set=data_set, tasks=tasks, depth=depth)


def shards_in(
    session: "SparkSession | None",
    dataset: Dataset,
    *,
    partitions: int = 0,
    depth: int = 0,
    threads: int = 0,
    scratch: str = "",
) -> Shards:
    """``make_shards`` for a session of either kind, or without Spark; ``scratch`` as the recipe's key."""
    if session is None or not is_connect(session):
        sc = context_of(session)
        return make_shards(dataset, sc, partitions=partitions, depth=depth, threads=threads)
    import pyarrow as pa

    executors.check_workers(session)
    slots = slots_of(session)
    tasks = partitions or slots.tasks
    sets = [pickle.dumps(one, 5) for one in _sets(dataset, tasks, slots.threads)]
    columns = {"shard": pa.array(range(len(sets)), pa.int32()), "blocks": pa.array(sets, pa.binary())}
    sent = session.createDataFrame(pa.table(columns)).repartitionById(len(sets), "shard")

    return ConnectShards(dataset.plan, sent, _store_sent, shards=len(sets), tasks=tasks, scratch=scratch)


def bins_of_tasks(feature_bytes: int, tasks: int, threads: int) -> int:
    """Bins of each task, as many for each of its threads."""
    return threads * max(1, math.ceil(feature_bytes / (tasks * threads * BIN_BYTES)))


def _sets(dataset: Dataset, tasks: int, threads: int = 1) -> list[BlockSet]:
    """The blocks in bins: the shards to be."""
    bins_a_task = bins_of_tasks(dataset.blocks.X.nbytes, tasks, threads)
    groups: list[list[Span]] = [[] for _ in range(tasks * bins_a_task)]
    for span in dataset.blocks.spans:
        groups[place_of(dataset.plan, span.part, span.number, tasks, bins_a_task)].append(span)
    return [dataset.blocks.subset(spans) for spans in groups]


def _store(data_set: str, groups: Iterator[tuple[int, BlockSet]]) -> Iterator[Handle]:
    """Worker function: write shards."""
    for shard, blocks in groups:
        yield resident.store(data_set, shard, blocks)


def _store_sent(data_set: str, batches: Iterable[Any]) -> Iterator[Any]:
    """Worker function: the same of Arrow batches."""
    import pyarrow as pa

    for batch in batches:
        for shard, blocks in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
            handle = resident.store(data_set, shard, pickle.loads(blocks))
            yield pa.RecordBatch.from_pydict({"handle": pa.array([pickle.dumps(handle, 5)], pa.binary())})


def _own_number(shard: int) -> int:
    return shard
