"""Read libsvm files: a numeric label, then `index:value` pairs with indices from 1 that ascend."""

from array import array
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError
from nnspark.sources.files import one_line, part_of_row
from nnspark.sources.found import files_of
from nnspark.sources.labels import parse_number
from nnspark.sources.table import (
    DataRequest,
    Named,
    Table,
    make_table,
    numbered,
    refuse_weight,
    select_columns,
)

__all__ = ["read_libsvm"]

LARGEST_DENSE_BYTES = 1 << 34


class _Rows:
    """The non-zero values of every row read so far, as flat arrays."""

    def __init__(self) -> None:
        self.labels, self.values = array("d"), array("d")
        self.columns, self.ends, self.lines = array("q"), array("q"), array("q")


def read_libsvm(request: DataRequest) -> Table:
    """Read libsvm files as dense features, as many as the highest index."""
    refuse_weight(request)
    path, parts, found = files_of(request)
    rows, lengths = _Rows(), []
    for part in parts:
        before = len(rows.labels)
        _read_part(part, rows)
        lengths.append(len(rows.labels) - before)
    if not rows.labels:
        raise DataError(f"{path} has no rows: only blank lines or comments")
    if not rows.columns:
        raise DataError(
            f"{path} has no features: not one of its {len(rows.labels)} rows has an index:value pair"
        )

    def locate(row: int) -> str:
        return f"{parts[part_of_row(lengths, row)[0]]} line {rows.lines[row]}"

    dense = _dense(rows, path)
    features, names = select_columns(request, dense, numbered(dense.shape[1]), path)
    return make_table(
        request,
        Named(features, path, locate),
        Named(np.frombuffer(rows.labels, np.float64), f"the labels of {path}", locate),
        names=names,
        shown_names=[str(int(name) + 1) for name in names],
        given=found.given(lengths),
    )


def _read_part(path: Path, rows: _Rows) -> None:
    number = 0
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                tokens = line.split("#", 1)[0].split()
                if tokens:
                    _read_line(tokens, rows, f"{path} line {number}")
                    rows.lines.append(number)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read after line {number}: {one_line(error)}") from error


def _read_line(tokens: list[str], rows: _Rows, place: str) -> None:
    label = parse_number(tokens[0])
    if label is None:
        raise DataError(f"{place}: expected a numeric label first, found {tokens[0][:40]!r}")
    previous = 0
    for token in tokens[1:]:
        index, colon, text = token.partition(":")
        value = parse_number(text)
        if not colon or value is None or not (index.isascii() and index.isdigit()):
            raise DataError(f"{place}: expected index:value, found {token[:40]!r}")
        column = int(index) if len(index) < 12 else 10**12
        if column <= previous:
            why = "indices count from 1" if column == 0 else f"indices must ascend, but it follows {previous}"
            raise DataError(f"{place}: index {column} in {token[:40]!r} is refused: {why}")
        previous = column
        rows.columns.append(column - 1)
        rows.values.append(value)
    rows.labels.append(label)
    rows.ends.append(len(rows.values))


def _dense(rows: _Rows, path: str) -> NDArray[np.float64]:
    columns, ends = np.frombuffer(rows.columns, np.int64), np.frombuffer(rows.ends, np.int64)
    shape = len(ends), int(columns.max()) + 1
    if shape[0] * shape[1] * 8 > LARGEST_DENSE_BYTES:
        raise DataError(
            f"{path} has {shape[0]} rows and indices up to {shape[1]}, "
            f"{shape[0] * shape[1] * 8 / 1e9:.0f} GB as dense features, too much for the local reader; "
            "read it with the Spark engine or with fewer features"
        )
    features = np.zeros(shape)
    features[np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0)), columns] = rows.values
    return features
