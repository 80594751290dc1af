"""Which engine a run takes: the recipe's, or, where that is "auto", the quicker by the cost model."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from nnspark.engines.connections import context_of
from nnspark.engines.driver_memory import collectable
from nnspark.engines.frames import FRAME_SOURCES, SPARK_SOURCES, is_frame
from nnspark.engines.frames.extent import extent_of_frame
from nnspark.engines.hadoop import Hadoop, java_errors
from nnspark.engines.quicker import Choice, Extent, choose, say
from nnspark.engines.session import active_session, open_session
from nnspark.engines.starting import is_certainly_local, is_set, jvm_runs
from nnspark.engines.types import Session
from nnspark.errors import NNSparkError
from nnspark.recipe import Recipe
from nnspark.recipe.data_section import as_paths
from nnspark.runs.storage import is_uri
from nnspark.sources import DataRequest, load_table
from nnspark.sources.extent import extent_of_files
from nnspark.sources.files import one_line
from nnspark.sources.memory import read_memory

__all__ = ["Chosen", "with_engine"]

MASTER = ("spark.master", "--master")
MANY = 1 << 14  # tasks at a time, of a cluster that nobody has asked yet
CLASSES = 10


class Chosen(NamedTuple):
    """The recipe with its engine, and the rows: those given, or a table where the driver had to read it."""

    recipe: Recipe
    data: Any


def with_engine(recipe: Recipe, data: Any = None, *, out: str = "", models: int = 1) -> Chosen:
    """The recipe with the engine that "auto" stands for here, which is said in a line; else as it is.

    Parameters
    ----------
    data : as for ``load_shards``. out : where the run is kept. models : that train in company.
    """
    if recipe.training.engine != "auto":
        return Chosen(recipe, data)
    chosen, data = _chosen(recipe, data, out, models)
    return Chosen(replace(recipe, training=replace(recipe.training, engine=say(chosen))), data)


def _chosen(recipe: Recipe, data: Any, out: str, models: int) -> tuple[Choice, Any]:
    """The choice, and the rows where they are here now."""
    source = recipe.data.source
    if is_uri(out):
        return _sparks(f"only Spark writes to {out}"), data
    if data is None and source in SPARK_SOURCES:
        return _sparks(f"only Spark reads source {source!r}"), data
    if is_frame(data):
        return _of_frame(recipe, data, models), data
    if data is None and source in FRAME_SOURCES:
        return _of_files(recipe, models), data
    table = load_table(recipe.data) if data is None else read_memory(data, recipe.data)
    outputs = len(np.unique(table.target)) if recipe.data.task == "classification" else 1
    extent = Extent(len(table.features), table.features.shape[1], "here")
    session = active_session()
    if session is None and _spark_is_set_up():
        against_many = choose(recipe, extent, None, outputs=outputs, models=models, slots=MANY)
        if against_many.engine == "local":
            return against_many, table
        session = open_session("nnspark")
    return choose(recipe, extent, session, outputs=outputs, models=models), table


def _of_frame(recipe: Recipe, df: Any, models: int) -> Choice:
    most = collectable(df.sparkSession)
    found = extent_of_frame(df, most)
    if found is None:
        return _sparks(
            f"by Spark's estimate the rows are more than the {most / 1e6:.0f} MB that may come here"
        )
    extent = Extent(*found, "frame")
    return choose(recipe, extent, df.sparkSession, outputs=_outputs(recipe), models=models)


def _of_files(recipe: Recipe, models: int) -> Choice:
    """Under Spark only its session knows which files a path names."""
    session = active_session() or (open_session("nnspark") if _spark_is_set_up() else None)
    if not _are_here(recipe, session):
        return _sparks(f"only Spark knows where {recipe.data.place} is")
    try:
        found = extent_of_files(DataRequest.of(recipe.data))
    except (OSError, ValueError) as error:
        if isinstance(error, NNSparkError):
            raise
        return _sparks(f"how many rows {recipe.data.place} has is not known ({one_line(error)})")
    return choose(recipe, Extent(*found, "files"), session, outputs=_outputs(recipe), models=models)


def _sparks(why: str) -> Choice:
    return Choice("spark", f"engine spark: {why}")


def _outputs(recipe: Recipe) -> int:
    """Output units, about: nobody has looked at the labels."""
    return len(recipe.data.classes) or (CLASSES if recipe.data.task == "classification" else 1)


def _spark_is_set_up() -> bool:
    """Whether this process was started by spark-submit, or a master is configured for it."""
    return jvm_runs() or any(map(is_set, MASTER))


def _are_here(recipe: Recipe, session: "Session | None") -> bool:
    """Whether the recipe's paths are this machine's own."""
    data = recipe.data
    paths = [*as_paths(data.path), *(path for own in data.paths_of_parts.values() for path in own)]
    if session is None:
        return all(is_certainly_local(path) or path.startswith("file:") for path in paths)
    sc = context_of(session)
    if sc is None:
        return False
    hadoop = Hadoop(sc)
    try:
        return all(hadoop.file_system(hadoop.path(path)).getScheme() == "file" for path in paths)
    except java_errors():
        return False
