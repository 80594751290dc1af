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
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.data.dataset import finish_plan
from nnspark.data.plan import Plan, Scaling, class_table
from nnspark.data.rows import PARTS, Rows, assemble, hash_rows, split_keys, sum_hashes
from nnspark.data.scaling import fit_over, fit_scaling
from nnspark.engines import resident
from nnspark.engines.conservation import changed
from nnspark.engines.executors import check_workers
from nnspark.engines.frames import boundaries as split_boundaries
from nnspark.engines.frames import survey as surveys
from nnspark.engines.frames.columns import Layout, arrays_of, find_classes, normalise
from nnspark.engines.frames.crowding import CrowdedRows, crowded_rows, pieces_in
from nnspark.engines.frames.locate import first_bad
from nnspark.engines.frames.merging import merge_all, merged
from nnspark.engines.frames.read import reading
from nnspark.engines.layout import BIN_BYTES, place_of
from nnspark.engines.rdd import SparkShards
from nnspark.engines.resident import Handle
from nnspark.errors import DataError
from nnspark.recipe import Recipe, Split

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["frame_shards", "lay_out", "make_plan", "survey_of"]

Array = NDArray[Any]
Batches = Iterable[Any]


def frame_shards(df: "DataFrame", recipe: Recipe, *, partitions: int = 0, depth: int = 0) -> SparkShards:
    """Lay out a DataFrame's rows on the executors; no row passes through the driver.

    ``partitions`` is the number of tasks of an evaluation (0: one a core).

    Raises
    ------
    DataError : values that cannot be trained on, named by column and counted.
    """
    check_workers(df.sparkSession.sparkContext)
    read = partial(reading, recipe.data.path or "the DataFrame")
    with read():
        source = df
        df, layout = normalise(df, recipe.data)
        if recipe.data.task == "classification":
            df, labels = find_classes(df, layout)
            layout = replace(layout, classes=class_table(labels, recipe.data.classes))
        plan, crowded = make_plan(source, df, layout, recipe)
        return lay_out(df, layout, plan, crowded, read, partitions=partitions, depth=depth)


def lay_out(
    df: "DataFrame",
    layout: Layout,
    plan: Plan,
    crowded: CrowdedRows | None,
    read: Any,
    *,
    partitions: int = 0,
    depth: int = 0,
) -> SparkShards:
    """The shards of a normalised DataFrame whose plan is made; ``read()`` is a context to read in."""
    tasks = partitions or df.sparkSession.sparkContext.defaultParallelism
    row_bytes = plan.num_features * np.dtype(plan.dtype).itemsize
    bins_a_task = max(1, math.ceil(sum(plan.num_samples) * row_bytes / (tasks * BIN_BYTES)))
    bins = tasks * bins_a_task
    data_set = uuid.uuid4().hex
    where = _Bins(plan, tasks, bins_a_task)
    packed = df.mapInArrow(partial(_pack, where, layout, crowded), "bin int, rows binary")
    stored = packed.repartitionById(bins, packed["bin"]).mapInArrow(
        partial(_store, where, crowded, data_set), "handle binary"
    )
    return SparkShards(
        plan,
        stored.rdd.map(_handle),
        data_set=data_set,
        tasks=tasks,
        depth=depth,
        reading=read,
    )


def survey_of(source: "DataFrame", df: "DataFrame", layout: Layout, split: Split) -> surveys.Survey:
    """Survey the rows; DataError where values cannot be used or there are none."""
    survey = merged(df, partial(surveys.survey_batches, layout=layout, split=split))
    if survey is not None:
        surveys.refuse_bad(survey, layout, partial(first_bad, source, layout))
    if survey is None or not survey.rows:
        raise DataError("the DataFrame has no rows of positive weight")
    return survey


