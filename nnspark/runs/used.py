"""What a run takes of its rows, in words: the columns, what was encoded, filled and left out."""

from collections.abc import Sequence

import numpy as np

from nnspark.data.encoding import Column
from nnspark.data.plan import Plan
from nnspark.recipe import Data
from nnspark.recipe.raw_columns import wishes_of
from nnspark.sources.table import numbered

__all__ = ["columns_used", "used_lines"]

MOST_COLUMNS, MOST_SHOWN = 1_000, 8
MOST_DAYS = 1e6  # the year 4707


def columns_used(plan: Plan) -> dict[str, str]:
    """What became of each raw column, of ``MOST_COLUMNS`` at most; empty where columns have no names."""
    names = plan.feature_names if plan.encoding is None else plan.encoding.raw_names
    if names == numbered(len(names)) and plan.encoding is None:
        return {}
    columns = [Column(name) for name in names] if plan.encoding is None else list(plan.encoding.columns)
    return {column.name: _became(column) for column in columns[:MOST_COLUMNS]}


def used_lines(plan: Plan, data: Data) -> list[str]:
    """The same as a line a kind, for the start of a run, with what was left out."""
    lines, encoding = [], plan.encoding
    if encoding is None:
        if plan.feature_names != numbered(plan.num_features):
            lines.append(f"numbers: {_shown(plan.feature_names)}")
    else:
        for kind, word in (("number", "numbers"), ("date", "dates"), ("category", "categories")):
            own = [column for column in encoding.columns if column.kind == kind]
            said = [column.name + (f" ({_values(column)})" if kind == "category" else "") for column in own]
            filled = encoding.may_miss and kind != "category"
            end = f"; missing ones filled with {_fill(data)}" if filled else ""
            lines += [f"{word}: {_shown(said)}{end}"] if own else []
        marked = [column.name for column in encoding.columns if column.indicator]
        lines += [f"features say where these were missing: {_shown(marked)}"] if marked else []
    left_out = [*data.exclude, *(name[1:] for name in data.columns if name.startswith("-"))]
    lines += [f"left out: {_shown(left_out)}"] if left_out else []
    return lines


def _fill(data: Data) -> str:
    fill = wishes_of(data).fill
    return f"their {fill}" if isinstance(fill, str) else f"{fill:g}"


def _became(column: Column) -> str:
    words = {"number": "number", "date": "days since 1970-01-01"}.get(column.kind)
    said = words or f"category: {_values(column)}"
    if column.fill is not None:
        said += f"; a missing one is {_filled(column.kind, column.fill)}"
    return said + ("; a feature says where it was missing" if column.indicator else "")


def _filled(kind: str, fill: float) -> str:
    """The number; of days the date, with the time of day where they are not whole."""
    if kind != "date" or abs(fill) > MOST_DAYS:
        return f"{fill:g}"
    date, _, time = str(np.datetime64(round(fill * 86_400), "s")).partition("T")
    return date if time == "00:00:00" else f"{date} {time}"


def _values(column: Column) -> str:
    if column.width:
        return f"hashed to {column.width} features"
    rare = f", {len(column.rare)} rare joined" if column.rare else ""
    count = len(column.categories)
    return f"{count} value{'s' * (count != 1)}{rare}"


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_SHOWN]) + (
        f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    )
