"""Read comma-separated files, one or a folder of part files, every number correctly rounded.

pyarrow reads a clean file at full speed. Anything it stumbles over is read again record by record
(`csv_records`), which either finds the line to blame or accepts a spelling pyarrow does not know, such as a
tab before a number.
"""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError, RecipeError
from nnspark.sources.columns import Columns, as_list, choose_columns
from nnspark.sources.csv_records import Block, line_of_row, read_records, records
from nnspark.sources.files import existing, part_files, part_of_row
from nnspark.sources.labels import parse_labels, parse_number
from nnspark.sources.table import DataRequest, Named, Table, make_table, numbered

__all__ = ["has_header", "read_csv"]


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
        raise DataError(f"{path} has no data rows" + (" below its header" if layout.header else ""))
    locate = partial(_locate, parts, lengths, layout.header is not None)
    labels = [
        parse_labels([cell for block in blocks for cell in block.labels[label]], locate)
        for label in range(len(layout.columns.labels))
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


def _layout(parts: list[Path], request: DataRequest) -> Layout:
    """Read the first record of every part: names, columns and one header for all or none."""
    layout: Layout | None = None
    for part in parts:
        first = next(records(part), None)
        if first is None:
            continue
        cells = [cell.strip() for cell in first.cells]
        if len(cells) == 1 and (";" in cells[0] or "\t" in cells[0]):
            raise DataError(f"{part} has one column, {cells[0][:40]!r}; separate the fields by commas")
        if layout is None:
            header = (
                [name or str(at) for at, name in enumerate(cells)] if has_header(cells, request) else None
            )
            names = header or list(numbered(len(cells)))
            where = f"{part}" if header else f"{part} (which has no header)"
            chosen = choose_columns(
                names, label=request.label, weight=request.weight, columns=request.columns, where=where
            )
            layout = Layout(header, names, chosen)
        elif layout.header and [name or str(at) for at, name in enumerate(cells)] != layout.header:
            raise DataError(
                f"{part} line {first.line}: expected the same header as {parts[0]}, "
                f"found {','.join(cells)[:80]!r}"
            )
    if layout is None:
        raise DataError(f"{parts[0]} has no rows: only blank lines")
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
