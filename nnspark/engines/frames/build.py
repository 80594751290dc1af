"""From a DataFrame to resident shards: survey, plan, one shuffle that brings each block together.

    batches --prepare--> rows with part and block --shuffle by bin--> one bin a task --assemble--> shard

A bin is a set of blocks of about ``BIN_BYTES``, a shard on disk; tasks of training read several. All
that passes through the driver is counts, ranges and a few split keys.
"""

import uuid
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnspark.data.plan import Plan
from nnspark.engines.connect import ConnectShards
from nnspark.engines.connections import context_of, is_connect, slots_of
from nnspark.engines.executors import check_workers
from nnspark.engines.frames.classes import Classes, find_classes
from nnspark.engines.frames.columns import Layout
from nnspark.engines.frames.crowding import CrowdedRows
from nnspark.engines.frames.csv import whole_records
from nnspark.engines.frames.normal import normalise
from nnspark.engines.frames.once import are_alike, holds, supposed_plan, survey_on_the_way
from nnspark.engines.frames.packing import EMPTY, SCHEMA, Bins, pack
from nnspark.engines.frames.parquet_files import parquet_files
from nnspark.engines.frames.planning import checked, make_plan, refuse_corrupt
from nnspark.engines.frames.read import reading
from nnspark.engines.frames.scan import Scan
from nnspark.engines.frames.storing import handle_of, store
from nnspark.engines.layout import bins_of_tasks
from nnspark.engines.rdd import SparkShards
from nnspark.errors import DataError
from nnspark.recipe import Recipe, Split

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["Understood", "frame_shards", "lay_out", "understand"]


class Understood(NamedTuple):
    """Normalised rows, what their columns mean, their plan, and the rows that come often."""

    scan: Scan
    layout: Layout
    plan: Plan
    crowded: CrowdedRows | None


def frame_shards(
    df: "DataFrame",
    recipe: Recipe,
    *,
    given_by: str = "",
    stored: "DataFrame | None" = None,
    classes: Classes = find_classes,
    rows: int = 0,
    partitions: int = 0,
    depth: int = 0,
) -> SparkShards | ConnectShards:
    """Lay out a DataFrame's rows on the executors; no row passes through the driver.

    ``given_by`` names a column that gives parts, and the recipe's split is for the other rows: a boolean one
    says which validate, whole numbers are folds of training rows, of as many as the split has. ``stored``
    has the columns of ``df`` before they were cast to what they are there, if no more was done to them.
    ``classes`` finds the classes of a classification's labels, ``known_classes`` without a job.
    ``rows`` is how many there are, where that is known: they may cross once then (``once.py``).
    ``partitions`` is the number of tasks of an evaluation (0: as many as run at a time).

    Raises
    ------
    DataError : values that cannot be trained on, named by column and counted.
    """
    check_workers(context_of(df.sparkSession) or df.sparkSession)
    read = partial(reading, recipe.data.place or "the DataFrame")
    place: Callable[..., SparkShards | ConnectShards] = partial(
        lay_out, read=read, partitions=partitions, depth=depth, scratch=recipe.spark.scratch
    )
    with read():
        found = understand(df, recipe, classes, partial(_plan, rows), given_by=given_by, stored=stored)
        if found.plan.fingerprint:
            return place(found)
        with ExitStack() as undo:
            shards = undo.enter_context(place(found, surveyed=recipe.data.split))
            assert isinstance(shards, SparkShards)
            survey = checked(survey_on_the_way(shards), df, found.scan, found.layout, recipe.data)
            plan, crowded = make_plan(df, found.scan, found.layout, recipe, survey=survey)
            if crowded is None and are_alike(plan, found.plan) and holds(shards, plan):
                shards.accept(plan)
                undo.pop_all()
                return shards
        return place(found._replace(plan=plan, crowded=crowded))


def _plan(
    rows: int, source: "DataFrame", scan: Scan, layout: Layout, recipe: Recipe
) -> tuple[Plan, CrowdedRows | None]:
    """The plan that so many rows will have, without a fingerprint, where they can cross once; else theirs."""
    supposed = None if is_connect(source.sparkSession) else supposed_plan(layout, recipe, rows)
    return make_plan(source, scan, layout, recipe) if supposed is None else (supposed, None)


def understand(
    df: "DataFrame",
    recipe: Recipe,
    classes: Classes,
    plan: Callable[["DataFrame", Scan, Layout, Recipe], tuple[Plan, CrowdedRows | None]],
    *,
    given_by: str = "",
    stored: "DataFrame | None" = None,
    may_reread: bool = True,
) -> Understood:
    """Normalise rows, find their ``classes`` and make their ``plan``.

    Of a text file, records that do not fit come before whatever else is wrong: they may be why.
    """
    normal, layout = normalise(df, recipe.data, given_by)
    try:
        layout = classes(normal, layout, recipe.data)
        direct = recipe.spark.direct
        scan = Scan(normal, parquet_files(df, layout, given_by, stored) if direct else None)
        return Understood(scan, layout, *plan(df, scan, layout, recipe))
    except DataError:
        whole = whole_records(df, recipe.data) if layout.text and may_reread else None
        if whole is not None:
            return understand(whole, recipe, classes, plan, given_by=given_by, may_reread=False)
        if layout.text:
            refuse_corrupt(df, Scan(normal), layout)
        raise


def lay_out(
    rows: Understood,
    read: Any,
    *,
    surveyed: Split | None = None,
    partitions: int = 0,
    depth: int = 0,
    scratch: str = "",
) -> SparkShards | ConnectShards:
    """The shards of rows whose plan is made, or supposed and the rows ``surveyed`` on the way, by this split.

    ``read()`` is a context to read in.
    """
    session, plan = rows.scan.df.sparkSession, rows.plan
    slots = slots_of(session)
    tasks = partitions or slots.tasks
    row_bytes = plan.num_features * np.dtype(plan.dtype).itemsize
    bins_a_task = bins_of_tasks(sum(plan.num_samples) * row_bytes, tasks, slots.threads)
    bins = Bins(plan, tasks, bins_a_task)
    packed = rows.scan.map(partial(pack, bins, rows.layout, rows.crowded, surveyed), SCHEMA)
    if rows.crowded is not None:  # whose copies a bin makes itself: each has a row that tells its number
        numbers = session.range(0, tasks * bins_a_task, 1, 1).selectExpr(*EMPTY)
        packed = packed.unionAll(numbers)
    by_bin = packed.repartitionById(tasks * bins_a_task, packed["bin"])
    worker = partial(store, bins, rows.crowded, surveyed is not None)
    if is_connect(session):
        return ConnectShards(
            plan, by_bin, worker, shards=tasks * bins_a_task, tasks=tasks, scratch=scratch, reading=read
        )
    data_set = uuid.uuid4().hex
    built = by_bin.mapInArrow(partial(worker, data_set), "handle binary").rdd.map(handle_of)
    return SparkShards(plan, built, data_set=data_set, tasks=tasks, depth=depth, reading=read)
