"""``SweepCrossValidator``: what Spark's CrossValidator does for a perceptron, in one pass over the rows.

Spark trains settings times folds one after the other, each from its own read of the data. Here the rows are
laid out once in folds, and all models share every pass over them (``searching.py``).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pyspark import keyword_only
from pyspark.ml.evaluation import Evaluator
from pyspark.ml.param import Params
from pyspark.ml.tuning import CrossValidator, CrossValidatorModel, _ValidatorSharedReadWrite
from pyspark.ml.util import DefaultParamsReader, MLReader, MLWriter

from nnspark.data.fold_numbers import MOST_NAMED
from nnspark.data.folds import shared_recipe
from nnspark.errors import ModelError, RecipeError
from nnspark.ml.classifier import MultilayerPerceptronClassifier
from nnspark.ml.columns import read_source
from nnspark.ml.evaluators import evaluator_of, metric_of
from nnspark.ml.fitting import Fit
from nnspark.ml.layout import lay_out, training_on
from nnspark.ml.persistence import saved_metadata
from nnspark.ml.regressor import MultilayerPerceptronRegressor
from nnspark.ml.searching import Setting, checked_maps, searched, settings_of
from nnspark.ml.translate import in_params
from nnspark.recipe import Split
from nnspark.recipe.data_section import MOST_FOLDS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["SweepCrossValidator"]


class SweepCrossValidator(CrossValidator):
    """Cross-validation of nnspark's perceptrons over a grid of Params, all models in the same passes.

    A ``pyspark.ml.tuning.CrossValidator``, with its arguments, getters and setters, saved and loaded like
    one. ``evaluator`` may also be the name of a metric: f1, accuracy, logLoss, areaUnderROC, areaUnderPR,
    rmse, mae or r2. All models train at once, whatever ``parallelism`` says. Rows belong to a fold by their
    own values, so that partitions do not matter (equal rows share a fold, and each needs every class), or as
    ``foldCol`` says: a column of whole numbers from 0 to numFolds - 1, at most 124. Each model's weights are
    those that it would have alone on its folds' blocks. f1 and the areas (of more than two classes the mean
    of each one's against the rest) count a fold's rows, the other metrics weigh them as the estimator's
    ``weightCol`` says; an evaluator that would do otherwise, and thresholds beside f1 or accuracy, are
    refused. Sub-models have a history, and figures by ``evaluate``: which rows are of a fold, Spark cannot
    tell.
    """

    __module__ = "nnspark.ml"
    _input_kwargs: dict[str, Any]

    @keyword_only
    def __init__(
        self,
        *,
        estimator: Any = None,
        estimatorParamMaps: Sequence[Any] | None = None,
        evaluator: Evaluator | str | None = None,
        numFolds: int = 3,
        seed: int | None = None,
        parallelism: int = 1,
        collectSubModels: bool = False,
        foldCol: str = "",
    ) -> None:
        given = {name: value for name, value in self._input_kwargs.items() if value is not None}
        super().__init__()
        self._setDefault(seed=42)
        self._set(**given)

    def _fit(self, dataset: "DataFrame") -> CrossValidatorModel:
        estimator, folds = self._checked_estimator(), self._checked_folds()
        maps = checked_maps(self._required("estimatorParamMaps", "a list of param maps"), estimator)
        classification = isinstance(estimator, MultilayerPerceptronClassifier)
        problem = "classification" if classification else "regression"
        evaluator = self._required("evaluator", "an evaluator, or the name of a metric")
        metric, larger = metric_of(evaluator, problem, estimator)
        first, fold = estimator.copy(maps[0]), self.getFoldCol()
        source = read_source(first, dataset, classification=classification, fold=fold, folds=folds)
        split = Split(1.0, 0.0, 0.0, self.getOrDefault(self.seed) % 2**63, folds=folds)
        settings = settings_of(estimator, maps, source, split, metric)
        engine, models = estimator.getOrDefault("engine"), len(maps) * folds
        with (
            lay_out(source, shared_recipe(settings[0].recipe), engine, models=models) as shards,
            in_params(),
        ):
            fits, whole, best, scores = training_on(
                shards, source.frame, lambda: searched(shards, source, settings, folds, metric, larger)
            )
        model = CrossValidatorModel(
            best.estimator._model_of(whole, dataset),
            scores.mean(axis=1).tolist(),
            self._sub_models(settings, fits, folds),
            scores.std(axis=1).tolist(),
        )
        judge = evaluator_of(evaluator, estimator)
        copied: CrossValidatorModel = self._copyValues(model, {self.evaluator: judge})
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

    def _checked_folds(self) -> int:
        folds = self.getNumFolds()
        most = MOST_NAMED if self.getFoldCol() else MOST_FOLDS
        if not 2 <= folds <= most:
            with_column = " with a foldCol" if self.getFoldCol() else ""
            raise RecipeError(f"numFolds: expected 2 to {most}{with_column}, got {folds}")
        return folds

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
        if self.getFoldCol() and estimator.isSet("validationIndicatorCol"):
            raise RecipeError(
                "foldCol: expected no validationIndicatorCol beside it, as it says which rows validate"
            )
        return estimator

    def copy(self, extra: Any = None) -> "SweepCrossValidator":
        """A copy, with other Params; the estimator and the evaluator are copied too."""
        copied = Params.copy(self, extra)  # Spark's own wants more than a name
        for param in (self.estimator, self.evaluator):
            if self.isSet(param) and hasattr(given := self.getOrDefault(param), "copy"):
                copied._set(**{param.name: given.copy(extra)})
        return copied

    def write(self) -> MLWriter:
        """What saves it as Spark's own is: an evaluator that is named is one of Spark's from then on."""
        return _Writer(self)

    @classmethod
    def read(cls) -> MLReader[Any]:  # type: ignore[override]
        """What loads one that was saved."""
        return _Reader()


class _Writer(MLWriter):
    def __init__(self, instance: SweepCrossValidator) -> None:
        super().__init__()
        self.instance = instance

    def save(self, path: str) -> None:
        if not path:
            raise ModelError(f"expected the path of a folder to write to, got {path!r}")
        super().save(path)

    def saveImpl(self, path: str) -> None:
        one = self.instance.copy()
        for name, what in (
            ("estimator", "one of nnspark.ml's perceptrons"),
            ("estimatorParamMaps", "a list of param maps"),
            ("evaluator", "an evaluator, or the name of a metric"),
        ):
            one._required(name, what)
        one.setEvaluator(evaluator_of(one.getEvaluator(), one.getEstimator()))
        _ValidatorSharedReadWrite.validateParams(one)
        _ValidatorSharedReadWrite.saveImpl(path, one, self.sparkSession)


class _Reader(MLReader[SweepCrossValidator]):
    def load(self, path: str) -> SweepCrossValidator:
        found = saved_metadata(path, self.sparkSession)
        if found["class"].rsplit(".", 1)[-1] != SweepCrossValidator.__name__:
            raise ModelError(f"{path} holds a {found['class']}, not a {SweepCrossValidator.__name__}")
        # Spark reads param maps as Python wrote them where the class is one of its own.
        as_sparks = found | {"class": "pyspark.ml.tuning.CrossValidator"}
        _, estimator, evaluator, maps = _ValidatorSharedReadWrite.load(path, self.sparkSession, as_sparks)
        one = SweepCrossValidator(estimator=estimator, estimatorParamMaps=maps, evaluator=evaluator)
        one._resetUid(found["uid"])
        DefaultParamsReader.getAndSetParams(one, found, skipParams=["estimatorParamMaps"])
        return one
