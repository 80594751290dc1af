"""Columns of lists in a pandas or Arrow table: features ``v[0]``, ``v[1]``, ... are the values of ``v``."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError
from nnspark.sources.table import numbered

__all__ = ["PART_OF_LIST", "is_arrow", "with_parts"]

PART_OF_LIST = re.compile(r"(.+)\[(\d+)\]")


def is_arrow(table: Any) -> bool:
    """Whether a table is Arrow's; else it is pandas', whatever its columns are called."""
    return hasattr(table, "column_names") and not hasattr(table, "iloc")


def with_parts(table: Any, names: Sequence[str]) -> Any:
    """The table with a column for each of ``names`` that is a value of a column of lists.

    Where features have no names ("0", "1", ...), the one column of lists there is, as an array (n, values).

    Raises
    ------
    DataError : lists of different lengths, or none in a row.
    """
    own = [str(name) for name in (table.column_names if is_arrow(table) else table.columns)]
    if set(names) <= set(own):
        return table
    if tuple(names) == numbered(len(names)):
        lists = [at for at in range(len(own)) if _holds_lists(_values(table, at))]
        return _stacked(_values(table, lists[0]), own[lists[0]]) if len(lists) == 1 else table
    stacks: dict[str, NDArray[Any]] = {}
    parts: dict[str, NDArray[Any]] = {}
    for name in names:
        match = PART_OF_LIST.fullmatch(name)
        if name in own or match is None or own.count(match[1]) != 1:
            continue
        base, at = match[1], int(match[2])
        if base not in stacks:
            values = _values(table, own.index(base))
            stacks[base] = _stacked(values, base) if _holds_lists(values) else np.empty((len(values), 0))
        if at < stacks[base].shape[1]:
            parts[name] = stacks[base][:, at]
    return _joined(table, parts) if parts else table


def _values(table: Any, at: int) -> Any:
    if is_arrow(table):
        import pyarrow as pa

        nested = pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list
        column = table.column(at)
        return column.to_numpy() if any(kind(column.type) for kind in nested) else np.empty(len(column))
    is_of_objects = str(table.dtypes.iloc[at]) == "object"
    return table.iloc[:, at].to_numpy() if is_of_objects else np.empty(len(table))


def _holds_lists(values: NDArray[Any]) -> bool:
    first = next((one for one in values if one is not None), None) if values.dtype == object else None
    return isinstance(first, list | tuple | np.ndarray) or hasattr(first, "toArray")


def _stacked(values: NDArray[Any], name: str) -> NDArray[Any]:
    rows = [one.toArray() if hasattr(one, "toArray") else one for one in values]
    width = next(len(one) for one in rows if one is not None)
    for at, one in enumerate(rows):
        if not hasattr(one, "__len__") or len(one) != width:
            found = f"{len(one)} values" if hasattr(one, "__len__") else repr(one)
            raise DataError(f"row {at} has {found} in column {name!r} where others have {width} values")
    return np.array([np.asarray(one) for one in rows]).reshape(len(rows), width)


def _joined(table: Any, parts: dict[str, NDArray[Any]]) -> Any:
    if is_arrow(table):
        import pyarrow as pa

        for name, values in parts.items():
            table = table.append_column(name, pa.array(values))
        return table
    import pandas as pd

    return pd.concat([table, pd.DataFrame(parts, index=table.index)], axis=1)