def make_plan(
    source: "DataFrame",
    df: "DataFrame",
    layout: Layout,
    recipe: Recipe,
    scalings: tuple[Scaling, Scaling | None] | None = None,
) -> tuple[Plan, CrowdedRows | None]:
    """Survey the rows and decide all that is decided before they are packed; and rows that come often.

    ``scalings`` of features and targets are a model's own; without them they are fitted as the recipe says.
    """
    split = recipe.data.split
    survey = survey_of(source, df, layout, split)
    cuts, counts = _split(df, layout, split, survey)
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
    scaling, target_scaling = scalings or _fit(df, layout, recipe, plan, int(counts[0].sum()))
    class_counts = None if layout.classes is None else counts[0]
    plan = finish_plan(plan, recipe, counts.sum(axis=1), class_counts, scaling, target_scaling)
    return plan, crowded_rows(df, layout, survey, plan.block_rows)


def _split(df: "DataFrame", layout: Layout, split: Split, survey: surveys.Survey) -> tuple[Array, Array]:
    """Cuts (strata, 2), and rows of each part and class (3, classes), by as few passes as will do."""
    boundaries = split_boundaries.boundaries_of(survey, split)
    while boundaries.rows > split_boundaries.NEAR_ROWS and boundaries.bits < 64:
        count = partial(split_boundaries.count_inside, layout=layout, split=split, boundaries=boundaries)
        inside = merged(df, count)
        _check_same(boundaries, 0 if inside is None else inside.counts.sum(axis=2))
        assert inside is not None
        boundaries = boundaries.narrowed(inside)
    if boundaries.open.any():
        collect = partial(split_boundaries.collect_near, layout=layout, split=split, boundaries=boundaries)
        near = merged(df, collect)
    else:
        near = split_boundaries.nothing_near(survey.by_class)
    if near is None:
        raise changed("the survey and the split", f"{survey.rows} rows", "none")
    cuts, counts, found = near.thresholds(boundaries, survey.by_class)
    _check_same(boundaries, found)
    return cuts, counts


def _check_same(boundaries: split_boundaries.Boundaries, found: Any) -> None:
    """See that as many rows are near each boundary as a pass before counted."""
    wanted = np.where(boundaries.open, boundaries.inside, 0)
    found = np.where(boundaries.open, found, 0)
    if (wanted != found).any():
        at = np.flatnonzero(wanted != found)[0]
        raise changed(
            "the survey and the split",
            f"{wanted.flat[at]} rows near a boundary of the split",
            str(found.flat[at]),
        )


def _fit(
    df: "DataFrame", layout: Layout, recipe: Recipe, plan: Plan, rows: int
) -> tuple[Scaling, Scaling | None]:
    """The scaling of features and targets, fitted to the ``rows`` training rows where the recipe says so."""

    def over(of_target: bool) -> Callable[[Callable[[Array], Any]], Any]:
        def run(function: Callable[[Array], Any]) -> Any:
            worker = partial(_over_train, plan=plan, layout=layout, of_target=of_target, function=function)
            found = merged(df, worker)
            if found is None:
                raise changed("the survey and the scaling", f"{rows} training rows", "none")
            return found

        return run

    scale, target_scale = recipe.data.scale, recipe.data.target_scale
    fitted = scale in ("standard", "minmax") and rows
    scaling = fit_over(str(scale), over(False)) if fitted else fit_scaling(scale, [], len(layout.names))
    target_scaling = None if target_scale == "none" or not rows else fit_over(target_scale, over(True))
    return scaling, target_scaling


def _over_train(
    batches: Batches, plan: Plan, layout: Layout, of_target: bool, function: Callable[[Array], Any]
) -> Any:
    """Worker function: a function of the training rows' features, or targets, merged over the batches."""

    def results() -> Iterator[Any]:
        for batch in batches:
            rows = surveys.present(arrays_of(batch, layout))
            train = plan.parts(split_keys(hash_rows(*rows), plan.split_seed), rows.target) == 0
            if train.any():
                yield function((rows.target if of_target else rows.features)[train])

    return merge_all(results())


