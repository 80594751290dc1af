"""Choose the label, weight and feature columns of a file by name or number."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import NamedTuple, Protocol

from nnspark.errors import DataError, RecipeError
from nnspark.sources import refusals

__all__ = [
    "Asked",
    "Columns",
    "as_list",
    "choose_columns",
    "features_of",
    "listed",
    "position_of",
    "refuse_twins",
]


PANDAS_INDEX = re.compile(r"__index_level_\d+__")  # what pandas calls its rows' own names in files and Arrow


class Asked(Protocol):
    """A data section, or what has its keys that name columns."""

    @property
    def label(self) -> str | int | Sequence[str | int]:
        """The target, or several, by name or number."""

    @property
    def weight(self) -> str:
        """The column of row weights; empty for none."""

    @property
    def columns(self) -> Sequence[str]:
        """The features; empty for all others, "-name" for all but one."""

    @property
    def exclude(self) -> Sequence[str]:
        """Columns that are no features."""

    @property
    def part_column(self) -> str:
        """The column that says each row's part; empty for none."""

    @property
    def set_aside(self) -> str:
        """A column that is no feature where it is there; empty for none."""


class Columns(NamedTuple):
    """Positions in the file: of the features in their order, the label(s); the weight and the part if any."""

    features: tuple[int, ...]
    labels: tuple[int, ...]
    weight: int | None
    part: int | None = None


def choose_columns(names: Sequence[str], asked: Asked, where: str) -> Columns:
    """Resolve the recipe's label, weight, part, columns and exclude against the names that ``where`` has.

    Raises DataError for a name the file does not have (with the nearest one) or has twice (in any case),
    RecipeError when a column would be both feature and label.
    """
    refuse_twins(names, where)
    wanted = as_list(asked.label)
    if not wanted:
        raise RecipeError("data.label is empty; set it to the label column's name or number")
    labels = tuple(position_of(one, names, "data.label", where) for one in wanted)
    weight_at = position_of(asked.weight, names, "data.weight", where) if asked.weight else None
    part = asked.part_column
    part_at = position_of(part, names, "data.split.column", where) if part else None
    others = [at for at in (weight_at, part_at) if at is not None]
    taken = {*labels, *others}
    if len(taken) < len(labels) + len(others):
        keys = (
            "data.label and data.weight"
            if part_at is None
            else "data.label, data.weight and data.split.column"
        )
        raise RecipeError(f"{keys} name one column of {where} twice")
    if asked.set_aside and asked.set_aside in names:  # a column may have no name
        taken.add(names.index(asked.set_aside))
    features = features_of(names, asked.columns, asked.exclude, where, taken)
    if not features:
        raise DataError(f"{where} has no feature column besides the label: its columns are {listed(names)}")
    return Columns(features, labels, weight_at, part_at)


def features_of(
    names: Sequence[str],
    columns: Sequence[str],
    exclude: Sequence[str],
    where: str,
    taken: Collection[int] = (),
) -> tuple[int, ...]:
    """Positions of the features: the columns listed, or all that are not ``taken``; without those excluded.

    Nor is an index without a name that pandas has stored, unless it is listed. "-id" in ``columns`` is "id"
    in ``exclude``, where no column has that very name.
    """
    minus = [name for name in columns if name.startswith("-") and name not in names]
    listed_names = [name for name in columns if name not in minus]
    if minus and listed_names:
        raise RecipeError(
            f"data.columns has both columns to keep, such as {listed_names[0]!r}, and to leave out, "
            f"{minus[0]!r}; list the latter in data.exclude"
        )
    out = {position_of(name, names, "data.exclude", where) for name in exclude}
    out |= {position_of(name[1:], names, "data.columns without its '-'", where) for name in minus}
    both = [names[at] for at in sorted(out & {*taken})]
    if both:
        raise RecipeError(f"column {both[0]!r} is to be left out but is also the label or the weight")
    if not listed_names:
        out |= {at for at, name in enumerate(names) if PANDAS_INDEX.fullmatch(name)}
        return tuple(at for at in range(len(names)) if at not in taken and at not in out)
    features = [position_of(name, names, "data.columns", where) for name in listed_names]
    twice = [names[at] for at, count in Counter(features).items() if count > 1]
    if twice:
        raise RecipeError(f"data.columns lists column {twice[0]!r} twice")
    both = [names[at] for at in features if at in taken]
    if both:
        raise RecipeError(f"column {both[0]!r} is listed in data.columns but is also the label or the weight")
    return tuple(at for at in features if at not in out)


def refuse_twins(names: Sequence[str], where: str) -> None:
    """Raise DataError where two columns have one name, or names that Spark does not tell apart."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise refusals.more_than_one(twice[0], where)
    seen: dict[str, str] = {}
    for name in names:
        if name.lower() in seen:
            raise refusals.differ_in_case(seen[name.lower()], name, where)
        seen[name.lower()] = name


def position_of(column: str | int, names: Sequence[str], key: str, where: str) -> int:
    """Return the position of a column given by name, or by number from 0 (negative: from the end)."""
    if isinstance(column, int) and not isinstance(column, bool):
        if -len(names) <= column < len(names):
            return column % len(names)
        raise DataError(f"{key} = {column}, but {where} has {len(names)} columns: 0 to {len(names) - 1}")
    if column in names:
        return names.index(column)
    if tuple(names) == tuple(map(str, range(len(names)))):
        raise DataError(
            f"{key} = {column!r}, but the columns of {where} have no names; give a number from 0 to "
            f"{len(names) - 1}, -1 for the last"
        )
    near = get_close_matches(str(column), names, n=1)
    hint = f"did you mean {near[0]!r}? It" if near else "it"
    raise DataError(f"{key} = {column!r} is not a column of {where}; {hint} has {listed(names)}")


def listed(names: Sequence[str]) -> str:
    """List the first few names."""
    shown = ", ".join(repr(name) for name in names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"


def as_list(label: str | int | Sequence[str | int]) -> list[str | int]:
    """Return one or several column names or numbers as a list."""
    if isinstance(label, int):
        return [label]
    if isinstance(label, str):
        return [label] if label else []
    return list(label)
