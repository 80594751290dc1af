"""Which engine a run takes: the recipe's, or, where that is "auto", the quicker by the cost model."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from nnspark.engines.connections import context_of
from nnspark.engines.driver_memory import collectable
from nnspark.engines.frames import FRAME_SOURCES, SPARK_SOURCES, is_frame
from nnspark.engines.frames.extent import extent_of_frame
from nnspark.engines.hadoop import Hadoop, java_errors
from nnspark.engines.quicker import Choice, Extent, Where, choose, say
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
    source = recipe.data.source
    if is_uri(out):
        return Choice("spark", f"engine spark: only Spark writes to {out}"), data
    if data is None and source in SPARK_SOURCES:
        return Choice("spark", f"engine spark: only Spark reads source {source!r}"), data
    session = data.sparkSession if is_frame(data) else _session_there()
    where: Where = "files"
    if is_frame(data):
        most = collectable(data.sparkSession)
        found = extent_of_frame(data, most)
        if found is None:
            why = f"by Spark's estimate the rows are more than the {most / 1e6:.0f} MB that may come here"
            return Choice("spark", f"engine spark: {why}"), data
        where = "frame"
    elif data is None and source in FRAME_SOURCES:
        if not _are_here(recipe, session):
            return Choice(
                "spark", "engine spark: the files are not on this machine, or only Spark knows"
            ), data
        try:
            found = extent_of_files(DataRequest.of(recipe.data))
        except (OSError, ValueError) as error:
            if isinstance(error, NNSparkError):
                raise
            why = f"how many rows there are is not known ({one_line(error)})"
            return Choice("spark", f"engine spark: {why}"), data
    else:
        data = load_table(recipe.data) if data is None else read_memory(data, recipe.data)
        found, where = data.features.shape, "here"
    outputs = len(np.unique(data.target)) if where == "here" and recipe.data.task == "classification" else 0
    outputs = outputs or len(recipe.data.classes) or 10
    extent = Extent(int(found[0]), int(found[1]), where)
    return choose(recipe, extent, session, outputs=outputs, models=models), data


def _session_there() -> "Session | None":
    """The active session, or one of a Spark that this process was started by or is set up for."""
    own = active_session()
    if own is None and (jvm_runs() or any(map(is_set, MASTER))):
        own = open_session("nnspark")
    return own


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
