"""What is said of rows that cannot be trained on: one wording, however the rows arrive.

The driver's readers and the executors' survey find the same faults in their own ways; the words are these, so
that a file is refused alike wherever it is read. ``place`` names the first such row; empty where nothing can.

(Above 200 lines, since each fault has its own sentence.)
"""

from collections.abc import Sequence
from difflib import get_close_matches

from nnspark.errors import DataError, ShapeError

__all__ = [
    "bad_weights",
    "differ_in_case",
    "empty_cell",
    "empty_file",
    "holes",
    "infinite_label",
    "lacks_features",
    "more_than_one",
    "no_data_rows",
    "no_date",
    "no_label",
    "no_logarithm",
    "no_number",
    "no_part",
    "no_weight",
    "not_binary",
    "not_finite",
    "not_utf8",
    "null",
    "only_blank",
    "other_header",
    "other_type",
    "ragged",
    "rows_have",
    "too_large_label",
    "too_many_classes",
    "unreadable_type",
]

LARGEST = 2**63 - 1


def null(column: str, rows: int, place: str = "", *, others: str = "") -> DataError:
    """Values that are missing."""
    found = f"column {column!r} is null in {rows} rows{others}"
    return DataError(f"{found}{_first(place)}; remove or fill such rows, or set data.missing")


def holes(column: str, count: int, place: str = "", *, others: str = "") -> DataError:
    """Values that are missing inside arrays."""
    found = f"column {column!r} has {count} nulls inside its arrays{others}"
    return DataError(f"{found}{_first(place)}; remove or fill such rows")


def empty_cell(column: str, place: str = "", *, others: str = "") -> DataError:
    """A cell of a text file without a number in it."""
    where = f"{place}, " if place else ""
    found = f"{where}column {column!r}: expected a number, but the cell is empty{others}"
    return DataError(f"{found}; fill it or set data.missing")


def no_number(cell: str, column: str, place: str, hint: str = "") -> DataError:
    """A cell of a text file that is no number."""
    return DataError(f"{place}, column {column!r}: expected a number, found {cell[:40]!r}{hint}")


def ragged(column: str, detail: str, *, others: str = "") -> ShapeError:
    """Arrays of several lengths in one column."""
    return ShapeError(f"column {column!r} must have arrays of one length, but {detail}{others}")


def not_finite(column: str, times: int, place: str = "", *, others: str = "") -> DataError:
    """NaN or infinity among the features."""
    found = f"column {column!r} is NaN or infinite {times} times{others}"
    return DataError(f"features must be finite numbers, but {found}{_first(place)}; remove or fill such rows")


def no_part(column: str, rows: int, place: str = "", *, others: str = "") -> DataError:
    """Values that name no part; ``place`` begins with the first of them."""
    found = f"{rows_have(rows)} another{others}"
    wanted = f"data.split.column: column {column!r} must say train, validation or test"
    return DataError(f"{wanted}, but {found}{_first(place)}")


def no_date(column: str, rows: int, place: str = "", *, others: str = "") -> DataError:
    """Text that is no date."""
    found = f"{rows_have(rows)} another text{others}"
    wanted = f"column {column!r} must hold dates like 2024-01-31 or 2024-01-31T12:00:00"
    return DataError(f"{wanted}, but {found}{_first(place)}")


def no_logarithm(where: str, rows: int, place: str = "", *, others: str = "") -> DataError:
    """Targets too small for their logarithm."""
    found = f"{rows_have(rows)} another{_in(where)}{others}"
    return DataError(f'data.target_scale = "log" needs targets above -1, but {found}{_first(place)}')


def bad_weights(where: str, rows: int, place: str = "", *, others: str = "") -> DataError:
    """Weights that are negative, NaN or infinite."""
    found = f"{rows_have(rows)} another{_in(where)}{others}"
    return DataError(f"weights must be finite and not negative, but {found}{_first(place)}")


def no_weight(rows: int) -> DataError:
    """Rows of weight 0 only."""
    return DataError(f"all {rows} weights are zero: no row is left to train on")


