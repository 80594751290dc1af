"""Raw rows of any kind as the array that a model takes: columns by name where both sides have names."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError, ShapeError
from nnspark.model.list_columns import is_arrow, with_parts
from nnspark.sources.columns import listed
from nnspark.sources.table import numbered

__all__ = ["model_rows"]


def model_rows(rows: Any, names: Sequence[str]) -> NDArray[Any]:
    """Rows (n, num_features), an array or a pandas or Arrow table, as an array in the order of ``names``.

    A table's columns are taken by name; by position where the model's features have no names ("0", "1", ...)
    or the table's have none.

    Raises
    ------
    DataError : a missing column, a masked, NaN or infinite value, rows on Spark; ShapeError : another width.
    """
    if hasattr(rows, "sparkSession"):
        raise DataError("expected rows in memory, got a Spark DataFrame; use transform")
    if hasattr(rows, "tocsr"):
        raise DataError("expected dense rows, got a sparse matrix; use its toarray()")
    if hasattr(rows, "columns"):
        rows = with_parts(rows, names)
    if hasattr(rows, "columns"):
        rows = _by_name(rows, names)
    if np.ma.isMaskedArray(rows) and np.ma.getmaskarray(rows).any():
        at = int(np.argwhere(np.ma.getmaskarray(rows))[0, 0])
        raise DataError(f"row {at} has a masked value; fill it or leave the row out")
    array = np.asarray(rows)
    if array.ndim != 2 or array.shape[1] != len(names):
        raise ShapeError(f"the model takes {len(names)} features but the rows have shape {array.shape}")
    if array.dtype.kind not in "buif":
        array = _numbers(array)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        row, column = (int(at) for at in np.argwhere(~np.isfinite(array))[0])
        raise DataError(
            f"row {row} has {array[row, column]} in feature {names[column]!r}; fill it or leave the row out"
        )
    return array


def _by_name(table: Any, names: Sequence[str]) -> Any:
    arrow = is_arrow(table)
    own = [str(name) for name in (table.column_names if arrow else table.columns)]
    if not set(names) <= set(own):
        if tuple(names) != numbered(len(names)) and tuple(own) != numbered(len(own)):
            missing = [name for name in names if name not in own]
            raise DataError(
                f"the rows lack {len(missing)} of the model's {len(names)} feature columns, first "
                f"{missing[0]!r}; they have {listed(own)}; rename them, or give an array"
            )
        chosen = list(range(len(own)))
    else:
        double = [name for name in names if own.count(name) > 1]
        if double:
            raise DataError(f"the rows have {own.count(double[0])} columns called {double[0]!r}; keep one")
        chosen = [own.index(name) for name in names]
    if arrow:
        return np.column_stack([table.column(at).to_numpy() for at in chosen]) if chosen else np.empty((0, 0))
    return table.iloc[:, chosen].to_numpy()


def _numbers(array: NDArray[Any]) -> NDArray[np.float64]:
    try:
        if array.dtype.kind != "O":
            raise TypeError("convert them first")
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"the rows must hold numbers, but their dtype is {array.dtype}: {error}") from None
