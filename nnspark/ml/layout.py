"""A DataFrame's rows laid out for training, on the executors or in the driver."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from nnspark.data.dataset import make_dataset
from nnspark.engines.asking import asked
from nnspark.engines.base import Shards
from nnspark.engines.frames import frame_shards, reading
from nnspark.engines.frames.classes import known_classes
from nnspark.engines.local import LocalShards
from nnspark.engines.quicker import Extent, choose, say
from nnspark.errors import DataError
from nnspark.ml.columns import Source
from nnspark.ml.fetching import fetch
from nnspark.recipe import Recipe
from nnspark.scoring.faults import unusable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["lay_out", "training_on"]

T = TypeVar("T")


def lay_out(source: Source, recipe: Recipe, engine: str, *, models: int = 1) -> Shards:
    """Lay the rows out, or say which of them cannot be used; ``models`` train on them in company."""
    if engine == "auto":
        extent = Extent(source.rows, source.width, "frame")
        session = source.frame.sparkSession
        engine = say(choose(recipe, extent, session, outputs=source.num_classes, models=models))

    def laid_out() -> Shards:
        try:
            with reading("the DataFrame"):
                return (_in_driver if engine == "local" else _on_executors)(source, recipe)
        except DataError as error:
            said = unusable(source.frame, [source.features], "the DataFrame", remedy="set layers[0] = {size}")
            raise DataError(said or str(error)) from None

    return asked(source.frame, laid_out)


def _on_executors(source: Source, recipe: Recipe) -> Shards:
    shards: Shards = frame_shards(
        source.frame,
        recipe,
        given_by=source.validation or source.fold,
        stored=source.stored,
        classes=known_classes,
        rows=source.rows,
    )
    if shards.plan.num_features != source.width:
        shards.close()
        raise DataError(f"vectors of {shards.plan.num_features} values where {source.width} were expected")
    return shards


def _in_driver(source: Source, recipe: Recipe) -> Shards:
    table, given = fetch(source)
    return LocalShards(make_dataset(table, recipe, given=given), recipe.training.threads)


def training_on(shards: Shards, df: "DataFrame", work: Callable[[], T]) -> T:
    """``work()``, which trains on the rows of ``df`` where they were laid out; see ``asked``."""
    return work() if isinstance(shards, LocalShards) else asked(df, work)