def no_label(where: str, rows: int, place: str = "", *, others: str = "") -> DataError:
    """Rows without a label."""
    found = f"every row needs a label, but {rows_have(rows)} none{_in(where)}{others}"
    return DataError(f"{found}{_first(place)}; remove such rows")


def infinite_label(where: str, rows: int, place: str = "", *, others: str = "") -> DataError:
    """Labels that are infinite."""
    found = f"labels must be finite, but {rows_have(rows)} an infinite one{_in(where)}{others}"
    return DataError(f"{found}{_first(place)}; remove such rows")


def not_binary(where: str, rows: int, place: str = "", *, others: str = "") -> DataError:
    """Multilabel targets other than 0 and 1; ``place`` begins with the first such value."""
    found = f"multilabel needs labels 0 or 1, but {rows_have(rows)} another{_in(where)}{others}"
    return DataError(f"{found}{_first(place)}")


def too_large_label(where: str) -> DataError:
    """Integers that are no int64."""
    return DataError(f"{where} has labels above {LARGEST}, which do not fit in 64 signed bits")


def unreadable_type(kind: str, where: str) -> DataError:
    """A type of column that Spark does not have: refused without Spark too."""
    return DataError(
        f"{where} is {kind}, which Spark does not have: write it as double, or the file without it"
    )


def other_type(column: str, file: str, kind: str, first: str) -> DataError:
    """A part whose column is of another type than in the first part."""
    return DataError(
        f"column {column!r} is {kind} in {file}, but {first} in the first file; write them alike"
    )


def lacks_features(
    where: str, missing: Sequence[str], wanted: int, there: Sequence[str], shown: str, arrays: Sequence[str]
) -> DataError:
    """Feature columns that are not there; ``shown`` lists those that are, ``arrays`` may hold all of them."""
    near = get_close_matches(missing[0], there, n=1)
    hint = f"did you mean {near[0]!r}? It" if near else "it"
    advice = f'; if {arrays[0]!r} holds them all, name it: columns=["{arrays[0]}"]' if arrays else ""
    return DataError(
        f"{where} lacks {len(missing)} of the {wanted} feature columns, first {missing[0]!r}; "
        f"{hint} has {shown}{advice}"
    )


def more_than_one(name: str, where: str) -> DataError:
    """A name that two columns have."""
    return DataError(f"{where} has more than one column named {name!r}; rename one of them")


def differ_in_case(one: str, other: str, where: str) -> DataError:
    """Two names that Spark takes for one."""
    return DataError(
        f"{where} has columns {one!r} and {other!r}, which differ only in case; Spark takes them for one: "
        "rename one of them"
    )


def other_header(file: str, found: str, first: str) -> DataError:
    """A part whose columns are not those of the first; ``file`` names the line as well."""
    shown = f", found {found[:80]!r}" if found else ""
    return DataError(f"{file}: expected the same header as {first}{shown}")


def not_utf8(text: str, place: str) -> DataError:
    """Text in which bytes were no UTF-8."""
    return DataError(f"{text[:40]!r} at {place} is not UTF-8 text; save the file as UTF-8")


def empty_file(where: str) -> DataError:
    """A file of nothing."""
    return DataError(f"{where} is empty (0 bytes)")


def only_blank(where: str) -> DataError:
    """A text of nothing."""
    return DataError(f"{where} has no rows: only blank lines")


def no_data_rows(where: str) -> DataError:
    """Columns without rows."""
    return DataError(f"{where} has no data rows")


def too_many_classes(most: int) -> DataError:
    """Labels that are hardly classes."""
    return DataError(
        f"there are more than {most} different labels; set data.task = 'regression' to predict numbers, or "
        "check data.label"
    )


def rows_have(count: int) -> str:
    """The number of rows and its verb."""
    return "1 row has" if count == 1 else f"{count} rows have"


def _in(where: str) -> str:
    return f" in {where}" if where else ""


def _first(place: str) -> str:
    return f"; the first is {place}" if place else ""
