"""Which columns of a text file hold no numbers: told by the first records, the same ones on every route."""

import re
from collections.abc import Iterable, Sequence

from nnspark.recipe.raw_columns import Wishes
from nnspark.sources.columns import Columns
from nnspark.sources.labels import MISSING_MARKS, parse_number
from nnspark.sources.raw_kinds import kinds_of

__all__ = ["sample_size", "text_kinds"]

MOST_RECORDS, LEAST_RECORDS, CELLS = 1_000, 10, 100_000
DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T].*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}( .*)?")
TYPES = {"": "number", "text": "text", "true/false": "text", "date": "date"}
TRUTHS = frozenset({"true", "false", "yes", "no", "t", "f", "y", "n"})


def sample_size(columns: int) -> int:
    """How many records to look at: fewer of wide ones."""
    return max(LEAST_RECORDS, min(MOST_RECORDS, CELLS // max(columns, 1)))


def text_kinds(
    rows: Iterable[Sequence[str]], names: Sequence[str], columns: Columns, wishes: Wishes, where: str
) -> tuple[str, ...]:
    """The kind of each feature column of a text file, by its first records and the recipe.

    Raises DataError naming every feature column most of whose cells, blank ones aside, are no numbers, unless
    the recipe encodes it. A single cell that is none is for others to find, with its line.
    """
    sample = [row for row in rows if len(row) == len(names)]
    own, shown = [names[at] for at in columns.features], []
    for at in columns.features:
        cells = [row[at].strip() for row in sample]
        shown.append(kind_of([cell for cell in cells if cell.lower() not in MISSING_MARKS]))
    asked = {name for _, name in wishes.named}
    types = ["text" if name in asked else TYPES[kind] for name, kind in zip(own, shown, strict=True)]
    return kinds_of(own, types, shown, wishes, names, where)


def kind_of(cells: Sequence[str]) -> str:
    """What most of the cells are, if not numbers: "text", "date", "true/false"; else empty."""
    odd = [cell for cell in cells if parse_number(cell) is None]
    if 2 * len(odd) <= len(cells):
        return ""
    if all(DATE.fullmatch(cell) for cell in odd):
        return "date"
    return "true/false" if all(cell.lower() in TRUTHS for cell in odd) else "text"