class _Bins(NamedTuple):
    """Which bin a block is in: neighbouring bins go to one task, neighbouring blocks to different ones."""

    plan: Plan
    tasks: int
    bins_a_task: int

    def of(self, part: int, blocks: Array) -> Array:
        """The bins of blocks of one part."""
        return np.asarray(place_of(self.plan, PARTS[part], blocks, self.tasks, self.bins_a_task))

    def of_rows(self, rows: Rows) -> Array:
        """The bin of every row."""
        places = np.empty(len(rows.block), dtype=np.int64)
        for part in range(len(PARTS)):
            mine = rows.part == part
            places[mine] = self.of(part, rows.block[mine])
        return places


def _pack(where: _Bins, layout: Layout, crowded: CrowdedRows | None, batches: Batches) -> Iterator[Any]:
    """Worker function: prepare rows and send each to the bin of its block; of crowded kinds, numbers only."""
    seen = np.zeros(0 if crowded is None else len(crowded.kinds.copies), dtype=np.int64)
    for batch in batches:
        raw = surveys.present(arrays_of(batch, layout))
        if not len(raw.features):
            continue
        rows = where.plan.prepare(raw.features, raw.target, raw.weight)
        if crowded is not None:
            kind = crowded.kinds.kind_of(rows.hashes)
            seen += np.bincount(kind[kind >= 0], minlength=len(seen))
            rows = rows.take(np.flatnonzero(kind < 0))
        if not len(rows.X):
            continue
        place = where.of_rows(rows)
        order = np.argsort(place, kind="stable")
        edges = np.flatnonzero(np.diff(place[order])) + 1
        for chosen in np.split(order, edges):
            yield _sent(int(place[chosen[0]]), rows.take(chosen))
    if crowded is not None and seen.any():
        rows = where.plan.prepare(*crowded.rows)
        home = where.of_rows(rows)
        for bin_number in np.unique(home[seen > 0]).tolist():
            yield _sent(bin_number, np.where(home == bin_number, seen, 0))


def _sent(bin_number: int, payload: Any) -> Any:
    import pyarrow as pa

    return pa.RecordBatch.from_pydict(
        {
            "bin": pa.array([bin_number], pa.int32()),
            "rows": pa.array([pickle.dumps(payload, 5)], pa.binary()),
        }
    )


def _store(where: _Bins, crowded: CrowdedRows | None, data_set: str, batches: Batches) -> Iterator[Any]:
    """Worker function: assemble a bin's rows to blocks and write its shard, named by the bin."""
    import pyarrow as pa

    bins: set[int] = set()
    pieces: list[Rows] = []
    seen: list[Array] = []
    for batch in batches:
        bins.update(batch.column(0).to_pylist())
        for value in batch.column(1).to_pylist():
            payload = pickle.loads(value)
            (pieces if isinstance(payload, Rows) else seen).append(payload)
    first, second = (
        sum(words) for words in zip((0, 0), *(sum_hashes(p.hashes) for p in pieces), strict=True)
    )
    if crowded is not None:
        from pyspark import TaskContext

        context = TaskContext.get()
        assert context is not None
        bins.add(context.partitionId())
        (shard,) = bins
        pieces.append(pieces_in(where.plan, crowded, lambda part, blocks: where.of(part, blocks) == shard))
        if seen:
            counted = np.sum(seen, axis=0).astype(np.uint64)[:, None] * crowded.kinds.hashes
            more = sum_hashes(counted)
            first, second = first + more[0], second + more[1]
    if not bins:
        return
    (shard,) = bins
    rows = Rows.concatenate(pieces)
    pieces.clear()
    sums = (first % 2**64, second % 2**64)
    handle = resident.store(data_set, shard, assemble(rows, where.plan.block_rows), sums)
    yield pa.RecordBatch.from_pydict({"handle": pa.array([pickle.dumps(handle, 5)], pa.binary())})


def _handle(row: Any) -> Handle:
    handle: Handle = pickle.loads(row["handle"])
    return handle
