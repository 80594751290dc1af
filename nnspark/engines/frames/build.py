"""From a DataFrame to resident shards: survey, plan, one shuffle that brings each block together.

    batches --prepare--> rows with part and block --shuffle by bin--> one bin a task --assemble--> shard

A bin is a set of blocks of about ``BIN_BYTES``, a shard on disk; tasks of training read several. All
that passes through the driver is counts, ranges and a few split keys.
"""

import math
import pickle
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.dataset import finish_plan
from nnspark.data.plan import Plan, Scaling, class_table
from nnspark.data.rows import PARTS, Rows, assemble, hash_rows, split_keys, sum_hashes
from nnspark.data.scaling import fit_over, fit_scaling
from nnspark.engines import resident
from nnspark.engines.conservation import changed
from nnspark.engines.frames import survey as surveys
from nnspark.engines.frames.columns import Layout, arrays_of, find_classes, normalise
from nnspark.engines.frames.locate import first_bad
from nnspark.engines.frames.read import reading
from nnspark.engines.layout import BIN_BYTES, place_of
from nnspark.engines.rdd import SparkShards
from nnspark.engines.resident import Handle
from nnspark.errors import DataError
from nnspark.recipe import Recipe

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["frame_shards"]

Array = NDArray[Any]
Batches = Iterable[Any]

RESULT = "result binary"


def frame_shards(df: "DataFrame", recipe: Recipe, *, partitions: int = 0, depth: int = 0) -> SparkShards:
    """Lay out a DataFrame's rows on the executors; no row passes through the driver.

    ``partitions`` is the number of tasks of an evaluation (0: one a core).

    Raises
    ------
    DataError : values that cannot be trained on, named by column and counted.
    """
    read = partial(reading, recipe.data.path or "the DataFrame")
    with read():
        return _frame_shards(df, recipe, read, partitions=partitions, depth=depth)


def _frame_shards(df: "DataFrame", recipe: Recipe, read: Any, *, partitions: int, depth: int) -> SparkShards:
    sc = df.sparkSession.sparkContext
    source = df
    df, layout = normalise(df, recipe.data)
    if recipe.data.task == "classification":
        df, labels = find_classes(df, layout)
        layout = replace(layout, classes=class_table(labels, recipe.data.classes))
    plan = make_plan(source, df, layout, recipe)
    tasks = partitions or sc.defaultParallelism
    row_bytes = plan.num_features * np.dtype(plan.dtype).itemsize
    bins_a_task = max(1, math.ceil(sum(plan.num_samples) * row_bytes / (tasks * BIN_BYTES)))
    bins = tasks * bins_a_task
    data_set = uuid.uuid4().hex
    packed = df.mapInArrow(partial(_pack, plan, layout, tasks, bins_a_task), "bin int, rows binary")
    stored = packed.repartitionById(bins, packed["bin"]).mapInArrow(
        partial(_store, plan.block_rows, data_set), "handle binary"
    )
    return SparkShards(
        plan,
        stored.rdd.map(_handle),
        data_set=data_set,
        tasks=tasks,
        depth=depth,
        reading=read,
    )


def make_plan(source: "DataFrame", df: "DataFrame", layout: Layout, recipe: Recipe) -> Plan:
    """Survey the rows and decide all that is decided before they are packed."""
    split = recipe.data.split
    survey = _sum(each(df, partial(surveys.survey_batches, layout=layout, seed=split.seed)))
    surveys.refuse_bad(survey, layout, partial(first_bad, source, layout))
    if not survey.rows:
        raise DataError("the DataFrame has no rows of positive weight")
    boundaries = surveys.boundaries_of(survey, split)
    near = [(np.empty(0, np.int64), np.empty(0, np.uint64))]
    if any(boundaries.wanted):
        collect = partial(_near, layout=layout, seed=split.seed, boundaries=boundaries)
        near += [pair for found in each(df, collect) for pair in found]
    label, keys = (np.concatenate(arrays) for arrays in zip(*near, strict=True))
    if len(keys) != surveys.near_boundaries(survey, boundaries):
        raise changed(
            "the survey and the split",
            f"{surveys.near_boundaries(survey, boundaries)} rows near the split's boundaries",
            str(len(keys)),
        )
    cuts, counts = surveys.thresholds_of(survey, split, boundaries, label, keys)
    columns = len(layout.names)
    plan = Plan(
        task=layout.task,
        feature_names=layout.names,
        scaling=Scaling(np.zeros(columns), np.ones(columns)),
        dtype=recipe.training.dtype,
        block_rows=recipe.training.block_rows,
        split_seed=split.seed,
        cuts=cuts,
        blocks=(1, 1, 1),
        replicas=recipe.rounds.groups,
        classes=layout.classes,
        num_targets=len(layout.targets),
        weighted=bool(layout.weight),
        fingerprint=survey.fingerprint,
    )

    def each_train(of_target: bool) -> Callable[[Callable[[Array], Any]], Iterable[Any]]:
        return lambda function: (
            value
            for values in each(
                df, partial(_over_train, plan=plan, layout=layout, of_target=of_target, function=function)
            )
            for value in values
        )

    scale, target_scale = recipe.data.scale, recipe.data.target_scale
    fitted = scale in ("standard", "minmax")
    scaling = fit_over(str(scale), each_train(False)) if fitted else fit_scaling(scale, [], columns)
    target_scaling = None if target_scale == "none" else fit_over(target_scale, each_train(True))
    class_counts = None if layout.classes is None else counts[0]
    return finish_plan(plan, recipe, counts.sum(axis=1), class_counts, scaling, target_scaling)


