"""Which columns of a text file hold no numbers: told by the first records, the same ones on every route."""

import re
from collections.abc import Iterable, Sequence

from nnspark.sources import refusals
from nnspark.sources.columns import Columns
from nnspark.sources.labels import MISSING_MARKS, parse_number

__all__ = ["refuse_text_columns", "sample_size"]

MOST_RECORDS, LEAST_RECORDS, CELLS = 1_000, 10, 100_000
DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T].*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}( .*)?")
TRUTHS = frozenset({"true", "false", "yes", "no", "t", "f", "y", "n"})


def sample_size(columns: int) -> int:
    """How many records to look at: fewer of wide ones."""
    return max(LEAST_RECORDS, min(MOST_RECORDS, CELLS // max(columns, 1)))


def refuse_text_columns(
    rows: Iterable[Sequence[str]], names: Sequence[str], columns: Columns, where: str
) -> None:
    """Raise DataError naming every feature column most of whose cells, blank ones aside, are no numbers.

    A single cell that is none is for others to find, with its line.
    """
    sample = [row for row in rows if len(row) == len(names)]
    found = []
    for at in columns.features:
        cells = [row[at].strip() for row in sample]
        kind = kind_of([cell for cell in cells if cell.lower() not in MISSING_MARKS])
        if kind:
            found.append((names[at], kind))
    if found:
        raise refusals.not_numbers(found, where)


def kind_of(cells: Sequence[str]) -> str:
    """What most of the cells are, if not numbers: "text", "date", "true/false"; else empty."""
    odd = [cell for cell in cells if parse_number(cell) is None]
    if 2 * len(odd) <= len(cells):
        return ""
    if all(DATE.fullmatch(cell) for cell in odd):
        return "date"
    return "true/false" if all(cell.lower() in TRUTHS for cell in odd) else "text"
