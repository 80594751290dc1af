"""The files that a recipe's paths name, by Hadoop: what executors are to read."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

from nnspark.engines.hadoop import Hadoop
from nnspark.errors import DataError
from nnspark.recipe import Data
from nnspark.recipe.data_section import PARTS
from nnspark.sources.files import refuse_links_to_others
from nnspark.sources.found import FOLDER, find, is_plain

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["PART", "Sources", "escaped", "sources_of"]

PART = "_nnspark_part"

WILD = re.compile(r"([\\*?\[\]{}])")


class Sources(NamedTuple):
    """What Spark is to read.

    paths : as Spark takes them, see ``escaped``.
    files : each file's URI as Spark's ``_metadata.file_path`` has it, and its part in PARTS or -1; empty
        where the one path is a file's or a folder's.
    """

    paths: list[str]
    files: Mapping[str, int] = {}

    @property
    def first(self) -> str:
        """The first of the paths."""
        return self.paths[0]

    @property
    def first_place(self) -> str:
        """The same as Hadoop takes it."""
        return re.sub(r"\\(.)", r"\1", self.first)

    def with_parts(self, df: "DataFrame") -> "DataFrame":
        """The rows of these files with the name of their file's part in PART, where files have any."""
        from pyspark.sql import functions as F

        if not any(part >= 0 for part in self.files.values()):
            return df
        file, name = F.col("_metadata.file_path"), F.lit(None).cast("string")
        for number, part in enumerate(PARTS):
            own = [uri for uri, of in self.files.items() if of == number]
            name = F.when(file.isin(own), F.lit(part)).otherwise(name) if own else name
        return df.withColumn(PART, name)


def sources_of(session: "SparkSession", data: Data) -> Sources:
    """Look the paths up, once before Spark does.

    Spark would log a stack where a file system is not there, pass over folders in one of CSV files, and take
    their names for a column in one of Parquet files.

    Raises
    ------
    DataError : as the readers on the driver, see ``sources/found.py``.
    """
    store = _HadoopStore(session)
    if data.source != "orc" and is_plain(data, store):  # of a folder, Spark takes any ORC file for the first
        path = str(data.path)
        if store.size(path) == FOLDER:
            names = store.hadoop.data_files(path)
            refuse_links_to_others(store.local(f"{path}/{name}") for name in names if store.local(path))
        return Sources([escaped(path) if store.size(path) is not None else path])
    found = find(data, store)
    places = [store.place(file) for file in found.files]
    parts = found.parts or [-1] * len(places)
    uris = [
        str(store.hadoop.path(place.toString()).toUri().toString()) for place in places
    ]  # as Spark has them
    paths = [escaped(str(place.toString())) for place in places]
    return Sources(paths, dict(zip(uris, parts, strict=True)))


def escaped(path: str) -> str:
    """A path as Spark takes it, in which a character that stands for others means itself."""
    return WILD.sub(r"\\\1", path)


class _HadoopStore:
    """What there is under a path of any file system that the session knows; see `found.Store`."""

    def __init__(self, session: "SparkSession") -> None:
        self.hadoop = Hadoop(session.sparkContext)
        self._sizes: dict[str, int] = {}

    def place(self, path: str) -> Any:
        """Hadoop's own whole path."""
        place = self.hadoop.path(path or ".")
        return self.hadoop.file_system(place).makeQualified(place)

    def size(self, path: str) -> int | None:
        """See `found.Store`."""
        if path in self._sizes:
            return self._sizes[path]
        place = self.place(path)
        files = self.hadoop.file_system(place)
        if not files.exists(place):
            return None
        status = files.getFileStatus(place)
        return FOLDER if status.isDirectory() else int(status.getLen())

    def entries(self, folder: str) -> Mapping[str, int]:
        """See `found.Store`; sizes are kept, as they are asked for next."""
        if self.size(folder) != FOLDER:
            return {}
        place = self.place(folder)
        found = {
            str(status.getPath().getName()): FOLDER if status.isDirectory() else int(status.getLen())
            for status in self.hadoop.file_system(place).listStatus(place)
        }
        start = f"{folder.rstrip('/')}/" if folder else ""
        self._sizes |= {f"{start}{name}": size for name, size in found.items()}
        return found

    def whole(self, path: str) -> str:
        """See `found.Store`."""
        return str(self.place(path).toString())

    def local(self, path: str) -> str:
        """See `found.Store`."""
        uri = self.place(path).toUri()
        return str(uri.getPath()) if uri.getScheme() == "file" else ""

    def missing(self, path: str, key: str) -> DataError:
        """See `found.Store`."""
        folder, name = self.place(path), ""
        while folder.getParent() is not None and self.size(str(folder.toString())) is None:
            name, folder = str(folder.getName()), folder.getParent()
        above = re.sub("^file:/+", "/", str(folder.toString()))
        near = get_close_matches(name, list(self.entries(above)), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return DataError(f"{path} ({key}) does not exist: the folder {above} does, but has no {name!r}{hint}")