def each(df: "DataFrame", function: Callable[[Batches], Any]) -> list[Any]:
    """``function(batches)`` of every partition, one job."""
    rows = df.mapInArrow(partial(_pickled, function), RESULT).collect()
    return [pickle.loads(row["result"]) for row in rows]


def _pickled(function: Callable[[Batches], Any], batches: Batches) -> Iterator[Any]:
    """Worker function: the result of a partition as one binary value."""
    import pyarrow as pa

    with np.errstate(over="ignore"):
        result = pickle.dumps(function(batches), 5)
    yield pa.RecordBatch.from_pydict({"result": pa.array([result], pa.binary())})


def _near(
    batches: Batches, layout: Layout, seed: int, boundaries: surveys.Boundaries
) -> list[tuple[Array, Array]]:
    return list(surveys.collect_keys(batches, layout, seed, boundaries))


def _over_train(
    batches: Batches, plan: Plan, layout: Layout, of_target: bool, function: Callable[[Array], Any]
) -> list[Any]:
    """Worker function: a function of the training rows' features, or targets, of each batch."""
    results = []
    for batch in batches:
        rows = surveys.present(arrays_of(batch, layout))
        train = plan.parts(split_keys(hash_rows(*rows), plan.split_seed), rows.target) == 0
        if train.any():
            results.append(function((rows.target if of_target else rows.features)[train]))
    return results


def _pack(plan: Plan, layout: Layout, tasks: int, bins_a_task: int, batches: Batches) -> Iterator[Any]:
    """Worker function: prepare rows and send each to the bin of its block."""
    import pyarrow as pa

    for batch in batches:
        raw = surveys.present(arrays_of(batch, layout))
        if not len(raw.features):
            continue
        rows = plan.prepare(raw.features, raw.target, raw.weight)
        place = _places(plan, rows, tasks, bins_a_task)
        order = np.argsort(place, kind="stable")
        edges = np.flatnonzero(np.diff(place[order])) + 1
        for chosen in np.split(order, edges):
            payload = pickle.dumps(rows.take(chosen), 5)
            yield pa.RecordBatch.from_pydict(
                {
                    "bin": pa.array([int(place[chosen[0]])], pa.int32()),
                    "rows": pa.array([payload], pa.binary()),
                }
            )


def _places(plan: Plan, rows: Rows, tasks: int, bins_a_task: int) -> Array:
    """``place_of`` of every row's block."""
    places = np.empty(len(rows.block), dtype=np.int64)
    for part, name in enumerate(PARTS):
        mine = rows.part == part
        places[mine] = place_of(plan, name, rows.block[mine], tasks, bins_a_task)
    return places


def _store(block_rows: int, data_set: str, batches: Batches) -> Iterator[Any]:
    """Worker function: assemble a bin's rows to blocks and write its shard, named by the bin."""
    import pyarrow as pa

    bins: set[int] = set()
    pieces: list[Rows] = []
    for batch in batches:
        bins.update(batch.column(0).to_pylist())
        pieces.extend(pickle.loads(value) for value in batch.column(1).to_pylist())
    if not bins:
        return
    (shard,) = bins
    rows = Rows.concatenate(pieces)
    pieces.clear()
    handle = resident.store(data_set, shard, assemble(rows, block_rows), sum_hashes(rows.hashes))
    yield pa.RecordBatch.from_pydict({"handle": pa.array([pickle.dumps(handle, 5)], pa.binary())})


def _handle(row: Any) -> Handle:
    handle: Handle = pickle.loads(row["handle"])
    return handle


def _sum(parts: list[Any]) -> Any:
    first, *others = parts
    for other in others:
        first.merge(other)
    return first
