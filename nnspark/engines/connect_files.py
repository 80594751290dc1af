"""Shards in Parquet files, for servers that keep no DataFrame and executors that keep no files.

    shards, packed -> Parquet, once -> an evaluation reads their handles, and the blocks of those not at hand

An executor keeps the shards it was given as any others, while its disk has room. So the blocks are read
where they are wanted for the first time, each time where executors forget.
"""

import re
import shutil
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nnspark.engines.connect_blocks import handle_in
from nnspark.engines.connect_tasks import pack_up, sweep
from nnspark.engines.connect_views import handles_schema
from nnspark.engines.connections import setting
from nnspark.engines.hadoop import java_errors, root_cause
from nnspark.engines.resident import Handle
from nnspark.errors import NNSparkError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["SCRATCH", "Files", "scratch_of", "written"]

SCRATCH = "spark.nnspark.scratch"
NAME_ONE = f"set spark.scratch, or {SCRATCH} of the session, to a folder that the executors can write to"


class Files(NamedTuple):
    """A data set's shards in a folder: ``whole`` with their blocks, ``rows`` in one partition a task."""

    data_set: str
    folder: str
    whole: "DataFrame"
    rows: "DataFrame"
    tasks: int

    def handles(self) -> list[Handle]:
        """All handles."""
        return [handle_in(text) for text in self.rows.toArrow().column("about").to_pylist()]

    def with_blocks(self, shards: Collection[int]) -> "DataFrame":
        """Some shards' rows with their blocks, in partitions as many as tasks."""
        return self.whole.where(self.whole["shard"].isin(sorted(shards))).coalesce(self.tasks)

    def let_go(self) -> None:
        """Delete the files. Through Spark a folder is emptied; it is deleted too where it is a local path."""
        session, local = self.whole.sparkSession, _local(self.folder)
        with suppress(Exception):  # the server may be gone
            session.range(0).write.mode("overwrite").parquet(self.folder)
        with suppress(Exception):
            worker = partial(sweep, (f"nnspark/{self.data_set}", *local))
            session.range(0, self.tasks, 1, self.tasks).mapInArrow(worker, handles_schema()).toArrow()
        for path in local:
            shutil.rmtree(path, ignore_errors=True)


def scratch_of(session: "SparkSession", named: str) -> str:
    """The folder for packed blocks that the recipe names, or else the session; empty where none does."""
    return named or setting(session, SCRATCH, "")


def written(source: "DataFrame", store: Callable[..., Any], data_set: str, scratch: str, tasks: int) -> Files:
    """Write the shards of a data set, and read them back as Spark wants to.

    Raises
    ------
    NNSparkError : the folder cannot be written to.
    """
    session, folder = source.sparkSession, f"{scratch.rstrip('/')}/nnspark-{data_set}"
    schema = files_schema()
    try:
        session.range(0).write.parquet(folder)
    except java_errors() as error:
        raise NNSparkError(
            f"{scratch}, which spark.scratch names, cannot be written to: {root_cause(str(error))}"
        ) from None
    packed = source.mapInArrow(partial(pack_up, partial(store, data_set)), schema)
    packed.write.mode("overwrite").parquet(folder)
    whole = session.read.schema(schema).parquet(folder)
    rows = whole.select("about").coalesce(tasks)
    _ = whole.columns, rows.columns  # asked of the server once, not by each evaluation
    return Files(data_set, folder, whole, rows, tasks)


def files_schema() -> Any:
    """Of a shard's number, its handle as text, and its blocks."""
    from pyspark.sql import types as T

    kinds = {"shard": T.IntegerType(), "about": T.StringType(), "blocks": T.BinaryType()}
    return T.StructType([T.StructField(name, kind) for name, kind in kinds.items()])


def _local(folder: str) -> tuple[str, ...]:
    """The folder as a local path, if it may be one: Hadoop takes the names in a URI as they stand."""
    path = re.sub(r"^file:(//[^/]*)?(?=/)", "", folder)
    return (path,) if Path(path).is_absolute() else ()
