"""Values that cannot be used: counted on the executors by kind and column, refused in the driver's words."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from nnspark.engines.conservation import changed
from nnspark.engines.frames.columns import Layout, unknown_labels
from nnspark.errors import DataError
from nnspark.sources import refusals
from nnspark.sources.given import NO_PART, part_numbers
from nnspark.sources.raw import raw_of_arrow

__all__ = ["BadValues", "bad_values", "corrupt_records", "refuse_bad"]

KINDS = (
    "corrupt",
    "null",
    "width",
    "holes",
    "no part",
    "not finite",
    "weight",
    "no label",
    "infinite label",
    "not binary",
    "no logarithm",
    "no date",
    "not utf8",
    "unknown label",
)
BadValues: TypeAlias = dict[tuple[str, str], int]
"""How many there are of a kind in a normalised column."""


def bad_values(batch: Any, layout: Layout) -> BadValues:
    """Counts of unusable values, by kind and normalised column."""
    bad: BadValues = {}
    for index, name in enumerate(batch.schema.names):
        column = batch.column(index)
        if name == "corrupt":
            counts = {"corrupt": batch.num_rows - column.null_count}
        elif name == "g" and layout.part:
            counts = {"no part": int((part_numbers(column) == NO_PART).sum())}
        elif name.startswith("t"):
            counts = _bad_labels(column, layout)
        elif layout.raw_of(name) != "number":
            counts = _bad_texts(column, layout, name)
        elif column.null_count and not (layout.may_miss and layout.is_number(name)):
            counts = {"null": column.null_count}
        elif layout.width_of(name) is not None:
            counts = _bad_arrays(column, layout.width_of(name))
        else:
            values = column.to_numpy(zero_copy_only=False)
            finite = np.isfinite(values)
            if name == "w":
                counts = {"weight": int((~finite | (values < 0)).sum())}
            else:
                bad_numbers = np.isinf(values) if layout.may_miss else ~finite
                counts = {"not finite": int(bad_numbers.sum())}
        bad |= {(kind, name): count for kind, count in counts.items() if count}
    return bad


def _bad_texts(column: Any, layout: Layout, name: str) -> dict[str, int]:
    """Of categories and dates: missing ones, unless they may be, text that is no date, or no text at all."""
    import pyarrow.compute as pc

    broken = 0
    if layout.text:
        broken = pc.sum(pc.cast(pc.match_substring(column, "\ufffd"), "int64")).as_py() or 0
    values = raw_of_arrow(layout.raw_of(name), column, layout.source_of(name)).values
    return {
        "null": 0 if layout.may_miss else int(np.isnan(values).sum()),
        "no date": int(np.isinf(values).sum()),
        "not utf8": broken,
    }


def _bad_arrays(column: Any, width: int | None) -> dict[str, int]:
    values = column.flatten()
    return {
        "width": int((np.diff(column.offsets.to_numpy()) != width).sum()),
        "holes": values.null_count,
        "not finite": int(np.isinf(values.to_numpy(zero_copy_only=False)).sum())
        if values.null_count
        else int((~np.isfinite(values.to_numpy(zero_copy_only=False))).sum()),
    }


def _bad_labels(column: Any, layout: Layout) -> dict[str, int]:
    """Nulls and NaN are no labels; targets are finite, and 0 or 1 where each is a class of its own."""
    if column.null_count:
        return {"no label": column.null_count}
    if layout.codes is not None:
        return {"unknown label": unknown_labels(column, layout)}
    if layout.classes is not None or layout.task == "classification":
        return {}
    values = column.to_numpy(zero_copy_only=False)
    missing, infinite = np.isnan(values), np.isinf(values)
    binary = missing | infinite | (values == 0) | (values == 1)
    return {
        "no label": int(missing.sum()),
        "infinite label": int(infinite.sum()),
        "not binary": int((~binary).sum()) if layout.task == "multilabel" else 0,
        "no logarithm": int((values <= -1).sum()) if layout.log else 0,
    }


@dataclass
class Corrupt:
    """A number of records."""

    count: int = 0

    def merge(self, other: "Corrupt") -> "Corrupt":
        """Add other records; returns self."""
        self.count += other.count
        return self


def corrupt_records(batches: Iterable[Any]) -> Corrupt:
    """Worker function: how many records of a text file do not fit."""
    corrupt = (batch.column(batch.schema.get_field_index("corrupt")) for batch in batches)
    return Corrupt(sum(len(column) - column.null_count for column in corrupt))


def refuse_bad(bad: BadValues, layout: Layout, locate: Any) -> None:
    """Raise DataError for the unusable values there are; ``locate(kind, column)`` names the first."""
    if not bad:
        return
    (kind, column), count = min(bad.items(), key=lambda item: (KINDS.index(item[0][0]), item[0]))
    total = sum(bad.values())
    others = f" ({total} unusable values in all columns)" if total > count else ""
    name = layout.source_of(column)
    if kind == "unknown label":
        raise changed(
            "the search for classes and the survey",
            f"no label but {len(layout.spellings)}",
            f"{count} rows of others",
        )
    place = locate(kind, column)
    if kind == "corrupt":
        where = f"; the first is {place}" if place else ""
        raise DataError(
            f"{count} records do not have one number a feature column and as many fields as the first{others}"
            f"{where}; remove or fill such rows"
        )
    if kind == "width":
        detail = f"{count} rows have others than {layout.width_of(column)} values"
        raise refusals.ragged(name, f"{detail}; the first is {place}" if place else detail, others=others)
    if kind == "not utf8":
        first = f", the first of them at {place}" if place else ""
        raise refusals.not_utf8(f"text of {count} rows", f"column {name!r}{first}")
    if kind == "no date" or (kind == "null" and layout.raw_of(column) != "number"):
        raise (refusals.no_date if kind == "no date" else refusals.null)(name, count, place, others=others)
    if kind == "no part":
        raise refusals.no_part(name, count, place, others=others)
    if kind == "null" and layout.text:
        raise refusals.empty_cell(name, place, others=f" in {count} rows{others}")
    if kind in ("null", "holes", "not finite"):
        say: Any = {"null": refusals.null, "holes": refusals.holes, "not finite": refusals.not_finite}[kind]
        raise say(name, count, place, others=others)
    say = {
        "weight": refusals.bad_weights,
        "no label": refusals.no_label,
        "infinite label": refusals.infinite_label,
        "not binary": refusals.not_binary,
        "no logarithm": refusals.no_logarithm,
    }[kind]
    at = "at " if place and kind in ("no label", "infinite label", "no logarithm") else ""
    raise say(f"column {name!r}", count, f"{at}{place}", others=others)
