"""Find the files a recipe names, and say precisely what is missing when they are not there."""

import os
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import accumulate
from pathlib import Path

from nnspark.errors import DataError, RecipeError
from nnspark.recipe.bundled import that_reads
from nnspark.sources import refusals

__all__ = [
    "data_names",
    "existing",
    "existing_file",
    "local_path",
    "one_line",
    "part_files",
    "part_of_row",
    "refuse_links_to_others",
    "row_in",
    "row_of",
]


def existing(path: str, key: str) -> Path:
    """Return the local file or folder that recipe key `key` names; DataError says which folder does exist."""
    if not path:
        raise RecipeError(f"{key} is empty; set it to the file or folder to read")
    if "\0" in path:
        raise DataError(f"{key} {path!r} is not a path")
    found = local_path(path)
    try:
        if found.exists():
            return found
        folder = next(parent for parent in (*found.parents, Path()) if parent.is_dir())
        missing = found.relative_to(folder).parts[0]
        near = get_close_matches(missing, [entry.name for entry in folder.iterdir()], n=1)
    except OSError as error:
        raise DataError(f"cannot look for {found} ({key}): {one_line(error)}") from error
    shown = folder if folder != Path() else folder.absolute()
    hint = f"; did you mean {near[0]!r}?" if near else ""
    if recipe := that_reads(key, path):
        hint += f"; name yours with --set {key}=PATH: `nnspark recipes {recipe}` says first what it has to be"
    raise DataError(f"{found} ({key}) does not exist: the folder {shown} does, but has no {missing!r}{hint}")


def local_path(path: str) -> Path:
    """A path of this machine, as text or as a URI of its files; DataError for another URI."""
    if "://" in path and not path.startswith("file://"):
        raise DataError(
            f"{path!r} is not a local path; only Spark's readers (csv, libsvm, parquet, orc) take such URIs"
        )
    if path.startswith("file:"):
        path = "/" + path.removeprefix("file:").lstrip("/")
    return Path(path).expanduser()


def existing_file(path: str, key: str) -> Path:
    """Like `existing`, for a key that must name one file that is not empty."""
    found = existing(path, key)
    if not found.is_file():
        raise DataError(f"{found} ({key}) must be a file, but is a folder")
    if found.stat().st_size == 0:
        raise DataError(f"{found} ({key}) is empty (0 bytes)")
    return found


def part_files(path: Path) -> list[Path]:
    """List the data files of a file or a folder of part files, by name, as Spark does.

    Names that start with `_` or `.` (`_SUCCESS`, checksums) and empty files are no data.
    """
    if path.is_file():
        if path.stat().st_size == 0:
            raise refusals.empty_file(str(path))
        return [path]
    data = data_names(str(path), {entry.name: entry.is_dir() for entry in path.iterdir()})
    entries = [path / name for name in data]
    refuse_links_to_others(map(str, entries))
    parts = [entry for entry in entries if entry.stat().st_size]
    if not parts:
        raise DataError(f"{path} holds no data: {len(entries)} file(s), all of them empty")
    return parts


def data_names(folder: str, entries: Mapping[str, bool]) -> list[str]:
    """The names of a folder's data files, sorted; ``entries`` says of every name there if it is a folder.

    DataError where there are folders too: readers differ in what they make of them.
    """
    if "_delta_log" in entries:
        raise DataError(
            f"{folder} is a Delta table, whose folder also holds deleted rows; read it with data.source = "
            "'spark' and data.format = 'delta', or export it to Parquet first"
        )
    names = sorted(name for name in entries if not name.startswith(("_", ".")))
    for name in names:
        if entries[name] and "=" in name:
            raise DataError(
                f"{folder} is partitioned by folders such as {name!r}, whose names are a column; read it "
                "with data.source = 'spark' and data.format = 'parquet' (or csv, orc)"
            )
        if entries[name]:
            raise DataError(
                f"{folder} must hold data files only, but has the folder {name!r}; name one folder"
            )
    return names


def refuse_links_to_others(files: Iterable[str]) -> None:
    """DataError where two of these files of this machine are one, as a link beside its target is."""
    found: dict[str, str] = {}
    for file in files:
        other = found.setdefault(os.path.realpath(file), file)
        if other != file:
            raise DataError(f"{file} and {other} are one file: its rows must count once; name it once")


def part_of_row(lengths: Sequence[int], row: int) -> tuple[int, int]:
    """Return (number of the part, row inside it) of a row of concatenated parts."""
    ends = list(accumulate(lengths))
    part = bisect_right(ends, row)
    return part, row - (ends[part] - lengths[part])


def row_of(parts: Sequence[Path | str], lengths: Sequence[int], row: int) -> str:
    """Name a row of concatenated parts by its own file."""
    part, inside = part_of_row(lengths, row)
    return row_in(parts[part], inside)


def row_in(name: object, row: int) -> str:
    """Name a row of one array or file: `X.npy row 17 (counted from 0)`."""
    return f"{name} row {row} (counted from 0)"


def one_line(error: BaseException) -> str:
    """Squeeze another library's message onto one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:197] + "..."
