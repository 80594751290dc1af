"""The shards of labelled rows that a model is evaluated on."""

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from nnspark.engines.base import Shards
from nnspark.engines.folds import fold_of_scaled
from nnspark.engines.frames import FRAME_SOURCES, SPARK_SOURCES, is_frame, read_frame, reading, refuse_stream
from nnspark.engines.layout import shards_in
from nnspark.engines.session import open_session
from nnspark.engines.types import Session
from nnspark.evaluation.frames import evaluation_frame_shards
from nnspark.evaluation.rows import as_trained, evaluation_dataset, refuse_empty
from nnspark.model import Model
from nnspark.recipe import Recipe
from nnspark.sources import load_table
from nnspark.sources.memory import read_memory, refuse_parts_of_files

__all__ = ["evaluation_shards"]


def evaluation_shards(
    model: Model, recipe: Recipe, part: str, session: "Session | None", data: Any = None
) -> Shards:
    """The rows laid out for an evaluation: read by the executors where they can, else by the driver.

    ``data`` are the rows in place of those that the recipe names.
    """
    if part == "all":
        recipe = replace(recipe, data=recipe.data.together())
    split = recipe.data.split
    if not split.folds or part not in ("train", "validation"):
        return _lay_out(model, recipe, part, session, data)
    with ExitStack() as undo:
        shards = fold_of_scaled(
            undo.enter_context(_lay_out(model, recipe, "train", session, data)), split.fold
        )
        refuse_empty(shards.plan, part)
        undo.pop_all()
        return shards


def _lay_out(model: Model, recipe: Recipe, part: str, session: "Session | None", data: Any) -> Shards:
    refuse_stream(data)
    recipe = as_trained(model, recipe)
    refuse_parts_of_files(recipe.data, data)
    if data is None and recipe.data.source in SPARK_SOURCES:
        session = session or open_session("nnspark evaluate")
    if is_frame(data):
        return evaluation_frame_shards(model, recipe, part, data)
    if data is None and session is not None and recipe.data.source in FRAME_SOURCES:
        with reading(recipe.data.place):
            return evaluation_frame_shards(model, recipe, part, read_frame(session, recipe.data))
    table = load_table(recipe.data) if data is None else read_memory(data, recipe.data)
    dataset = evaluation_dataset(model, table, recipe, part)
    spark = recipe.spark
    return shards_in(
        session,
        dataset,
        partitions=spark.partitions,
        depth=spark.depth,
        threads=recipe.training.threads,
        scratch=spark.scratch,
    )
