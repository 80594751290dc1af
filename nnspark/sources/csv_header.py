"""What the first record of a CSV file says of its columns: for readers on the driver and on executors."""

from collections.abc import Sequence
from typing import NamedTuple

from nnspark.errors import DataError, RecipeError
from nnspark.sources.columns import Columns, as_list, choose_columns
from nnspark.sources.labels import parse_number
from nnspark.sources.table import DataRequest, numbered

__all__ = ["Layout", "column_names", "has_header", "layout_of", "refuse_one_column", "same_names", "shown"]

SEPARATORS = (";", "\t", "|", ",")


class Layout(NamedTuple):
    """The columns of a file: the header's names (None without one), names or positions, chosen columns.

    ``separator`` is what stands between a record's fields. ``kinds`` of the features, see ``raw.py``, are
    empty where all are numbers; ``may_miss``: whether cells may be empty.
    """

    header: list[str] | None
    names: list[str]
    columns: Columns
    separator: str
    kinds: tuple[str, ...] = ()
    may_miss: bool = False


def layout_of(first: Sequence[str], request: DataRequest, where: str) -> Layout:
    """The columns by the cells of the first record of ``where``; DataError if it has not those asked for."""
    refuse_one_column(first, request.separator, where)
    header = column_names(first) if has_header(first, request) else None
    names = header or list(numbered(len(first)))
    columns = choose_columns(names, request, where if header else f"{where} (which has no header)")
    return Layout(header, names, columns, request.separator)


def has_header(first: Sequence[str], request: DataRequest) -> bool:
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
    encoded = (name for _, name in request.wishes.named)
    listed = (*labels, request.weight, request.part_column, *request.columns, *request.exclude, *encoded)
    named = {name for name in listed if isinstance(name, str) and name}
    named |= {name[1:] for name in request.columns if name.startswith("-")}
    if any(parse_number(name) is None for name in named & set(cells)):
        return True
    by_number = {label % len(cells) for label in labels if isinstance(label, int)}
    others = [cell for at, cell in enumerate(cells) if at not in by_number]
    return any(others) and all(parse_number(cell) is None for cell in others)


def column_names(cells: Sequence[str]) -> list[str]:
    """The names that a header gives its columns: a column without one goes by its position."""
    return [cell.strip() or str(at) for at, cell in enumerate(cells)]


def same_names(names: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two headers are alike, case aside, as Spark has it."""
    return [name.lower() for name in names] == [name.lower() for name in others]


def refuse_one_column(
    cells: Sequence[str], separator: str, where: str, *, key: str = "data.separator = "
) -> None:
    """Raise DataError for a first record that another separator would divide; ``key`` is what sets it."""
    text = cells[0].strip() if len(cells) == 1 else ""
    other = next((one for one in SEPARATORS if one in text and one != separator), None)
    if other is not None:
        raise DataError(
            f"{where} has one column, {text[:40]!r}, if {shown(separator)} separates its fields; if "
            f"{shown(other)} does, set {key}{shown(other)}"
        )


def shown(separator: str) -> str:
    """A separator as TOML and a shell's $'...' write it."""
    return '"\\t"' if separator == "\t" else f'"{separator}"'
