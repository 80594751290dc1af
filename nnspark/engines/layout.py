"""Layout: which block lies in which shard, and laying out a data set that is in the driver.

A task's shards are its bins, each of about ``BIN_BYTES``. (Rows that the executors read are laid out by the
same rule, in ``frames/build.py``.)
"""

import math
import uuid
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from nnspark.data.dataset import Dataset
from nnspark.data.rows import BlockSet, Span
from nnspark.engines import executors, resident
from nnspark.engines.base import Shards
from nnspark.engines.bins import place_of
from nnspark.engines.local import LocalShards
from nnspark.engines.rdd import SparkShards
from nnspark.engines.resident import Handle

if TYPE_CHECKING:
    from pyspark import SparkContext

__all__ = ["BIN_BYTES", "make_shards"]

BIN_BYTES = 48 << 20


def make_shards(
    dataset: Dataset, sc: "SparkContext | None", *, partitions: int = 0, depth: int = 0
) -> Shards:
    """Lay out blocks from the driver over ``partitions`` shards (0: one a core), or without Spark.

    The rows go through a shuffle: partitions of ``parallelize`` carry their rows, and so would every
    task of every job made of them (110 ms an epoch for 188 MB).
    """
    if sc is None:
        return LocalShards(dataset)
    executors.check_workers(sc)
    tasks = partitions or sc.defaultParallelism
    plan = dataset.plan
    bins_a_task = max(1, math.ceil(dataset.blocks.X.nbytes / (tasks * BIN_BYTES)))
    groups: list[list[Span]] = [[] for _ in range(tasks * bins_a_task)]
    for span in dataset.blocks.spans:
        groups[place_of(plan, span.part, span.number, tasks, bins_a_task)].append(span)
    sets = [dataset.blocks.subset(spans) for spans in groups]
    data_set = uuid.uuid4().hex
    numbered = sc.parallelize(list(enumerate(sets)), len(sets)).partitionBy(len(sets), _own_number)
    built = numbered.mapPartitions(partial(_store, data_set))
    return SparkShards(plan, built, data_set=data_set, tasks=tasks, depth=depth)


def _store(data_set: str, groups: Iterator[tuple[int, BlockSet]]) -> Iterator[Handle]:
    """Worker function: write shards."""
    for shard, blocks in groups:
        yield resident.store(data_set, shard, blocks)


def _own_number(shard: int) -> int:
    return shard
