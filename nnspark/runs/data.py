"""The shards of a run's rows, whatever holds them: the recipe's source, a DataFrame, a table, arrays."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from nnspark.data.dataset import make_dataset
from nnspark.data.folds import shared_recipe
from nnspark.engines.base import Shards
from nnspark.engines.folds import Folds
from nnspark.engines.frames import (
    FILE_SOURCES,
    FRAME_SOURCES,
    SPARK_SOURCES,
    frame_shards,
    is_frame,
    read_frame,
    reading,
    refuse_stream,
)
from nnspark.engines.layout import shards_in
from nnspark.engines.session import open_session
from nnspark.engines.starting import is_certainly_local
from nnspark.engines.types import Session
from nnspark.recipe import Data, Recipe
from nnspark.recipe.data_section import as_paths
from nnspark.sources import load_table
from nnspark.sources.found import files_of
from nnspark.sources.memory import read_memory, refuse_parts_of_files
from nnspark.sources.table import DataRequest

__all__ = ["load_folds", "load_shards", "refuse_missing"]


def refuse_missing(data: Data) -> None:
    """DataError if the files that executors are to read are surely not there: before Spark is started."""
    paths = [*as_paths(data.path), *(path for own in data.paths_of_parts.values() for path in own)]
    if data.source in FILE_SOURCES and paths and all(map(is_certainly_local, paths)):
        files_of(DataRequest.of(data))


def load_shards(recipe: Recipe, session: "Session | None", data: Any = None) -> Shards:
    """Lay out ``data``, or what the recipe's source names: by the executors where they can, else the driver.

    Parameters
    ----------
    data : a Spark DataFrame, or what ``sources.memory.read_memory`` takes; None for the recipe's own source.
    session : None for the engine without Spark, to which a DataFrame's rows come by Arrow, and those of
        sources that only Spark reads.
    """
    if not recipe.data.split.folds:
        return _lay_out(recipe, session, data)
    with ExitStack() as undo:
        shards = undo.enter_context(_lay_out(shared_recipe(recipe), session, data))
        seen = Folds(shards, recipe).shards(recipe.data.split.fold)
        undo.pop_all()
        return seen


@contextmanager
def load_folds(recipe: Recipe, session: "Session | None", data: Any = None) -> Iterator[Folds]:
    """Lay out rows as ``load_shards`` does, for runs of all folds of a recipe."""
    with _lay_out(shared_recipe(recipe), session, data) as shards:
        yield Folds(shards, recipe)


def _lay_out(recipe: Recipe, session: "Session | None", data: Any) -> Shards:
    spark = recipe.spark
    refuse_stream(data)
    refuse_parts_of_files(recipe.data, data)
    if session is None and data is None and recipe.data.source in SPARK_SOURCES:
        with reading(recipe.data.place):
            data = read_frame(open_session("nnspark"), recipe.data).toArrow()
    if session is not None and is_frame(data):
        return frame_shards(data, recipe, partitions=spark.partitions, depth=spark.depth)
    if session is not None and data is None and recipe.data.source in FRAME_SOURCES:
        with reading(recipe.data.place):
            df = read_frame(session, recipe.data)
            return frame_shards(df, recipe, partitions=spark.partitions, depth=spark.depth)
    if data is None:
        table = load_table(recipe.data)
    else:
        table = read_memory(data.toArrow() if is_frame(data) else data, recipe.data)
    dataset = make_dataset(table, recipe)
    return shards_in(
        session,
        dataset,
        partitions=spark.partitions,
        depth=spark.depth,
        threads=recipe.training.threads,
        scratch=spark.scratch,
    )
