"""Columns of lists in a pandas or Arrow table: features ``v[0]``, ``v[1]``, ... are the values of ``v``."""

import re
from collections import Counter
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
    DataError : what is no list of as many values as in training, by row and column.
    """
    if is_arrow(table):
        import pyarrow as pa

        table = pa.Table.from_batches([table]) if isinstance(table, pa.RecordBatch) else table
    own = [str(name) for name in (table.column_names if is_arrow(table) else table.columns)]
    if set(names) <= set(own):
        return table
    if tuple(names) == numbered(len(names)):
        lists = [at for at in range(len(own)) if _holds_lists(table, at)]
        return _stacked(table, lists[0], own[lists[0]], len(names)) if len(lists) == 1 else table
    parts = [(name, PART_OF_LIST.fullmatch(name)) for name in names if name not in own]
    widths = Counter(match[1] for _, match in parts if match and own.count(match[1]) == 1)
    stacks = {base: _stacked(table, own.index(base), base, width) for base, width in widths.items()}
    found = {
        name: stacks[match[1]][:, int(match[2])]
        for name, match in parts
        if match and match[1] in stacks and int(match[2]) < widths[match[1]]
    }
    return _joined(table, found) if found else table


def _holds_lists(table: Any, at: int) -> bool:
    if is_arrow(table):
        import pyarrow as pa

        nested = pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list
        return any(kind(table.schema.field(at).type) for kind in nested)
    kind = str(table.dtypes.iloc[at])
    return "list<" in kind or "fixed_size_list" in kind or (kind == "object" and _any_list(table.iloc[:, at]))


def _any_list(values: Any) -> bool:
    return not len(values) or any(_is_list(one) for one in values)


def _is_list(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, list | tuple) or hasattr(value, "toArray")


def _stacked(table: Any, at: int, name: str, width: int) -> NDArray[Any]:
    values = table.column(at).to_numpy() if is_arrow(table) else table.iloc[:, at].to_numpy()
    rows = []
    for row, value in enumerate(values):
        one = _numbers_of(value)
        if one is None or one.shape != (width,):
            plain = value.item() if isinstance(value, np.generic) else value
            shown = f"{len(one)} values" if one is not None else " ".join(repr(plain).split())[:60]
            raise DataError(
                f"row {row} has {shown} in column {name!r}; expected a list of {width} values, as in training"
            )
        rows.append(one)
    return np.array(rows).reshape(len(rows), width)


def _numbers_of(value: Any) -> NDArray[Any] | None:
    """A list's values as an array; None where it is no list, or one of lists."""
    if not _is_list(value):
        return None
    try:
        one = np.asarray(value.toArray() if hasattr(value, "toArray") else value)
    except ValueError:  # lists of several lengths
        return None
    return None if one.ndim > 1 or (one.dtype == object and any(map(_is_list, one))) else one


def _joined(table: Any, parts: dict[str, NDArray[Any]]) -> Any:
    if is_arrow(table):
        import pyarrow as pa

        for name, values in parts.items():
            table = table.append_column(name, pa.array(values))
        return table
    import pandas as pd

    return pd.concat([table, pd.DataFrame(parts, index=table.index)], axis=1)
