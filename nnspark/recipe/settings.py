"""The settings of a search: all combinations of a grid, or drawn at random."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from nnspark.errors import RecipeError
from nnspark.recipe.checks import require
from nnspark.recipe.sections import Recipe
from nnspark.recipe.text import is_number

__all__ = ["Setting", "grid_settings", "keys_of", "random_settings"]

Table = dict[str, Any]
Setting = Mapping[str, Any]

SHARED = ("data.", "spark.", "checkpoint.", "report.", "prediction.")
SHARED_KEYS = (
    "training.dtype", "training.block_rows", "training.engine", "training.threads", "training.class_weight",
    "rounds.replicas",
)  # fmt: skip


def grid_settings(grid: Table) -> list[Setting]:
    """All combinations of the values, the last key's first; RecipeError where there is none."""
    if not grid:
        raise RecipeError(
            'sweep.grid: expected at least one recipe key with a list of values, like "training.l2" = '
            "[0.1, 1.0], got none"
        )
    for key, values in grid.items():
        _check_key(f"sweep.grid.{key}", key, values)
        ok = isinstance(values, list) and bool(values)
        require(ok, f'sweep.grid."{key}"', "a list of at least one value", values)
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def random_settings(table: Table) -> list[Setting]:
    """As many draws as the table's ``number`` says, by its ``seed``; RecipeError where it cannot be."""
    options = {key: value for key, value in table.items() if "." not in key}
    for key in options:
        if key not in ("number", "seed"):
            raise RecipeError(f"sweep.random has no option {key!r}; known: number, seed, and recipe keys")
    number, seed = options.get("number", 20), options.get("seed", 42)
    for key, value, least in (("number", number, 1), ("seed", seed, 0)):
        ok = isinstance(value, int) and not isinstance(value, bool) and value >= least
        require(ok, f"sweep.random.{key}", f"a whole number of {least} or more", value)
    ranges = {key: value for key, value in table.items() if "." in key}
    if not ranges:
        raise RecipeError(
            'sweep.random: expected at least one recipe key, like "training.l2" = {low = 0.01, high = 10.0, '
            "log = true}, got none"
        )
    for key, spec in ranges.items():
        _check_key(f"sweep.random.{key}", key, spec)
        _check_range(f'sweep.random."{key}"', spec)
    rng = np.random.default_rng(seed)
    return [{key: _drawn(rng, spec) for key, spec in ranges.items()} for _ in range(number)]


def _check_range(key: str, spec: Any) -> None:
    if isinstance(spec, list):
        require(bool(spec), key, "a list of at least one value", spec)
        return
    expected = "a list of values, or {low = ..., high = ..., log = true or false}"
    require(
        isinstance(spec, dict) and {"low", "high"} <= set(spec) <= {"low", "high", "log"}, key, expected, spec
    )
    low, high, log = spec["low"], spec["high"], spec.get("log", False)
    numbers = all(is_number(one) and math.isfinite(one) for one in (low, high))
    apart = numbers and low < high and math.isfinite(float(high) - float(low))
    require(apart, key, "numbers with low < high, less than 1.8e308 apart", spec)
    require(isinstance(log, bool) and (not log or low > 0), key, "low above 0 where log = true", spec)


def _drawn(rng: np.random.Generator, spec: Any) -> Any:
    if isinstance(spec, list):
        return spec[int(rng.integers(len(spec)))]
    low, high = spec["low"], spec["high"]
    if spec.get("log"):
        value = math.exp(rng.uniform(math.log(low), math.log(high)))
    else:
        value = rng.uniform(low, high)
    whole = isinstance(low, int) and isinstance(high, int)
    return min(max(round(value), low), high) if whole else float(value)


def _check_key(where: str, key: str, value: Any) -> None:
    section, _, name = key.partition(".")
    sections = [one.name for one in fields(Recipe)]
    if not name or section not in sections:
        quoted = (
            f'; quote the whole key, "{key}.{next(iter(value))}"' if value and isinstance(value, dict) else ""
        )
        raise RecipeError(
            f'{where}: expected a recipe key, section.key, like "training.learning_rate", got {key!r}{quoted}'
        )
    if key.startswith(SHARED) or key in SHARED_KEYS:
        raise RecipeError(
            f"{where}: {key} cannot be swept: all models of a sweep share the layout of the rows, and "
            f"all that is no part of training; got {value!r}: run a sweep for each value"
        )


def keys_of(settings: Sequence[Setting]) -> list[str]:
    """The recipe keys that any setting has, in order."""
    return list(dict.fromkeys(key for setting in settings for key in setting))
