"""Which values cannot be used, by the kind that ``bad_values`` counts: as columns of Spark, and as text."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnspark.engines.frames.columns import Layout
from nnspark.sources.given import NO_PART, is_part, part_numbers
from nnspark.sources.labels import parse_number
from nnspark.sources.raw import raw_of_arrow

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column

__all__ = ["Kind", "kind_of"]

MISFITS = {"null": np.isnan, "no date": np.isinf}
BROKEN = "\ufffd"


class Kind(NamedTuple):
    """How a value of a kind is told: of a column of numbers, and of a cell of text, without its blanks.

    ``shown`` says the value before the place, as a format; empty where the refusal does not.
    """

    column: Callable[[Any], Any]
    cell: Callable[[str], bool]
    shown: str = ""


def kind_of(layout: Layout, kind: str, column: str) -> Kind:
    """How values of a kind are told in a normalised column."""
    raw = layout.raw_of(column)
    if raw != "number" and kind in MISFITS:
        is_misfit = partial(_is_misfit, kind, raw, layout.source_of(column))
        return Kind(partial(_asked, is_misfit), partial(_is_misfit_cell, is_misfit))
    may_be_nan = layout.may_miss and layout.is_number(column)
    return _kinds()["infinite" if kind == "not finite" and may_be_nan else kind]


def _kinds() -> dict[str, Kind]:
    from pyspark.sql import functions as F

    def infinite(value: Any) -> Any:
        return F.abs(value) == float("inf")

    def not_finite(value: Any) -> Any:
        return F.isnan(value) | infinite(value)

    return {
        "null": Kind(lambda value: value.isNull(), _is_blank),
        "not finite": Kind(not_finite, _is_not_finite),
        "weight": Kind(lambda value: not_finite(value) | (value < 0), _is_no_weight, "{}"),
        "no part": Kind(partial(_asked, _is_no_part), _is_no_part_cell, "{!r}"),
        "no label": Kind(lambda value: value.isNull() | F.isnan(value), _is_no_label),
        "infinite label": Kind(infinite, _is_infinite),
        "infinite": Kind(infinite, _is_infinite),
        "no logarithm": Kind(lambda value: value <= -1, _is_no_logarithm),
        "not utf8": Kind(lambda value: value.contains(BROKEN), _is_broken),
        "not binary": Kind(lambda value: ~value.isin(0.0, 1.0), _is_not_binary, "{:g}"),
    }


def _is_blank(cell: str) -> bool:
    return not cell


def _is_not_finite(cell: str) -> bool:
    number = parse_number(cell)
    return number is not None and not abs(number) < float("inf")


def _is_infinite(cell: str) -> bool:
    number = parse_number(cell)
    return number is not None and abs(number) == float("inf")


def _is_no_weight(cell: str) -> bool:
    number = parse_number(cell)
    return number is not None and not 0 <= number < float("inf")


def _is_no_label(cell: str) -> bool:
    number = parse_number(cell)
    return not cell or (number is not None and number != number)


def _is_no_logarithm(cell: str) -> bool:
    number = parse_number(cell)
    return number is not None and number <= -1


def _is_broken(cell: str) -> bool:
    return BROKEN in cell


def _asked(is_wanted: Callable[["pa.Array"], "pa.Array"], value: "Column") -> "Column":
    """What executors answer of a column's values."""
    from pyspark.sql.pandas.functions import ArrowUDFType, arrow_udf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the type hints it asks for cannot be on a partial
        asked: Any = arrow_udf(is_wanted, "boolean", ArrowUDFType.SCALAR)
    answer: Column = asked(value)
    return answer


def _is_misfit(kind: str, raw: str, name: str, column: "pa.Array") -> "pa.Array":
    """Worker function: where raw values of a category or date are missing, or are no date."""
    import pyarrow as pa

    return pa.array(MISFITS[kind](raw_of_arrow(raw, column, name).values))


def _is_no_part(column: "pa.Array") -> "pa.Array":
    """Worker function: where text names no part."""
    import pyarrow as pa

    return pa.array(part_numbers(column) == NO_PART)


def _is_no_part_cell(cell: str) -> bool:
    return not is_part(cell)


def _is_misfit_cell(is_misfit: Callable[["pa.Array"], "pa.Array"], cell: str) -> bool:
    import pyarrow as pa

    return bool(is_misfit(pa.array([cell]))[0].as_py())


def _is_not_binary(cell: str) -> bool:
    number = parse_number(cell)
    return number is not None and number not in (0.0, 1.0)
