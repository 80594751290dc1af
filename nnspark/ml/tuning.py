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
from pyspark import keyword_only
from pyspark.ml import Estimator
from pyspark.ml.evaluation import (
    BinaryClassificationEvaluator,
    Evaluator,
    MulticlassClassificationEvaluator,
    RegressionEvaluator,
)
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasCollectSubModels, HasSeed
from pyspark.ml.tuning import CrossValidatorModel

from nnspark.data.folds import shared_recipe
from nnspark.engines.folds import Folds
from nnspark.engines.frames import reading
from nnspark.errors import DivergedError, RecipeError
from nnspark.ml.classifier import MultilayerPerceptronClassifier
from nnspark.ml.columns import Source, read_source
from nnspark.ml.fitting import Fit, fit_on, lay_out
from nnspark.ml.regressor import MultilayerPerceptronRegressor
from nnspark.ml.translate import in_params, recipe_of
from nnspark.objective.metrics import metrics_of
from nnspark.recipe import Recipe, Split
from nnspark.training.members import Member
from nnspark.training.together import Together

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["SweepCrossValidator"]

METRICS = {
    "f1": "f1_weighted",
    "accuracy": "accuracy",
    "logLoss": "log_loss",
    "areaUnderROC": "roc_auc",
    "areaUnderPR": "pr_auc",
    "rmse": "rmse",
    "mae": "mae",
    "r2": "r2",
}
"""Metric names of Spark's evaluators that are among the figures of every model here."""

LESS_IS_BETTER = ("logLoss", "rmse", "mae")
SHARED = (
    "featuresCol", "labelCol", "weightCol", "validationIndicatorCol", "dtype", "blockSize", "standardization",
    "replicas", "engine",
)  # fmt: skip
AT_ONCE = 256


class Setting(NamedTuple):
    """One param map: the estimator with it, and its recipe."""

    estimator: Any
    recipe: Recipe


class SweepCrossValidator(HasSeed, HasCollectSubModels, Estimator[CrossValidatorModel]):
    """Cross-validation of nnspark's perceptrons over a grid of Params, all models in the same passes.

    The arguments are those of ``pyspark.ml.tuning.CrossValidator`` without ``parallelism`` (all models train
    at once) and ``foldCol``; ``evaluator`` may also be the name of a
    metric: f1, accuracy, logLoss, areaUnderROC, areaUnderPR, rmse, mae or r2. Rows belong to a fold by their
    own values, so that partitions do not matter (equal rows share a fold). Each model's weights are those
    that it would have alone on its folds' blocks. Sub-models have a history, and figures by ``evaluate``:
    which rows are of a fold, Spark cannot tell.
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
        maps = [dict(one) for one in self._required("estimatorParamMaps", "a list of param maps")]
        if not maps:
            raise RecipeError("estimatorParamMaps: expected at least one param map, got none")
        if folds < 2:
            raise RecipeError(f"numFolds: expected 2 or more, got {folds}")
        classification = isinstance(estimator, MultilayerPerceptronClassifier)
        metric, larger = self._metric("classification" if classification else "regression")
        _refuse_what_is_shared(estimator, maps)
        with reading("the DataFrame"):
            source = read_source(estimator, dataset, classification=classification)
        split = Split(1.0, 0.0, 0.0, self.getOrDefault(self.seed) % 2**63, folds=folds)
        settings = [_setting(estimator.copy(one), source, split) for one in maps]
        if len({one.recipe.rounds.groups for one in settings}) > 1:
            raise RecipeError("batchSize: expected all param maps to train on mini-batches, or none")
        first = settings[0].recipe
        engine, models = estimator.getOrDefault("engine"), len(maps) * folds
        with lay_out(source, shared_recipe(first), engine, models=models) as shards, in_params():
            laid = Folds(shards, first)
            views = [laid.shards(fold).view for fold in range(folds)]

            def one(setting: Setting, fold: int, member: Member) -> Fit:
                return fit_on(
                    member, setting.estimator, source, setting.recipe, view=views[fold], member=member
                )

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
        model = CrossValidatorModel(
            best.estimator._model_of(whole, dataset),
            means.tolist(),
            self._sub_models(settings, fits, folds),
            scores.std(axis=1).tolist(),
        )
        copied: CrossValidatorModel = self._copyValues(model, {self.evaluator: self._evaluator()})
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

    def _evaluator(self) -> Evaluator:
        """Spark's evaluator of the metric."""
        evaluator = self._required("evaluator", "an evaluator, or the name of a metric")
        if isinstance(evaluator, Evaluator):
            return evaluator
        if evaluator in ("areaUnderROC", "areaUnderPR"):
            return BinaryClassificationEvaluator(metricName=evaluator)
        if evaluator in ("rmse", "mae", "r2"):
            return RegressionEvaluator(metricName=evaluator)
        return MulticlassClassificationEvaluator(metricName=evaluator)

    def _metric(self, problem: str) -> tuple[str, bool]:
        """The metric's name here, and whether larger is better."""
        evaluator = self._required("evaluator", "an evaluator, or the name of a metric")
        name = evaluator if isinstance(evaluator, str) else evaluator.getOrDefault("metricName")
        if name not in METRICS:
            raise RecipeError(
                f"evaluator: expected a metric of {', '.join(METRICS)}, got {name!r}; Spark's CrossValidator "
                "takes every evaluator"
            )
        if METRICS[name] not in metrics_of(problem):
            able = ", ".join(one for one, own in METRICS.items() if own in metrics_of(problem))
            raise RecipeError(f"evaluator: expected a metric of a {problem} ({able}), got {name!r}")
        return METRICS[name], name not in LESS_IS_BETTER


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
