"""What is lost over Spark Connect: files of shards, an executor, and all that a server does not keep."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
from pyspark.errors import UnsupportedOperationException
from pyspark.sql.connect.dataframe import DataFrame
from shared import ADAM, TEXT, Kept, as_table, recipes
from spark.training import outcome as outcome_of
from spark.training import recipe_of

from nnspark.data.dataset import make_dataset
from nnspark.engines import connect_kept
from nnspark.engines.frames import frame_shards
from nnspark.engines.layout import shards_in
from nnspark.errors import NNSparkError
from nnspark.sources.memory import read_memory


def lose(shards: Any, keep: int) -> None:
    """Delete the shards' files but those of the first few."""
    for handle in shards.handles[keep:]:
        for root in handle.home.split(","):
            shutil.rmtree(Path(root) / handle.folder, ignore_errors=True)


def losses(frames: dict[str, Any], found: dict[str, Any]) -> None:
    """Shards that are deleted before an evaluation: all of them, and one, and more."""
    recipe = recipes()["gd"]
    with frame_shards(frames["parquet"], recipe, partitions=3) as shards:
        keep = iter([3, 0, 2, 1])
        losing = Kept(shards, lambda: lose(shards, next(keep, 3)))
        found["gd lost"] = outcome_of(recipe, losing)


def executors(frames: dict[str, Any], found: dict[str, Any]) -> None:
    """An executor that is killed with its shards and their handles, also of rows that come often."""
    asked, table = recipes()["gd"], pd.concat([as_table(), as_table().iloc[[7] * 4_000]])
    crowd = recipe_of("training.epochs=2", text=TEXT)
    found["local gd"] = outcome_of(
        asked, shards_in(None, make_dataset(read_memory(as_table(), asked.data), asked))
    )
    found["local crowd"] = outcome_of(
        crowd, shards_in(None, make_dataset(read_memory(table, crowd.data), crowd))
    )
    for name, recipe, rows in [("gd", asked, frames["parquet"]), ("crowd", crowd, frames["crowd"])]:
        with frame_shards(rows, recipe, partitions=2) as shards:
            found[f"{name} homes"] = len({handle.home for handle in shards.handles})
            turns = iter([False, True])
            killing = Kept(shards, lambda turns=turns: kill_an_executor() if next(turns, False) else None)
            found[f"{name} killed"] = outcome_of(recipe, killing)


def kill_an_executor() -> None:
    """The first of the server's."""
    below = psutil.Process().children(recursive=True)
    backends = [one for one in below if "ExecutorBackend" in command_of(one)]
    backends[0].kill()
    backends[0].wait(60)


def command_of(process: psutil.Process) -> str:
    """Its command line; empty of one that has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def files(session: Any, frames: dict[str, Any], folder: str, found: dict[str, Any]) -> None:
    """A server that keeps no DataFrame, with a folder and without; shards that are lost for good."""
    plain = DataFrame.persist, connect_kept.MENDINGS
    asked, scratch = recipes()["adam"], Path(folder) / "packed rows"

    def refuse(*_: Any) -> None:
        raise UnsupportedOperationException("[NOT_SUPPORTED_WITH_SERVERLESS] PERSIST TABLE is not supported")

    try:
        DataFrame.persist = refuse
        try:
            frame_shards(frames["parquet"], asked)
        except NNSparkError as error:
            found["kept nowhere"] = str(error)
        session.conf.set("spark.nnspark.scratch", str(scratch))
        with frame_shards(frames["parquet"], asked, partitions=3) as shards:
            found["packed"] = len(list(scratch.glob("nnspark-*/part-*")))
            keep = iter([3, 0, 1])
            found["adam files"] = outcome_of(asked, Kept(shards, lambda: lose(shards, next(keep, 3))))
        session.conf.unset("spark.nnspark.scratch")
    finally:
        DataFrame.persist = plain[0]
    try:
        connect_kept.MENDINGS = 1
        named = recipe_of(*ADAM, f'spark.scratch="file:{scratch}"', text=TEXT)
        with frame_shards(frames["parquet"], named, partitions=2) as shards:
            keep = iter([3, 1])
            found["adam moved"] = outcome_of(named, Kept(shards, lambda: lose(shards, next(keep, 3))))
    finally:
        connect_kept.MENDINGS = plain[1]
    found["files left"] = [path.name for path in scratch.glob("*")]
