"""Read comma-separated files, one or a folder of part files, every number correctly rounded.

pyarrow reads a clean file at full speed. Anything it stumbles over is read again record by record
(`csv_records`), which either finds the line to blame or accepts a spelling pyarrow does not know, such as a
tab before a number.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError, RecipeError
from nnspark.sources import refusals
from nnspark.sources.columns import Columns, as_list, choose_columns
from nnspark.sources.csv_records import Block, line_of_row, read_records, records
from nnspark.sources.files import existing, part_files, part_of_row
from nnspark.sources.labels import parse_labels, parse_number
from nnspark.sources.table import DataRequest, Named, Table, make_table, numbered

__all__ = ["column_names", "has_header", "read_csv", "refuse_one_column", "same_names"]


class Layout(NamedTuple):
    """What all part files share: the header's names (None without one), column names, chosen columns."""

    header: list[str] | None
    names: list[str]
    columns: Columns


def read_csv(request: DataRequest) -> Table:
    """Read a CSV file or folder: label column(s) by name or number, the others features unless listed."""
    path = existing(request.path, "data.path")
    parts = part_files(path)
    layout = _layout(parts, request)
    blocks = [_read_part(part, layout) for part in parts]
    lengths = [len(block.features) for block in blocks]
    if not sum(lengths):
        raise refusals.no_data_rows(str(path))
    locate = partial(_locate, parts, lengths, layout.header is not None)
    labels = [
        parse_labels(
            [cell for block in blocks for cell in block.labels[label]],
            locate,
            where=f"column {layout.names[column]!r}",
        )
        for label, column in enumerate(layout.columns.labels)
    ]
    names = [layout.names[column] for column in layout.columns.features]
    label_names = ", ".join(repr(layout.names[column]) for column in layout.columns.labels)
    target = labels[0] if len(labels) == 1 else np.column_stack(labels)
    weight = None
    if layout.columns.weight is not None:
        weight = np.concatenate([block.weight for block in blocks])
    return make_table(
        request,
        Named(np.concatenate([block.features for block in blocks]), str(path), locate),
        Named(target, f"label {label_names} of {path}", locate),
        None if weight is None else Named(weight, f"weight {request.weight!r} of {path}", locate),
        names=names if layout.header or request.columns else numbered(len(names)),
        shown_names=names,
        label_names=[layout.names[column] for column in layout.columns.labels],
    )


def has_header(first: list[str], request: DataRequest) -> bool:
    """Say whether a file's first record holds column names.

    With header = "auto" it does if it contains a column the recipe names, or if no cell besides the label's
    is a number.
    """
    if isinstance(request.header, bool):
        return request.header
    if request.header != "auto":
        raise RecipeError(f'data.header must be true, false or "auto", not {request.header!r}')
    cells = [cell.strip() for cell in first]
    labels = as_list(request.label)
    named = {
        str(name) for name in (*labels, request.weight, *request.columns) if isinstance(name, str) and name
    }
    if any(parse_number(name) is None for name in named & set(cells)):
        return True
    by_number = {label % len(cells) for label in labels if isinstance(label, int)}
    others = [cell for at, cell in enumerate(cells) if at not in by_number]
    return any(others) and all(parse_number(cell) is None for cell in others)


def column_names(cells: Sequence[str]) -> list[str]:
    """The names that a header gives its columns: a column without one goes by its position."""
    return [cell.strip() or str(at) for at, cell in enumerate(cells)]


def refuse_one_column(cells: Sequence[str], where: str) -> None:
    """Raise DataError for a first record that another separator would divide."""
    if len(cells) == 1 and (";" in cells[0] or "\t" in cells[0].strip()):
        raise DataError(f"{where} has one column, {cells[0].strip()[:40]!r}; separate the fields by commas")


def same_names(names: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two headers are alike, case aside, as Spark has it."""
    return [name.lower() for name in names] == [name.lower() for name in others]


def _layout(parts: list[Path], request: DataRequest) -> Layout:
    """Read the first record of every part: names, columns and one header for all or none."""
    layout: Layout | None = None
    for part in parts:
        first = next(records(part), None)
        if first is None:
            continue
        cells = [cell.strip() for cell in first.cells]
        refuse_one_column(cells, str(part))
        if layout is None:
            header = column_names(cells) if has_header(cells, request) else None
            names = header or list(numbered(len(cells)))
            where = f"{part}" if header else f"{part} (which has no header)"
            chosen = choose_columns(
                names, label=request.label, weight=request.weight, columns=request.columns, where=where
            )
            layout = Layout(header, names, chosen)
        elif layout.header and not same_names(column_names(cells), layout.header):
            raise refusals.other_header(f"{part} line {first.line}", ",".join(cells), str(parts[0]))
    if layout is None:
        raise refusals.only_blank(str(parts[0]))
    return layout


def _read_part(path: Path, layout: Layout) -> Block:
    block = _read_fast(path, layout)
    if block is not None:
        return block
    return read_records(path, layout.names, layout.columns, skip=1 if layout.header else 0)


def _read_fast(path: Path, layout: Layout) -> Block | None:
    """Read with pyarrow, or return None where the careful reader must look.

    pyarrow's decimal-to-double conversion rounds correctly, as Python's does.
    """
    import pyarrow as pa
    from pyarrow import csv

    first = next(records(path), None)
    if first is None or first.line != 1:
        return None
    numeric = [*layout.columns.features, *([] if layout.columns.weight is None else [layout.columns.weight])]
    types = {str(at): pa.float64() for at in numeric} | {str(at): pa.string() for at in layout.columns.labels}
    try:
        table = csv.read_csv(
            path,
            csv.ReadOptions(
                column_names=list(numbered(len(layout.names))),
                skip_rows_after_names=1 if layout.header else 0,
            ),
            csv.ParseOptions(newlines_in_values=True),
            csv.ConvertOptions(column_types=types, include_columns=list(types), null_values=[""]),
        )
    except (pa.ArrowException, OSError):
        return None
    if any(column.null_count for column in table.columns):
        return None
    features = np.empty((table.num_rows, len(layout.columns.features)))
    for to, at in enumerate(layout.columns.features):
        features[:, to] = table[str(at)].to_numpy()
    labels = [table[str(at)].to_pylist() for at in layout.columns.labels]
    if any(not cell.strip() for cells in labels for cell in cells):
        return None
    weight: NDArray[Any] = np.empty(0)
    if layout.columns.weight is not None:
        weight = table[str(layout.columns.weight)].to_numpy()
    return Block(features, labels, weight)


def _locate(parts: list[Path], lengths: list[int], header: bool, row: int) -> str:
    part, inside = part_of_row(lengths, row)
    return f"{parts[part]} line {line_of_row(parts[part], inside + header)}"
