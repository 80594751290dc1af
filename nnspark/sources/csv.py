"""Read comma-separated files, one or a folder of part files, every number correctly rounded.

pyarrow reads a clean file at full speed. Anything it stumbles over is read again record by record
(`csv_records`), which either finds the line to blame or accepts a spelling pyarrow does not know, such as a
tab before a number.
"""

from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.sources import refusals
from nnspark.sources.csv_header import Layout, column_names, layout_of, same_names
from nnspark.sources.csv_records import Block, Cells, line_of_row, read_records, records
from nnspark.sources.files import part_of_row
from nnspark.sources.found import files_of
from nnspark.sources.given import check_parts
from nnspark.sources.labels import parse_labels
from nnspark.sources.raw import merge_spellings, raw_of_arrow
from nnspark.sources.table import DataRequest, Named, Table, make_table, numbered
from nnspark.sources.text_columns import sample_size, text_kinds

__all__ = ["read_csv"]


def read_csv(request: DataRequest) -> Table:
    """Read CSV files: label column(s) by name or number, the others features unless listed."""
    import pyarrow as pa

    where, parts, found = files_of(request)
    layout = _layout(parts, request)
    wishes = request.wishes
    if wishes.wanted:
        kinds = _kinds(layout, parts[0], request)
        layout = layout._replace(kinds=kinds, may_miss=wishes.may_miss)
    blocks = [_read_part(part, layout, parts[0], request) for part in parts]
    lengths = [len(block.features) for block in blocks]
    if not sum(lengths):
        raise refusals.no_data_rows(where)
    locate = partial(_locate, parts, lengths, layout.header is not None, layout.separator)
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
    given = found.given(lengths)
    if layout.columns.part is not None:
        cells = pa.chunked_array([block.parts for block in blocks], pa.string())
        given = check_parts(cells, layout.names[layout.columns.part], locate)
    return make_table(
        request,
        Named(np.concatenate([block.features for block in blocks]), where, locate),
        Named(target, f"label {label_names} of {where}", locate),
        None if weight is None else Named(weight, f"weight {request.weight!r} of {where}", locate),
        names=names if layout.header or request.columns else numbered(len(names)),
        shown_names=names,
        label_names=[layout.names[column] for column in layout.columns.labels],
        given=given,
        kinds=layout.kinds,
        spellings={
            at: merge_spellings(names[at], [block.spellings[at] for block in blocks])
            for at in blocks[0].spellings
        },
    )


def _layout(parts: list[Path], request: DataRequest) -> Layout:
    """Read the first record of every part: names, columns and one header for all or none."""
    layout: Layout | None = None
    for part in parts:
        first = next(records(part, request.separator), None)
        if first is None:
            continue
        if layout is None:
            layout = layout_of(first.cells, request, str(part))
        elif layout.header and not same_names(column_names(first.cells), layout.header):
            found = request.separator.join(cell.strip() for cell in first.cells)
            raise refusals.other_header(f"{part} line {first.line}", found, str(parts[0]))
    if layout is None:
        raise refusals.only_blank(str(parts[0]))
    return layout


def _kinds(layout: Layout, first: Path, request: DataRequest) -> tuple[str, ...]:
    """The kinds of the features by the first records of the first file; DataError if one cannot be read."""
    start = 1 if layout.header else 0
    sample = islice(records(first, layout.separator), start, start + sample_size(len(layout.names)))
    cells = (record.cells for record in sample)
    return text_kinds(cells, layout.names, layout.columns, request.wishes, str(first))


def _read_part(path: Path, layout: Layout, first: Path, request: DataRequest) -> Block:
    block = _read_fast(path, layout)
    if block is not None:
        return block
    cells = Cells(layout.kinds or _kinds(layout, first, request), may_miss=layout.may_miss)
    skip = 1 if layout.header else 0
    return read_records(path, layout.names, layout.columns, cells, skip=skip, separator=layout.separator)


def _read_fast(path: Path, layout: Layout) -> Block | None:
    """Read with pyarrow, or return None where the careful reader must look.

    pyarrow's decimal-to-double conversion rounds correctly, as Python's does.
    """
    import pyarrow as pa
    from pyarrow import csv

    first = next(records(path, layout.separator), None)
    if first is None or first.line != 1:
        return None
    texts_alone = [*layout.columns.labels, *([] if layout.columns.part is None else [layout.columns.part])]
    numeric = [*layout.columns.features, *([] if layout.columns.weight is None else [layout.columns.weight])]
    types = {str(at): pa.float64() for at in numeric} | {str(at): pa.string() for at in texts_alone}
    kinds = layout.kinds or ("number",) * len(layout.columns.features)
    text = [at for at, kind in zip(layout.columns.features, kinds, strict=True) if kind != "number"]
    types |= {str(at): pa.string() for at in text}
    try:
        table = csv.read_csv(
            path,
            csv.ReadOptions(
                column_names=list(numbered(len(layout.names))),
                skip_rows_after_names=1 if layout.header else 0,
            ),
            csv.ParseOptions(delimiter=layout.separator, newlines_in_values=True),
            csv.ConvertOptions(column_types=types, include_columns=list(types), null_values=[""]),
        )
    except (pa.ArrowException, OSError):
        return None
    may_be_null = {str(at) for at in layout.columns.features} if layout.may_miss else set()
    if any(table[name].null_count for name in types if name not in may_be_null):
        return None
    features, spellings = np.empty((table.num_rows, len(layout.columns.features))), {}
    for to, (at, kind) in enumerate(zip(layout.columns.features, kinds, strict=True)):
        raw = raw_of_arrow(kind, table[str(at)], layout.names[at])
        features[:, to] = raw.values
        if kind == "category":
            spellings[to] = raw.spellings
        elif layout.may_miss and kind == "number" and np.isnan(raw.values).sum() > table[str(at)].null_count:
            return None  # a spelling of NaN, not all of which every route takes
    labels = [table[str(at)].to_pylist() for at in layout.columns.labels]
    if any(not cell.strip() for cells in labels for cell in cells):
        return None
    weight: NDArray[Any] = np.empty(0)
    if layout.columns.weight is not None:
        weight = table[str(layout.columns.weight)].to_numpy()
    parts = [] if layout.columns.part is None else table[str(layout.columns.part)].to_pylist()
    return Block(features, labels, weight, spellings, parts)


def _locate(parts: list[Path], lengths: list[int], header: bool, separator: str, row: int) -> str:
    part, inside = part_of_row(lengths, row)
    return f"{parts[part]} line {line_of_row(parts[part], inside + header, separator)}"
