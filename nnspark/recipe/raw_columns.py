"""What ``[data]`` asks of columns that are no numbers, or not whole: categorical, missing, dates."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from nnspark.errors import RecipeError

__all__ = ["Wishes", "refuse_learned", "wishes_of"]

CATEGORICAL = ("columns", "least", "hash")
LEARNED = ("mean", "median")
FILLS = ("error", *LEARNED)
MOST_WIDTH = 1 << 16


class Asking(Protocol):
    """A data section, or what has its keys."""

    @property
    def categorical(self) -> Any:
        """Which columns become one column a value."""

    @property
    def missing(self) -> Any:
        """What stands for values that are not there."""

    @property
    def dates(self) -> Any:
        """Which columns are dates."""


class Wishes(NamedTuple):
    """The three keys in one form.

    auto : whether columns of text and booleans are categories; ``categorical`` names more of them.
    least : a category of fewer training rows is joined with the other rare ones.
    hashed : columns whose values share so many features, by their hash.
    dates : columns of days.
    fill : "error", "mean", "median" or the number that stands for a missing value.
    indicator : whether a feature says where a value was missing.
    """

    auto: bool = False
    categorical: tuple[str, ...] = ()
    least: int = 1
    hashed: Mapping[str, int] = {}
    dates: tuple[str, ...] = ()
    fill: str | float = "error"
    indicator: bool = False

    @property
    def may_miss(self) -> bool:
        """Whether values may be missing."""
        return self.fill != "error"

    @property
    def wanted(self) -> bool:
        """Whether anything is asked at all."""
        return self != Wishes()

    @property
    def named(self) -> tuple[tuple[str, str], ...]:
        """Every column that is named, with the key that names it."""
        pairs = [("data.categorical", name) for name in (*self.categorical, *self.hashed)]
        return (*pairs, *(("data.dates", name) for name in self.dates))


def wishes_of(data: Asking) -> Wishes:
    """The wishes of a data section; RecipeError, naming the key, at the first that cannot be."""
    auto, names, least, hashed = _categorical(data.categorical)
    fill, indicator = _missing(data.missing)
    wishes = Wishes(auto, names, least, hashed, tuple(data.dates), fill, indicator)
    seen: dict[str, str] = {}
    for key, name in wishes.named:
        if name in seen:
            raise RecipeError(f"{key}: column {name!r} is named twice; a column is read in one way")
        seen[name] = key
    return wishes


def refuse_learned(data: Asking) -> None:
    """RecipeError for keys by which each fold's training rows would teach something else.

    Hashed categories, dates and a number that fills are the same in all folds.
    """
    wishes = wishes_of(data)
    learned = (
        ("data.categorical", "none", bool(wishes.auto or wishes.categorical), data.categorical),
        ("data.missing", '"error" or a number', wishes.fill in LEARNED or wishes.indicator, data.missing),
    )
    for key, expected, is_asked, value in learned:
        if is_asked:
            raise RecipeError(
                f"{key}: expected {expected} with data.split.folds, as each fold would learn another from "
                f"its training rows, got {value!r}; encode them before, or use the recipe's own split"
            )


def _categorical(spec: Any) -> tuple[bool, tuple[str, ...], int, dict[str, int]]:
    table = dict(spec) if isinstance(spec, Mapping) else {"columns": spec}
    unknown = [key for key in table if key not in CATEGORICAL]
    if unknown:
        raise RecipeError(f"data.categorical.{unknown[0]}: known here: {', '.join(CATEGORICAL)}")
    columns, least, hashed = table.get("columns", []), table.get("least", 1), table.get("hash", {})
    auto = columns == "auto"
    if not auto and (isinstance(columns, str) or not _are_names(columns)):
        raise RecipeError(
            f'data.categorical: expected "auto" (text and booleans) or a list of columns, got {columns!r}'
        )
    if not _is_whole(least) or least < 1:
        raise RecipeError(f"data.categorical.least: expected a number of rows, 1 or more, got {least!r}")
    if not isinstance(hashed, Mapping):
        raise RecipeError(f"data.categorical.hash: expected a table like {{zip = 64}}, got {hashed!r}")
    for name, width in hashed.items():
        if not _is_whole(width) or not 2 <= width <= MOST_WIDTH:
            raise RecipeError(
                f"data.categorical.hash.{name}: expected a number of features from 2 to {MOST_WIDTH}, "
                f"got {width!r}"
            )
    return auto, () if auto else tuple(columns), least, dict(hashed)


def _missing(spec: Any) -> tuple[str | float, bool]:
    table = dict(spec) if isinstance(spec, Mapping) else {"fill": spec}
    unknown = [key for key in table if key not in ("fill", "indicator")]
    if unknown or "fill" not in table:
        raise RecipeError(
            f'data.missing: expected {{fill = "mean", indicator = true}} or such, got {dict(table)!r}'
        )
    fill, indicator = table["fill"], table.get("indicator", False)
    if not isinstance(indicator, bool):
        raise RecipeError(f"data.missing.indicator: expected true or false, got {indicator!r}")
    if isinstance(fill, str):
        if fill not in FILLS:
            raise RecipeError(f"data.missing: expected one of {', '.join(FILLS)} or a number, got {fill!r}")
        if fill == "error" and indicator:
            raise RecipeError('data.missing: an indicator needs another fill than "error"')
        return fill, indicator
    if isinstance(fill, bool) or not isinstance(fill, int | float) or not math.isfinite(fill):
        raise RecipeError(f"data.missing: expected one of {', '.join(FILLS)} or a number, got {fill!r}")
    return float(fill), indicator


def _are_names(value: Any) -> bool:
    return isinstance(value, Sequence) and all(isinstance(name, str) for name in value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
