"""Open the files to predict as a DataFrame: CSV (as text, so that it passes unchanged), Parquet, arrays."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from nnspark.engines.frames.csv import first_record
from nnspark.engines.hadoop import Hadoop
from nnspark.errors import DataError
from nnspark.model import Model
from nnspark.scoring.arrays import array_frame, npy_features, npz_features
from nnspark.sources.csv_header import column_names, has_header, refuse_one_column
from nnspark.sources.files import one_line
from nnspark.sources.table import DataRequest, numbered

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Observation, SparkSession

__all__ = ["INPUT_FORMATS", "CutRecordsError", "Input", "Reading", "format_of", "open_input"]

MALFORMED = "nnspark malformed line"


class Input(NamedTuple):
    """Rows to predict.

    ``named`` is False if the columns' names are only positions; ``check`` is called when the rows have
    been read; ``inferred`` gives Spark types of text columns that hold numbers.
    """

    frame: "DataFrame"
    format: str
    named: bool
    check: Callable[[], None]
    inferred: Callable[[], dict[str, str]]


class Reading(NamedTuple):
    """How a CSV file is read: its ``header`` "true", "false" or "auto", its ``separator``.

    ``multi_line``: cells may hold line breaks, for which Spark reads a file in one piece.
    """

    header: str
    separator: str
    multi_line: bool = False


class CutRecordsError(DataError):
    """Records of a CSV file were cut at line breaks in quoted cells; to be opened as ``multi_line``."""


def open_input(session: "SparkSession", model: Model, path: str, wanted: str, reading: Reading) -> Input:
    """Open a file or a folder of part files; ``wanted`` is a format, or empty to go by the names."""
    files = _list_files(session, path)
    found = wanted or format_of(path) or next(filter(None, map(format_of, files)), "")
    if found not in INPUT_FORMATS:
        raise DataError(
            f"{path} is not named .csv, .parquet, .npy or .npz, which are what is predicted: say which of "
            f"them it holds with --input-format {'|'.join(INPUT_FORMATS)}, or save the rows as one of them"
        )
    return INPUT_FORMATS[found](session, model, path, reading)


def format_of(path: str) -> str:
    """The format that a name's suffix says, or nothing."""
    name = path.rstrip("/").lower()
    for packed in (".gz", ".bz2", ".zst"):
        name = name.removesuffix(packed)
    return next((kind for kind in INPUT_FORMATS if name.endswith("." + kind)), "")


def _list_files(session: "SparkSession", path: str) -> list[str]:
    """Names of a file, or of the data files of a folder."""
    hadoop = Hadoop(session.sparkContext)
    try:
        place = hadoop.path(path)
        files = hadoop.file_system(place)
        if not files.exists(place):
            raise DataError(f"{path} does not exist: expected a file or folder to predict")
        data = hadoop.data_files(path)
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{path} cannot be opened: {one_line(error)}") from error
    if not data:
        raise DataError(f"{path} is a folder without data files")
    return data


def _open_csv(session: "SparkSession", model: Model, path: str, reading: Reading) -> Input:
    from pyspark.sql import Observation
    from pyspark.sql import functions as F

    cells = first_record(session, path, reading.separator)
    refuse_one_column(cells, reading.separator, path, key="--separator ")
    numbers = (
        reading.header == "auto" and len(cells) > 1 and set(model.columns) <= {cell.strip() for cell in cells}
    )
    named = numbers or has_header(cells, _request(model, reading.header))
    names = column_names(cells) if named else list(numbered(len(cells)))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"{path} has more than one column named {twice[0]!r}; rename one of them")
    options: Any = {
        "header": named,
        "enforceSchema": not named or names != cells,
        "sep": reading.separator,
        "escape": '"',
        "columnPruning": False,
        "columnNameOfCorruptRecord": MALFORMED,
        "multiLine": reading.multi_line or any("\n" in cell for cell in cells),
    }
    text = ", ".join(f"`{name.replace('`', '``')}` STRING" for name in [*names, MALFORMED])
    frame = session.read.options(**options).schema(text).csv(path)
    observed = Observation()
    malformed = F.col(f"`{MALFORMED}`")
    quotes = F.length(malformed) - F.length(F.replace(malformed, F.lit('"'), F.lit("")))
    frame = frame.observe(
        observed,
        F.count(malformed).alias("lines"),
        F.max(malformed).alias("line"),
        F.count_if(quotes % 2 == 1).alias("cut"),
    )
    frame = frame.drop(MALFORMED)
    return Input(
        frame,
        "csv",
        named,
        lambda: _refuse_ragged(observed, path, len(names), multi_line=options["multiLine"]),
        lambda: _inferred(session, path, options, names),
    )


def _refuse_ragged(observed: "Observation", path: str, width: int, *, multi_line: bool) -> None:
    found = observed.get
    if found["cut"] and not multi_line:
        raise CutRecordsError(f"{path} has cells with line breaks")
    if found["lines"]:
        line = found["line"][:60]
        raise DataError(
            f"{path}: expected {width} fields on every line, but {found['lines']} line(s) have more or "
            f"fewer, such as {line!r}"
        )


def _inferred(
    session: "SparkSession", path: str, options: dict[str, Any], names: list[str]
) -> dict[str, str]:
    """Types of the columns that Spark finds to be numbers, by another pass over the file."""
    fields = session.read.options(**options, inferSchema=True).csv(path).schema.fields
    kinds = [field.dataType.simpleString() for field in fields]
    return {
        name: kind for name, kind in zip(names, kinds, strict=False) if kind in ("int", "bigint", "double")
    }


def _request(model: Model, header: str) -> DataRequest:
    """How the recipe's own CSV is read, but for the header."""
    said: bool | str = {"true": True, "false": False}.get(header, "auto")
    names = list(model.columns)
    data = model.data
    return DataRequest("csv", label=data.label, weight=data.weight, header=said, columns=names)


def _open_parquet(session: "SparkSession", model: Model, path: str, reading: Reading) -> Input:
    try:
        frame = session.read.parquet(path)
    except Exception as error:
        raise DataError(f"{path} cannot be read as Parquet: {one_line(error)}") from error
    return Input(frame, "parquet", True, _nothing, dict)


def _open_npy(session: "SparkSession", model: Model, path: str, reading: Reading) -> Input:
    frame, named = array_frame(session, model, *npy_features(model, path))
    return Input(frame, "npy", named, _nothing, dict)


def _open_npz(session: "SparkSession", model: Model, path: str, reading: Reading) -> Input:
    frame, named = array_frame(session, model, *npz_features(model, path))
    return Input(frame, "npz", named, _nothing, dict)


def _nothing() -> None:
    """Nothing to check."""


INPUT_FORMATS: dict[str, Callable[["SparkSession", Model, str, Reading], Input]] = {
    "csv": _open_csv,
    "parquet": _open_parquet,
    "npy": _open_npy,
    "npz": _open_npz,
}
