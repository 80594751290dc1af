"""Read a CSV file record by record, knowing each record's line, and blame the one that is wrong."""

import csv
import gzip
import io
import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError
from nnspark.sources import refusals
from nnspark.sources.columns import Columns
from nnspark.sources.files import one_line
from nnspark.sources.labels import parse_number
from nnspark.sources.raw import Spellings, raw_column

__all__ = ["Block", "Cells", "Record", "line_of_row", "read_records", "records"]


MISSING = ("", "nan", "NaN")


class Record(NamedTuple):
    """One record and the line, from 1, on which it starts; quoted cells may span lines."""

    line: int
    cells: list[str]


class Block(NamedTuple):
    """The chosen columns of one file: features (n, d), label cells column by column, weights (n,) or (0,).

    ``spellings`` are those of the codes of category features, by position; ``parts`` the cells of the column
    that says each row's part, none without one.
    """

    features: NDArray[np.float64]
    labels: list[list[str]]
    weight: NDArray[Any]
    spellings: Mapping[int, Spellings] = {}
    parts: Sequence[str] = ()


class Cells:
    """How the cells of feature columns become raw values: ``kinds`` of the columns, and what was read."""

    def __init__(self, kinds: Sequence[str], *, may_miss: bool) -> None:
        self.kinds, self.may_miss = kinds, may_miss
        self.text: dict[int, list[str]] = {at: [] for at, kind in enumerate(kinds) if kind != "number"}

    def values(
        self, numbers: NDArray[np.float64], names: Sequence[str]
    ) -> tuple[NDArray[np.float64], dict[int, Spellings]]:
        """Raw values (n, d), in which ``numbers`` lack the text columns, and the spellings of categories."""
        spellings: dict[int, Spellings] = {}
        for at, cells in self.text.items():
            raw = raw_column(self.kinds[at], np.array(cells, dtype=object), names[at])
            numbers[:, at] = raw.values
            if self.kinds[at] == "category":
                spellings[at] = raw.spellings
        return numbers, spellings


def records(path: Path, separator: str = ",") -> Iterator[Record]:
    """Yield the records of a UTF-8 file, gzip or not, without its lines of blanks only.

    Fields may be separated by a blank, a tab: then a record of empty cells is such a line, as to Spark.
    """
    line = 1
    try:
        with _open(path) as file:
            reader = csv.reader(file, delimiter=separator)
            for cells in reader:
                if (len(cells) > 1 and not separator.isspace()) or any(cell.strip() for cell in cells):
                    yield Record(line, cells)
                line = reader.line_num + 1
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text, in the record at line {line} or soon after; save it as UTF-8"
        ) from error
    except (csv.Error, OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read at line {line}: {one_line(error)}") from error


def line_of_row(path: Path, number: int, separator: str) -> int:
    """Return the line on which record `number` (from 0, the header counted) starts."""
    return next(record.line for at, record in enumerate(records(path, separator)) if at == number)


def read_records(
    path: Path, names: Sequence[str], columns: Columns, cells: Cells, *, skip: int, separator: str
) -> Block:
    """Read the chosen columns; DataError names the line of the first record that cannot be used."""
    values, weight = array("d"), array("d")
    labels: list[list[str]] = [[] for _ in columns.labels]
    parts: list[str] = []
    for at, record in enumerate(records(path, separator)):
        if len(record.cells) != len(names):
            raise DataError(
                f"{path} line {record.line}: expected {len(names)} fields as in the first record, "
                f"found {len(record.cells)}"
            )
        if at < skip:
            continue
        for to, column in enumerate(columns.features):
            if to in cells.text:
                cells.text[to].append(record.cells[column])
                values.append(0.0)
            elif cells.may_miss and record.cells[column] in MISSING:
                values.append(math.nan)
            else:
                values.append(_number(path, record, column, names, cells))
        for of_label, column in zip(labels, columns.labels, strict=True):
            cell = record.cells[column].strip()
            if not cell:
                raise DataError(
                    f"{path} line {record.line}: the label is missing: every row needs a label, but column "
                    f"{names[column]!r} has none here; remove such rows"
                )
            of_label.append(cell)
        if columns.weight is not None:
            weight.append(_number(path, record, columns.weight, names))
        if columns.part is not None:
            parts.append(record.cells[columns.part])
    numbers = np.array(values, np.float64).reshape(-1, len(columns.features))
    features, spellings = cells.values(numbers, [names[column] for column in columns.features])
    return Block(features, labels, np.frombuffer(weight, np.float64), spellings, parts)


def _number(
    path: Path, record: Record, column: int, names: Sequence[str], cells: Cells | None = None
) -> float:
    cell = record.cells[column]
    number = parse_number(cell)
    if number is None or (math.isnan(number) and cells is not None and cells.may_miss):
        if not cell.strip() and not (cells is not None and cells.may_miss):
            raise refusals.empty_cell(names[column], f"{path} line {record.line}")
        hint = "; if these are column names, set data.header = true" if record.line == 1 else ""
        raise refusals.no_number(cell, names[column], f"{path} line {record.line}", hint)
    return number


def _open(path: Path) -> TextIO:
    if path.name.endswith(".gz"):
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
