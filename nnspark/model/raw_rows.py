"""Rows of text, dates and holes as raw values: what a model that encodes its columns takes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.encoding import Encoding
from nnspark.errors import DataError, ShapeError
from nnspark.model.list_columns import is_arrow, with_parts
from nnspark.sources.columns import listed
from nnspark.sources.raw import raw_column, raw_of_arrow
from nnspark.sources.table import numbered

__all__ = ["raw_rows"]

FORMS = "a table, an array of objects or numbers (n, columns), or a list of dicts"


def raw_rows(rows: Any, encoding: Encoding) -> NDArray[np.float64]:
    """Raw values (n, columns) of rows in memory, see ``sources/raw.py``.

    Parameters
    ----------
    rows : a pandas or Arrow table or a mapping of columns, by name; a list of dicts, by name, in which what
        is not there is missing; or an array (n, columns), a list of rows too, by position.

    Raises
    ------
    DataError : a missing column, a value of another kind than the column's, an infinite one, a missing one
    where nothing may be; ShapeError : another number of columns.
    """
    if hasattr(rows, "sparkSession"):
        raise DataError("expected rows in memory, got a Spark DataFrame; use transform")
    if hasattr(rows, "tocsr"):
        raise DataError("expected dense rows, got a sparse matrix; use its toarray()")
    if hasattr(rows, "columns"):
        rows = with_parts(rows, encoding.raw_names)
    columns = _columns_of(rows, encoding.raw_names)
    raw = np.column_stack(
        [
            _raw(kind, column, name)
            for kind, column, name in zip(encoding.kinds, columns, encoding.raw_names, strict=True)
        ]
    )
    _check(raw, encoding)
    return raw


def _columns_of(rows: Any, names: Sequence[str]) -> list[Any]:
    """The columns in the model's order, as they are."""
    if is_arrow(rows):
        return [rows.column(at) for at in _places(list(rows.column_names), names)]
    if hasattr(rows, "iloc"):
        return [rows.iloc[:, at].to_numpy() for at in _places([str(name) for name in rows.columns], names)]
    if isinstance(rows, Mapping):
        own = list(rows)
        alone = [name for name in own if isinstance(rows[name], str) or not hasattr(rows[name], "__len__")]
        if alone:
            raise ShapeError(
                f"expected {FORMS}, got a dict whose {alone[0]!r} is one value: give [row] for one row, or a "
                "list for each column"
            )
        columns = [_objects(rows[own[at]]) for at in _places([str(name) for name in own], names)]
        if len({len(column) for column in columns}) > 1:
            raise ShapeError(f"expected {FORMS}, got columns of different lengths")
        return columns
    if isinstance(rows, Sequence) and rows and all(isinstance(row, Mapping) for row in rows):
        for row in rows:
            if not any(name in row for name in names):
                _places([str(name) for name in row], names)
        return [_objects([row.get(name) for row in rows]) for name in names]
    if np.ma.isMaskedArray(rows):
        masked, rows = np.ma.getmaskarray(rows), np.ma.getdata(rows).astype(object)
        rows[masked] = None
    array = rows if isinstance(rows, np.ndarray) else np.array(rows, dtype=object)
    if array.ndim != 2 or array.shape[1] != len(names):
        raise ShapeError(f"the model takes {len(names)} columns but the rows have shape {array.shape}")
    return list(array.T)


def _places(own: Sequence[str], names: Sequence[str]) -> list[int]:
    missing = [name for name in names if name not in own]
    if missing:
        if tuple(names) == numbered(len(names)) and len(own) == len(names):
            return list(range(len(own)))
        raise DataError(
            f"the rows lack {len(missing)} of the model's {len(names)} columns, first {missing[0]!r}; they "
            f"have {listed(own)}; rename them, or give an array"
        )
    twice = [name for name in names if own.count(name) > 1]
    if twice:
        raise DataError(f"the rows have {own.count(twice[0])} columns called {twice[0]!r}; keep one")
    return [own.index(name) for name in names]


def _objects(values: Any) -> NDArray[Any]:
    if isinstance(values, np.ndarray):
        return values
    column = np.empty(len(values), dtype=object)
    column[:] = list(values)
    return column


def _raw(kind: str, column: Any, name: str) -> NDArray[np.float64]:
    if isinstance(column, np.ndarray):
        return raw_column(kind, column, name).values
    try:
        return raw_of_arrow(kind, column, name).values
    except (TypeError, ValueError, NotImplementedError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"column {name!r} is {column.type}, which holds no {kind}; the model learned of one"
        ) from None


def _check(raw: NDArray[np.float64], encoding: Encoding) -> None:
    usable = encoding.usable(raw)
    if usable.all():
        return
    row = int(np.argmin(usable))
    bad = np.isinf(raw[row]) if encoding.may_miss else ~np.isfinite(raw[row])
    column = int(np.argmax(bad))
    name = encoding.raw_names[column]
    if np.isnan(raw[row, column]):
        raise DataError(f"row {row} has no value in column {name!r}; fill it or leave the row out")
    what = "no date" if encoding.kinds[column] == "date" else "an infinite value"
    raise DataError(f"row {row} has {what} in column {name!r}; mend it or leave the row out")
