"""Which files a recipe's paths name, and the part each is of: one decision for the driver and for executors.

A path is a file, a folder of part files or a pattern; several may be listed, and train, validation and test
may have their own. A `Store` says what there is, on this machine or by Hadoop. Files are in the order of
their whole paths, those of the training part first, however listed: the first says the order of columns.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError, RecipeError
from nnspark.recipe.data_section import PARTS, Paths, as_paths, shown_paths
from nnspark.recipe.patterns import expand, is_pattern
from nnspark.sources import refusals
from nnspark.sources.files import data_names, existing, local_path, part_files, refuse_links_to_others

__all__ = ["FOLDER", "Files", "Found", "Local", "Store", "files_of", "find", "is_plain"]

FOLDER = -1


class Files(Protocol):
    """A data section, or what has its paths."""

    @property
    def path(self) -> Paths:
        """The files whose rows the split parts."""

    @property
    def paths_of_parts(self) -> Mapping[str, Sequence[str]]:
        """The paths of each part that has its own; empty where the split decides."""


class Store(Protocol):
    """What there is under a path."""

    def size(self, path: str) -> int | None:
        """Bytes of a file, `FOLDER` of a folder, None where there is nothing."""

    def entries(self, folder: str) -> Mapping[str, int]:
        """Names in a folder with their sizes, see ``size``; none of what is no folder."""

    def whole(self, path: str) -> str:
        """The path from the root on."""

    def local(self, path: str) -> str:
        """The path without the file system's name where it is of this machine; else empty."""

    def missing(self, path: str, key: str) -> DataError:
        """The error for a path that does not exist."""


class Found(NamedTuple):
    """The files, and of each the number of its part in PARTS; no numbers where the split decides."""

    files: list[str]
    parts: list[int]

    def given(self, lengths: Sequence[int]) -> NDArray[np.int8] | None:
        """The part of each row of files of so many rows; None where the split decides."""
        return np.repeat(np.array(self.parts, np.int8), lengths) if self.parts else None


def is_plain(data: Files, store: Store) -> bool:
    """Whether all there is is one path of one file or folder."""
    return not data.paths_of_parts and (
        isinstance(data.path, str) and (not is_pattern(data.path) or store.size(data.path) is not None)
    )


def find(data: Files, store: Store) -> Found:
    """The files that the paths name.

    Raises
    ------
    DataError : a path or pattern that names nothing, files without a byte only, a file that is named twice,
        or once by itself and once by a link.
    """
    keys = data.paths_of_parts or {"path": as_paths(data.path)}
    files: list[str] = []
    parts: list[int] = []
    named: dict[str, str] = {}
    for key, paths in keys.items():
        own: dict[str, str] = {}
        for file in (file for path in paths for file in _named(path, f"data.{key}", store)):
            whole = store.whole(file)
            if whole in named or whole in own:
                first = named.get(whole, f"data.{key}")
                by = f"{first} and data.{key}" if whole in named else f"{first} twice"
                raise DataError(f"{file} is named by {by}: its rows must count once; name it once")
            own[whole] = file
        if not own:
            raise RecipeError(f"data.{key} is empty; set it to the file or folder to read")
        files += [own[whole] for whole in sorted(own)]
        parts += [PARTS.index(key)] * len(own) if key in PARTS else []
        named |= dict.fromkeys(own, f"data.{key}")
    refuse_links_to_others(filter(None, map(store.local, files)))
    return Found(files, parts)


def _named(path: str, key: str, store: Store) -> Iterator[str]:
    """The files with anything in them that one path names."""
    size = store.size(path)
    if size is None and is_pattern(path):
        places = expand(path, store.entries)
        if not places:
            raise DataError(f"{key} = {path!r} names no file: nothing has such a name; look for a slip in it")
    elif size is None:
        raise store.missing(path, key)
    elif size == 0:
        raise refusals.empty_file(path)
    else:
        places = [path]
    seen = full = 0
    for place in places:
        for file, length in _data_files(place, store):
            seen += 1
            full += length > 0
            if length:
                yield file
    if not full:
        raise DataError(f"{path} holds no data: {seen} file(s), all of them empty")


def _data_files(place: str, store: Store) -> Iterator[tuple[str, int]]:
    size = store.size(place)
    if size != FOLDER:
        yield place, size or 0
        return
    entries = store.entries(place)
    for name in data_names(place, {name: size == FOLDER for name, size in entries.items()}):
        yield f"{place.rstrip('/')}/{name}", entries[name]


class Local:
    """This machine's files."""

    def size(self, path: str) -> int | None:
        """See `Store`."""
        place = local_path(path)
        try:
            return FOLDER if place.is_dir() else place.stat().st_size
        except (OSError, ValueError):
            return None

    def entries(self, folder: str) -> Mapping[str, int]:
        """See `Store`."""
        try:
            with os.scandir(local_path(folder)) as entries:
                return {one.name: FOLDER if one.is_dir() else _bytes(one) for one in entries}
        except (FileNotFoundError, NotADirectoryError):
            return {}

    def whole(self, path: str) -> str:
        """See `Store`."""
        return os.path.abspath(local_path(path))

    def local(self, path: str) -> str:
        """See `Store`."""
        return str(local_path(path))

    def missing(self, path: str, key: str) -> DataError:
        """See `Store`."""
        try:
            existing(path, key)
        except DataError as error:
            return error
        return DataError(f"{path} ({key}) cannot be read")


def _bytes(entry: "os.DirEntry[str]") -> int:
    """Bytes of a file; none where a link leads nowhere."""
    try:
        return entry.stat().st_size
    except FileNotFoundError:
        return 0


def files_of(data: Files) -> tuple[str, list[Path], Found]:
    """What errors call the files on this machine, the files, and the part of each."""
    local = Local()
    if is_plain(data, local):
        path = existing(str(data.path), "data.path")
        files = part_files(path)
        return str(path), files, Found(list(map(str, files)), [])
    found = find(data, local)
    paths = [*as_paths(data.path), *(path for own in data.paths_of_parts.values() for path in own)]
    return shown_paths(paths), [local_path(file) for file in found.files], found
