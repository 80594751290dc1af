"""Train every setting of a search on every fold, all in the same passes, and the best one on all rows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyspark.ml.param import Param

from nnspark.engines.base import Shards
from nnspark.engines.folds import Folds
from nnspark.errors import DataError, DivergedError, RecipeError
from nnspark.ml.columns import Source
from nnspark.ml.fitting import Fit, fit_on
from nnspark.ml.translate import recipe_of
from nnspark.objective.metrics import METRICS
from nnspark.recipe import Recipe, Split
from nnspark.training.members import Member
from nnspark.training.together import AT_ONCE, Together

__all__ = ["Searched", "Setting", "checked_maps", "searched", "settings_of"]

SHARED = (
    "featuresCol", "labelCol", "weightCol", "validationIndicatorCol", "dtype", "blockSize", "standardization",
    "replicas", "engine",
)  # fmt: skip


class Setting(NamedTuple):
    """One param map: the estimator with it, and its recipe."""

    estimator: Any
    recipe: Recipe


class Searched(NamedTuple):
    """The fits by setting and fold, without those that diverged; the best setting's on all rows; the scores.

    ``scores`` (settings, folds) are NaN of those that diverged.
    """

    fits: dict[tuple[int, int], Fit]
    whole: Fit
    best: Setting
    scores: NDArray[np.float64]


def searched(
    shards: Shards, source: Source, settings: Sequence[Setting], folds: int, metric: str, larger: bool
) -> Searched:
    """Train every setting on every fold, all together, and the best one again on all rows."""
    first = settings[0].recipe
    laid = Folds(shards, first, named=source.fold)
    views = [laid.shards(fold).view for fold in range(folds)]

    def one(setting: Setting, fold: int, member: Member) -> Fit:
        return fit_on(member, setting.estimator, source, setting.recipe, view=views[fold], member=member)

    works = [
        ((number, fold), partial(one, setting, fold))
        for number, setting in enumerate(settings)
        for fold in range(folds)
    ]
    fits: dict[tuple[int, int], Fit] = {}
    for member in Together(shards, AT_ONCE, first.training.epochs).run(works):
        if member.error is not None and not isinstance(member.error, DivergedError):
            raise member.error
        if member.error is None:
            fits[member.name] = member.outcome
    scores = np.array(
        [[_score(fits.get((n, f)), metric) for f in range(folds)] for n in range(len(settings))]
    )
    means = scores.mean(axis=1)
    if not np.isfinite(means).any() and len(fits) == scores.size:
        raise DataError(
            f"no param map has a {metric} on every fold: expected rows of several classes in each"
        )
    if not np.isfinite(means).any():
        raise DivergedError(f"no param map has a finite {metric}: try a smaller stepSize")
    best = settings[int(np.nanargmax(means) if larger else np.nanargmin(means))]
    whole = fit_on(laid.shards(-1), best.estimator, source, best.recipe)
    return Searched(fits, whole, best, scores)


def checked_maps(maps: Any, estimator: Any) -> list[dict[Any, Any]]:
    """The param maps; RecipeError unless they are a list of such, of the estimator's Params, with values.

    Params that change how rows are laid out are refused: all models share that.
    """
    is_list = isinstance(maps, Sequence) and not isinstance(maps, str)
    if not is_list or not all(
        isinstance(one, dict) and all(isinstance(param, Param) for param in one) for one in maps
    ):
        raise RecipeError(
            "estimatorParamMaps: expected a list of param maps, as ParamGridBuilder().build() gives, got "
            f"{maps!r}"
        )
    if not maps:
        raise RecipeError("estimatorParamMaps: expected at least one param map, got none")
    _refuse_what_is_shared(estimator, maps)
    return [dict(one) for one in maps]


def _refuse_what_is_shared(estimator: Any, maps: Sequence[Mapping[Any, Any]]) -> None:
    for one in maps:
        for param in one:
            if param.name in SHARED:
                raise RecipeError(
                    f"estimatorParamMaps: {param.name} cannot be varied: all models share the rows' layout; "
                    "fit a SweepCrossValidator for each value"
                )
            if estimator.hasParam(param.name) and param.parent != estimator.uid:
                raise RecipeError(
                    f"estimatorParamMaps: expected Params of the estimator {estimator.uid}, got "
                    f"{param.name!r} of {param.parent}: make the grid of the estimator that is given"
                )
            if not estimator.hasParam(param.name):
                raise RecipeError(
                    f"estimatorParamMaps: {type(estimator).__name__} has no Param {param.name!r}"
                )


def settings_of(
    estimator: Any, maps: Sequence[Mapping[Any, Any]], source: Source, split: Split, metric: str
) -> list[Setting]:
    """A setting for each param map, the first of which ``source`` was read for.

    Raises
    ------
    RecipeError : some train on mini-batches, and some not; layers begin or end otherwise than the first's;
        thresholds, where the metric is of the likeliest class.
    """
    for one in maps:
        tried = estimator.copy(one)
        _refuse_other_ends(tried.optional(tried.layers), source)
        if METRICS[metric].decides and tried.isSet("thresholds"):
            raise RecipeError(
                f"thresholds: expected none beside {metric}, which is taken of the likeliest class here: "
                "search without them and set them on the best model, or judge by logLoss or an area"
            )
    recipes = [recipe_of(estimator.copy(one), source) for one in maps]
    settings = [
        Setting(estimator.copy(one), replace(recipe, data=replace(recipe.data, split=split)))
        for one, recipe in zip(maps, recipes, strict=True)
    ]
    if len({one.recipe.rounds.groups for one in settings}) > 1:
        raise RecipeError("batchSize: expected all param maps to train on mini-batches, or none")
    return settings


def _refuse_other_ends(layers: Sequence[int] | None, source: Source) -> None:
    """RecipeError where layers say that rows have other features or classes than they were read with."""
    classes = max(2, layers[-1]) if layers and source.num_classes else source.num_classes
    if layers and (layers[0], classes) != (source.width, source.num_classes):
        last = f" and {source.num_classes} classes last" if source.num_classes else ""
        raise RecipeError(
            f"estimatorParamMaps: layers: expected {source.width} features first{last} in all, as all models "
            f"share the rows, got {layers}"
        )


def _score(found: Fit | None, metric: str) -> float:
    """A model's figure on its fold; NaN where there is none."""
    value = None if found is None else found.metrics["validation"].get(metric)
    return float("nan") if value is None else float(value)
