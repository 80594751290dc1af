"""``SweepCrossValidator``: what Spark's CrossValidator does for a perceptron, in one pass over the rows.

Spark trains settings times folds one after the other, each from its own read of the data. Here the rows are
laid out once in folds, and all models share every pass over them (``training/together.py``).

Above 200 lines, as the Params and their checks stand beside what they are of.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyspark import keyword_only
from pyspark.ml import Estimator
from pyspark.ml.evaluation import Evaluator
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasCollectSubModels, HasSeed
from pyspark.ml.tuning import CrossValidatorModel

from nnspark.data.folds import shared_recipe
from nnspark.engines.base import Shards
from nnspark.engines.folds import Folds
from nnspark.errors import DivergedError, RecipeError
from nnspark.ml.classifier import MultilayerPerceptronClassifier
from nnspark.ml.columns import Source, read_source
from nnspark.ml.evaluators import evaluator_of, metric_of
from nnspark.ml.fitting import Fit, fit_on
from nnspark.ml.layout import lay_out, training_on
from nnspark.ml.regressor import MultilayerPerceptronRegressor
from nnspark.ml.translate import in_params, recipe_of
from nnspark.recipe import Recipe, Split
from nnspark.training.members import Member
from nnspark.training.together import AT_ONCE, Together

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["SweepCrossValidator"]

SHARED = (
    "featuresCol", "labelCol", "weightCol", "validationIndicatorCol", "dtype", "blockSize", "standardization",
    "replicas", "engine",
)  # fmt: skip


class Setting(NamedTuple):
    """One param map: the estimator with it, and its recipe."""

    estimator: Any
    recipe: Recipe


class SweepCrossValidator(HasSeed, HasCollectSubModels, Estimator[CrossValidatorModel]):
    """Cross-validation of nnspark's perceptrons over a grid of Params, all models in the same passes.

    The arguments are those of ``pyspark.ml.tuning.CrossValidator`` without ``parallelism`` (all models train
    at once) and ``foldCol``; ``evaluator`` may also be the name of a metric: f1, accuracy, logLoss,
    areaUnderROC, areaUnderPR, rmse, mae or r2. Rows belong to a fold by their own values, so that partitions
    do not matter (equal rows share a fold). Each model's weights are those that it would have alone on its
    folds' blocks. f1 and the areas count a fold's rows, the other metrics weigh them as the estimator's
    ``weightCol`` says; an evaluator that would do otherwise is refused. Sub-models have a history, and
    figures by ``evaluate``: which rows are of a fold, Spark cannot tell.
    """

    __module__ = "nnspark.ml"
    _input_kwargs: dict[str, Any]

    estimator: Param[Any] = Param(Params._dummy(), "estimator", "estimator to be cross-validated")
    estimatorParamMaps: Param[Any] = Param(Params._dummy(), "estimatorParamMaps", "estimator param maps")
    evaluator: Param[Any] = Param(Params._dummy(), "evaluator", "an evaluator, or the name of its metric")
    numFolds: Param[int] = Param(
        Params._dummy(),
        "numFolds",
        "number of folds for cross validation",
        typeConverter=TypeConverters.toInt,
    )

    @keyword_only
    def __init__(
        self,
        *,
        estimator: Any = None,
        estimatorParamMaps: Sequence[Any] | None = None,
        evaluator: Evaluator | str | None = None,
        numFolds: int = 3,
        seed: int | None = None,
        collectSubModels: bool = False,
    ) -> None:
        super().__init__()
        self._setDefault(numFolds=3, seed=42, collectSubModels=False)
        self._set(**{name: value for name, value in self._input_kwargs.items() if value is not None})

    def _fit(self, dataset: "DataFrame") -> CrossValidatorModel:
        estimator, folds = self._checked_estimator(), self.getOrDefault(self.numFolds)
        maps = _checked_maps(self._required("estimatorParamMaps", "a list of param maps"))
        if folds < 2:
            raise RecipeError(f"numFolds: expected 2 or more, got {folds}")
        classification = isinstance(estimator, MultilayerPerceptronClassifier)
        problem = "classification" if classification else "regression"
        evaluator = self._required("evaluator", "an evaluator, or the name of a metric")
        metric, larger = metric_of(evaluator, problem, estimator)
        _refuse_what_is_shared(estimator, maps)
        source = read_source(estimator, dataset, classification=classification)
        split = Split(1.0, 0.0, 0.0, self.getOrDefault(self.seed) % 2**63, folds=folds)
        settings = [_setting(estimator.copy(one), source, split) for one in maps]
        if len({one.recipe.rounds.groups for one in settings}) > 1:
            raise RecipeError("batchSize: expected all param maps to train on mini-batches, or none")
        first = settings[0].recipe
        engine, models = estimator.getOrDefault("engine"), len(maps) * folds
        with lay_out(source, shared_recipe(first), engine, models=models) as shards, in_params():
            fits, whole, best, scores = training_on(
                shards, source.frame, lambda: _searched(shards, source, settings, folds, metric, larger)
            )
        model = CrossValidatorModel(
            best.estimator._model_of(whole, dataset),
            scores.mean(axis=1).tolist(),
            self._sub_models(settings, fits, folds),
            scores.std(axis=1).tolist(),
        )
        copied: CrossValidatorModel = self._copyValues(model, {self.evaluator: evaluator_of(evaluator)})
        return copied

    def _sub_models(
        self, settings: Sequence[Setting], fits: dict[tuple[int, int], Fit], folds: int
    ) -> list[list[Any]] | None:
        """The models by fold and param map, if they are wanted; None for one that diverged."""
        if not self.getCollectSubModels():
            return None
        return [
            [
                one.estimator._model_of(fits[n, fold], None) if (n, fold) in fits else None
                for n, one in enumerate(settings)
            ]
            for fold in range(folds)
        ]

    def _required(self, name: str, what: str) -> Any:
        if not self.isDefined(name):
            raise RecipeError(f"{name}: expected {what}, got none")
        return self.getOrDefault(name)

    def _checked_estimator(self) -> Any:
        estimator = self._required("estimator", "one of nnspark.ml's perceptrons")
        if not isinstance(estimator, MultilayerPerceptronClassifier | MultilayerPerceptronRegressor):
            raise RecipeError(
                f"estimator: expected one of nnspark.ml's perceptrons, got {type(estimator).__name__}; "
                "Spark's CrossValidator takes pipelines and other estimators"
            )
        patience = estimator.getOrDefault("earlyStoppingPatience")
        if patience and estimator.getOrDefault("earlyStoppingMonitor").startswith("validation"):
            raise RecipeError(
                "earlyStoppingMonitor: expected loss or cost, as the fold that validates must not stop what "
                f"it judges, got {estimator.getOrDefault('earlyStoppingMonitor')!r}"
            )
        return estimator


class Searched(NamedTuple):
    """The fits by setting and fold, without those that diverged; the best setting's on all rows; the scores.

    ``scores`` (settings, folds) are NaN of those that diverged.
    """

    fits: dict[tuple[int, int], Fit]
    whole: Fit
    best: Setting
    scores: NDArray[np.float64]


def _searched(
    shards: Shards, source: Source, settings: Sequence[Setting], folds: int, metric: str, larger: bool
) -> Searched:
    """Train every setting on every fold, all together, and the best one again on all rows."""
    first = settings[0].recipe
    laid = Folds(shards, first)
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
    if not np.isfinite(means).any():
        raise DivergedError(f"no param map has a finite {metric}: try a smaller stepSize")
    best = settings[int(np.nanargmax(means) if larger else np.nanargmin(means))]
    whole = fit_on(laid.shards(-1), best.estimator, source, best.recipe)
    return Searched(fits, whole, best, scores)


def _checked_maps(maps: Any) -> list[dict[Any, Any]]:
    """The param maps; RecipeError unless they are a list of such, of Params with values."""
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
    return [dict(one) for one in maps]


def _refuse_what_is_shared(estimator: Any, maps: Sequence[dict[Any, Any]]) -> None:
    for one in maps:
        for param in one:
            if param.name in SHARED:
                raise RecipeError(
                    f"estimatorParamMaps: {param.name} cannot be varied: all models share the rows' layout; "
                    "fit a SweepCrossValidator for each value"
                )
            if not estimator.hasParam(param.name):
                raise RecipeError(
                    f"estimatorParamMaps: {type(estimator).__name__} has no Param {param.name!r}"
                )


def _setting(estimator: Any, source: Source, split: Split) -> Setting:
    recipe = recipe_of(estimator, source)
    return Setting(estimator, replace(recipe, data=replace(recipe.data, split=split)))


def _score(found: Fit | None, metric: str) -> float:
    """A model's figure on its fold; NaN where there is none."""
    value = None if found is None else found.metrics["validation"].get(metric)
    return float("nan") if value is None else float(value)
