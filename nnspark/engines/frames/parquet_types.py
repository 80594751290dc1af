"""The columns of several Parquet files as the driver's reader has them: the first file's, and its types only.

Spark asks a folder's summary (``_common_metadata``) before its first file, and reads a number of 32 bits into
a column of 8 or 16 by cutting it, without a word.
"""

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from nnspark.engines.frames.paths import Sources, escaped
from nnspark.engines.hadoop import Hadoop, java_errors
from nnspark.recipe import Data
from nnspark.sources import refusals
from nnspark.sources.columns import as_list, features_of
from nnspark.sources.files import data_names

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["first_file", "refuse_cut_numbers"]

SUMMARIES = {"_common_metadata", "_metadata"}
NARROW = {"tinyint": "int8", "smallint": "int16"}
ARROW = {**NARROW, "int": "int32", "bigint": "int64"}


def first_file(session: "SparkSession", sources: Sources) -> str:
    """The path, as Spark takes it, whose columns count: a folder's first file where a summary lies beside."""
    hadoop = Hadoop(session.sparkContext)
    place = hadoop.path(sources.first_place)
    files = hadoop.file_system(place)
    if not files.getFileStatus(place).isDirectory():
        return sources.first
    found = {str(one.getPath().getName()): one for one in files.listStatus(place)}
    if not SUMMARIES & found.keys():
        return sources.first
    names = data_names(sources.first_place, {name: one.isDirectory() for name, one in found.items()})
    full = [name for name in names if found[name].getLen()]
    return escaped(f"{sources.first_place}/{full[0]}") if full else sources.first


def refuse_cut_numbers(rows: "DataFrame", data: Data, sources: Sources) -> None:
    """DataError where a used column of 8 or 16 bits in the first file is of another width in one after it.

    The footers are merged by a job of Spark's; only if that is refused are they looked at one by one.
    """
    kinds = {name: kind for name, kind in rows.dtypes if kind in NARROW}
    if not kinds:
        return
    features = features_of(rows.columns, data.columns, data.exclude, data.place, set())
    used = {rows.columns[at] for at in features} | set(map(str, as_list(data.label)))
    session, kinds = rows.sparkSession, {name: kinds[name] for name in kinds if name in used}
    try:
        merged = (
            dict(session.read.option("mergeSchema", "true").parquet(*sources.paths).dtypes) if kinds else {}
        )
        if all(merged[name] == kind for name, kind in kinds.items()):
            return
    except java_errors():
        pass
    for uri in sorted(rows.inputFiles()):
        own = {name.lower(): kind for name, kind in session.read.parquet(escaped(unquote(uri))).dtypes}
        for name, kind in kinds.items():
            other = own.get(name.lower(), kind)
            if other != kind and other in ARROW:
                file = unquote(urlsplit(uri).path) if uri.startswith("file:") else unquote(uri)
                raise refusals.other_type(name, file, ARROW[other], ARROW[kind])
