"""The shards of labelled rows that a model is evaluated on."""

from nnspark.engines.base import Shards
from nnspark.engines.frames.read import FRAME_SOURCES
from nnspark.engines.layout import make_shards
from nnspark.engines.types import Session
from nnspark.evaluation.frames import evaluation_frame_shards
from nnspark.evaluation.rows import evaluation_dataset
from nnspark.model import Model
from nnspark.recipe import Recipe
from nnspark.sources import load_table

__all__ = ["evaluation_shards"]


def evaluation_shards(model: Model, recipe: Recipe, part: str, session: "Session | None") -> Shards:
    """The rows laid out for an evaluation: read by the executors where they can, else by the driver."""
    if session is not None and recipe.data.source in FRAME_SOURCES:
        return evaluation_frame_shards(model, recipe, part, session)
    dataset = evaluation_dataset(model, load_table(recipe.data), recipe, part)
    sc, spark = None if session is None else session.sparkContext, recipe.spark
    return make_shards(dataset, sc, partitions=spark.partitions, depth=spark.depth)
