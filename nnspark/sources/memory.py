"""Data in memory: arrays, or a pandas or Arrow table, read as the same rows of a Parquet file are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError, RecipeError
from nnspark.recipe.raw_columns import Wishes
from nnspark.sources.arrow_parts import part_of, table_of
from nnspark.sources.checks import Locate
from nnspark.sources.columns import choose_columns
from nnspark.sources.found import Files
from nnspark.sources.raw import Spellings, raw_column, type_of_values
from nnspark.sources.raw_kinds import kinds_of
from nnspark.sources.table import DataRequest, DataSpec, Named, Table, make_table, numbered, select_columns

__all__ = ["read_arrow", "read_memory", "refuse_parts_of_files"]

FORMS = "(X, y) or (X, y, weight) arrays, or a pandas, Arrow or Spark table"


def read_memory(data: Any, spec: DataSpec) -> Table:
    """The checked table of ``data``, whose columns ``spec`` names as it does a file's.

    Parameters
    ----------
    data : arrays ``(X, y)`` or ``(X, y, weight)``, X (n, features), y (n,) or (n, targets), weight (n,); or a
        pandas DataFrame or an Arrow table.

    Raises
    ------
    DataError, ShapeError : rows that cannot be used, named.
    """
    request = DataRequest.of(spec)
    if isinstance(data, Table):
        return data
    if isinstance(data, tuple | list):
        return _of_arrays(data, request)
    return read_arrow(_as_arrow(data), request, "the table", _row)


def read_arrow(table: Any, request: DataRequest, where: str, locate: Locate) -> Table:
    """The checked table of an Arrow table; errors call it ``where`` and name its rows by ``locate``."""
    names = list(table.column_names)
    if not table.num_rows:
        raise DataError(f"{where} has no rows; expected one a training example")
    chosen = choose_columns(names, request, where)
    return table_of(
        request, [part_of(table, names, chosen, where, request)], [where], names, chosen, where, locate
    )


def refuse_parts_of_files(spec: Files, data: Any) -> None:
    """RecipeError for rows in memory where the recipe says that each part has files of its own."""
    if data is not None and spec.paths_of_parts:
        key = next(iter(spec.paths_of_parts))
        raise RecipeError(
            f"data.{key} names files, but rows were given; say each row's part in a column: data.split.column"
        )


def _of_arrays(data: Any, request: DataRequest) -> Table:
    if len(data) not in (2, 3):
        raise DataError(f"expected {FORMS}, got {len(data)} values")
    for name, one in zip(("X", "y", "weight"), data, strict=False):
        if np.ma.isMaskedArray(one) and np.ma.getmaskarray(one).any():
            row = int(np.argwhere(np.ma.getmaskarray(one))[0, 0])
            raise DataError(f"{name} has a masked value in row {row}; fill it or leave the row out")
    if request.part_column:
        raise DataError(
            f"data.split.column = {request.part_column!r} names a column, but arrays have none: pass the "
            "rows as a pandas or Arrow table"
        )
    X, y, *rest = (_array(name, one) for name, one in zip(("X", "y", "weight"), data, strict=False))
    if y.dtype == object and all(isinstance(label, str) for label in y.flat):
        y = y.astype(str)
    names = numbered(X.shape[1]) if X.ndim == 2 else ()
    X, names = select_columns(request, X, names, "X")
    weight = Named(rest[0], "weight", _row) if rest else None
    kinds: tuple[str, ...] = ()
    spellings: dict[int, Spellings] = {}
    if X.ndim == 2 and request.wishes.wanted:
        X, kinds, spellings = _raw(X, names, request.wishes)
    return make_table(
        request, Named(X, "X", _row), Named(y, "y", _row), weight, names=names, kinds=kinds,
        spellings=spellings,
    )  # fmt: skip


def _array(name: str, values: Any) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError:  # "inhomogeneous"
        raise DataError(f"{name} has rows of different lengths; expected as many values in each") from None


def _raw(
    X: NDArray[Any], names: Sequence[str], wishes: Wishes
) -> tuple[NDArray[np.float64], tuple[str, ...], dict[int, Spellings]]:
    """Raw values of arrays, whose columns may be of several types where they are of objects."""
    types = [type_of_values(column) for column in X.T]
    kinds = kinds_of(names, types, [kind or "of mixed types" for kind in types], wishes, names, "X")
    raw = [raw_column(kind, column, name) for kind, column, name in zip(kinds, X.T, names, strict=True)]
    spellings = {
        at: one.spellings for at, (one, kind) in enumerate(zip(raw, kinds, strict=True)) if kind == "category"
    }
    return np.column_stack([one.values for one in raw]), kinds, spellings


def _as_arrow(data: Any) -> Any:
    import pyarrow as pa

    if isinstance(data, pa.Table):
        return data
    if type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "columns"):
        names = [str(name) for name in data.columns]
        double = [name for name in names if names.count(name) > 1]
        if double:
            raise DataError(f"the table has {names.count(double[0])} columns {double[0]!r}; rename one")
        try:
            return pa.Table.from_pandas(data, preserve_index=False)
        except (pa.ArrowException, ValueError, TypeError) as error:
            reason = "; ".join(" ".join(str(one).split()) for one in reversed(error.args))
            raise DataError(
                f"the table has a column that is neither numbers nor text ({reason}); convert or drop it"
            ) from None
    raise DataError(f"expected {FORMS}, got {type(data).__module__}.{type(data).__name__}")


def _row(row: int) -> str:
    return f"row {row}"
