"""Columns of Arrow tables, of the files of a folder or of one in memory, as one checked table."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError, ShapeError
from nnspark.sources import refusals
from nnspark.sources.arrow_types import shown, type_of
from nnspark.sources.checks import Locate
from nnspark.sources.columns import Columns
from nnspark.sources.given import check_parts, no_text
from nnspark.sources.parquet_columns import feature_column, label_column, scalar_column
from nnspark.sources.raw import Spellings, merge_spellings, raw_of_arrow
from nnspark.sources.raw_kinds import kinds_of
from nnspark.sources.table import DataRequest, Named, Table, make_table, numbered

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Part", "part_of", "table_of"]


class Part(NamedTuple):
    """One file's chosen columns: each feature column as (n, width), target (n,) or (n, k), weight (n,).

    ``kinds`` and ``spellings`` are of the feature columns, see ``raw.py``; ``parts`` is the column that says
    each row's part.
    """

    columns: list[NDArray[Any]]
    target: NDArray[Any]
    weight: NDArray[Any] | None
    kinds: tuple[str, ...]
    spellings: list[Spellings]
    parts: "pa.ChunkedArray | None" = None


def table_of(
    request: DataRequest,
    parts: list[Part],
    files: Sequence[str | Path],
    names: list[str],
    chosen: Columns,
    where: str,
    locate: Locate,
    given: NDArray[np.int8] | None = None,
) -> Table:
    """The checked table of parts that were read; ``files`` names each, ``where`` all of them.

    ``given`` are the parts of the rows, where no column says them.
    """
    if not sum(len(part.target) for part in parts):
        raise refusals.no_data_rows(where)
    feature_columns = [names[at] for at in chosen.features]
    widths = _widths(parts, files, feature_columns)
    shown = [
        f"{name}[{at}]" if width is not None else name
        for name, width in zip(feature_columns, widths, strict=True)
        for at in range(width or 1)
    ]
    alone = len(widths) == 1 and widths[0] is not None
    kinds, spellings = _kinds(parts, feature_columns, widths)
    weights = [part.weight for part in parts if part.weight is not None]
    full = [part for part in parts if len(part.target)]
    if len({part.target.dtype.kind == "U" for part in full}) > 1:
        raise DataError(f"the labels of {where} are strings in some of its files and numbers in others")
    label_names = [names[at] for at in chosen.labels]
    if chosen.part is not None:
        given = _given(full, names[chosen.part], locate)
    return make_table(
        request,
        Named(np.concatenate([_side_by_side(part) for part in full]), where, locate),
        Named(
            np.concatenate([part.target for part in full]),
            f"label {', '.join(map(repr, label_names))} of {where}",
            locate,
        ),
        Named(np.concatenate(weights), f"weight {request.weight!r} of {where}", locate) if weights else None,
        names=numbered(len(shown)) if alone else shown,
        shown_names=shown,
        label_names=label_names,
        given=given,
        kinds=kinds,
        spellings=spellings,
    )


def part_of(
    table: "pa.Table", names: list[str], chosen: Columns, where: str | Path, request: DataRequest
) -> Part:
    """The chosen columns of an Arrow table."""
    wishes, own = request.wishes, [names[at] for at in chosen.features]
    fields = [table.schema.field(name).type for name in own]
    kinds = kinds_of(own, [*map(type_of, fields)], [*map(shown, fields)], wishes, names, str(where))
    features: list[NDArray[Any]] = []
    spellings: list[Spellings] = []
    for name, kind in zip(own, kinds, strict=True):
        raw = None if kind == "number" else raw_of_arrow(kind, table[name], name)
        features.append(
            feature_column(table[name], name, where, may_miss=wishes.may_miss) if raw is None else raw.values
        )
        spellings.append({} if raw is None else raw.spellings)
    labels = [label_column(table[names[at]], names[at], where) for at in chosen.labels]
    weight = None
    if chosen.weight is not None:
        weight = scalar_column(table[names[chosen.weight]], names[chosen.weight], where, "weight")
    target = labels[0] if len(labels) == 1 else np.column_stack(labels)
    parts = None if chosen.part is None else table[names[chosen.part]]
    return Part(features, target, weight, kinds, spellings, parts)


def _given(parts: list[Part], name: str, locate: Locate) -> NDArray[np.int8]:
    """The part of each row, by the column that says it."""
    import pyarrow as pa

    columns = [part.parts for part in parts if part.parts is not None]
    texts = [one.cast(pa.string()) if type_of(one.type) == "text" else one for one in columns]
    other = next((one for one in texts if not pa.types.is_string(one.type)), None)
    if other is not None:
        raise no_text(name, shown(other.type))
    return check_parts(
        pa.chunked_array([chunk for one in texts for chunk in one.chunks], pa.string()), name, locate
    )


def _kinds(
    parts: list[Part], names: list[str], widths: list[int | None]
) -> tuple[list[str], dict[int, Spellings]]:
    """Kinds of the features, none where all are numbers, and the spellings of all parts by position."""
    kinds: list[str] = []
    spellings: dict[int, Spellings] = {}
    for at, (name, width) in enumerate(zip(names, widths, strict=True)):
        if parts[0].kinds[at] == "category":
            spellings[len(kinds)] = merge_spellings(name, [part.spellings[at] for part in parts])
        kinds += [parts[0].kinds[at]] * (width or 1)
    return [] if {*kinds} == {"number"} else kinds, spellings


def _widths(parts: list[Part], files: Sequence[str | Path], names: list[str]) -> list[int | None]:
    """Return the width of every array column, None for scalars; all files must agree."""
    full = [(part, file) for part, file in zip(parts, files, strict=True) if len(part.target)]
    widths = [[None if column.ndim == 1 else column.shape[1] for column in part.columns] for part, _ in full]
    for own, (_, file) in zip(widths, full, strict=True):
        for name, width, expected in zip(names, own, widths[0], strict=True):
            if width != expected:
                raise ShapeError(
                    f"column {name!r} has {width} values a row in {file} but {expected} in {full[0][1]}"
                )
    return widths[0]


def _side_by_side(part: Part) -> NDArray[np.float64]:
    return np.column_stack([np.asarray(column, dtype=np.float64) for column in part.columns])
