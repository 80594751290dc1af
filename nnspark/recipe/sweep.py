"""A sweep: which settings of a recipe are tried, and on which folds. The recipe's ``[sweep]`` section.

    [sweep]
    folds = 5
    [sweep.grid]
    "training.learning_rate" = [0.3, 1.0]
    "network.hidden" = [[25], [50]]

A setting is a table of recipe keys and values. Settings must leave the blocks as they are: all models of a
sweep train on the same ones.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any

from nnspark.errors import RecipeError
from nnspark.recipe.checks import check, one_of, require
from nnspark.recipe.data_section import MOST_FOLDS
from nnspark.recipe.sections import Recipe
from nnspark.recipe.settings import Setting, grid_settings, random_settings
from nnspark.recipe.source_checks import require_validation
from nnspark.recipe.text import build, is_number

__all__ = ["Sweep", "check_sweep", "kept", "model_recipe", "of_fold", "rungs", "settings_of"]

Table = dict[str, Any]

SEARCHES = ("grid", "random", "halving")


@dataclass(frozen=True)
class Sweep:
    """Many models of one recipe, trained together: settings times folds. ``jobs/sweep.py`` reads it.

    folds : folds of the cross-validation; 0 is the recipe's own split
    monitor : what ranks the settings: a metric, or validation_ and a metric
    search : grid, random or halving
    memory : MB that the weights and sums of a job may take; more models than fit train in waves
    grid : a list of values for each recipe key; all combinations are tried
    random : number and seed, and for each recipe key a list, or {low, high, log = true}
    halving : keep, the fraction that goes on after a rung, and first, the first rung's epochs
    """

    folds: int = 0
    monitor: str = "validation_loss"
    search: str = "grid"
    memory: int = 1024
    grid: Table = field(default_factory=dict)
    random: Table = field(default_factory=dict)
    halving: Table = field(default_factory=dict)


def check_sweep(sweep: Sweep, recipe: Recipe) -> None:
    """RecipeError at the first value that cannot be; every setting is a recipe that can be trained."""
    folds = sweep.folds
    among = folds == 0 or 2 <= folds <= MOST_FOLDS
    require(among, "sweep.folds", f"0 (the recipe's own split), or 2 to {MOST_FOLDS}", folds)
    own = recipe.data.split.folds
    require(
        not folds or own in (0, folds),
        "data.split.folds",
        f"0 beside sweep.folds = {folds}, whose folds the models have",
        own,
    )
    require(sweep.memory >= 1, "sweep.memory", "1 MB or more", sweep.memory)
    one_of("sweep.search", sweep.search, SEARCHES)
    if not folds and sweep.monitor.startswith("validation_"):
        require_validation(recipe.data, f"to rank by {sweep.monitor}")
    if sweep.search == "halving":
        _check_halving(sweep, recipe.training.epochs)
    elif sweep.halving:
        raise RecipeError(f"sweep.halving: expected sweep.search = 'halving', got {sweep.search!r}")
    wanted = "random" if _is_random(sweep) else "grid"
    other = sweep.grid if wanted == "random" else sweep.random
    if other:
        raise RecipeError(
            f"sweep.{'grid' if wanted == 'random' else 'random'}: expected one of sweep.grid and "
            f"sweep.random, by sweep.search = {sweep.search!r}, got both"
        )
    made = [model_recipe(recipe, sweep, setting) for setting in settings_of(sweep)]
    if len({one.rounds.groups for one in made}) > 1:
        raise RecipeError(
            "sweep: rounds.batch_size: expected all models to train on mini-batches, or none: they share "
            "their blocks; sweep the two apart"
        )


def settings_of(sweep: Sweep) -> list[Setting]:
    """The settings that are tried, in order; equal ones once."""
    found = random_settings(sweep.random) if _is_random(sweep) else grid_settings(sweep.grid)
    once: dict[Any, Setting] = {}
    for setting in found:
        once.setdefault(_frozen(setting), setting)
    return list(once.values())


def _frozen(value: Any) -> Any:
    """What can be looked up; equal where the values are."""
    if isinstance(value, dict):
        return frozenset((key, _frozen(one)) for key, one in value.items())
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def model_recipe(recipe: Recipe, sweep: Sweep, setting: Setting) -> Recipe:
    """The recipe of one model, on the first of the sweep's folds: its single run gives the same weights."""
    table = recipe.to_dict()
    for key, value in setting.items():
        section, _, name = key.partition(".")
        place = table.get(section)
        if not isinstance(place, dict):
            place = table[section] = {}
        place[name] = value
    try:
        made: Recipe = build(Recipe, table)
        if sweep.folds:
            split = replace(made.data.split, folds=sweep.folds, fold=0)
            made = replace(made, data=replace(made.data, split=split))
        check(made)
    except RecipeError as error:
        raise RecipeError(f"sweep: {error}") from None
    return made


def of_fold(recipe: Recipe, fold: int) -> Recipe:
    """A model's recipe for another fold, of as many."""
    return replace(recipe, data=replace(recipe.data, split=replace(recipe.data.split, fold=fold)))


def rungs(sweep: Sweep, epochs: int) -> list[int]:
    """The epochs after which halving keeps a fraction of the settings; empty for other searches."""
    if sweep.search != "halving":
        return []
    keep, settings = _keep(sweep), len(settings_of(sweep))
    first = sweep.halving.get("first") or max(1, math.ceil(epochs * max(keep, 1 / settings) ** 3))
    found: list[int] = []
    at = float(first)
    while round(at) < epochs and settings > 1:
        found.append(round(at))
        settings = kept(sweep, settings)
        at /= keep
    return found


def kept(sweep: Sweep, settings: int) -> int:
    """How many settings go on after a rung."""
    return max(1, math.ceil(settings * _keep(sweep) - 1e-9))


def _keep(sweep: Sweep) -> float:
    return float(sweep.halving.get("keep", 1 / 3))


def _is_random(sweep: Sweep) -> bool:
    return sweep.search == "random" or (sweep.search == "halving" and bool(sweep.random))


def _check_halving(sweep: Sweep, epochs: int) -> None:
    for key, value in sweep.halving.items():
        if key == "keep":
            ok = is_number(value) and 0 < value < 1
            require(ok, "sweep.halving.keep", "a fraction above 0 and below 1", value)
        elif key == "first":
            ok = isinstance(value, int) and not isinstance(value, bool) and 1 <= value < epochs
            require(ok, "sweep.halving.first", f"epochs, from 1 to below training.epochs = {epochs}", value)
        else:
            raise RecipeError(f"sweep.halving has no option {key!r}; known: first, keep")
