"""Figures of a model on labelled rows, and how its training went: Spark's summaries by name.

All figures of a classifier come from one small table, the weight of the rows of each label and prediction.

(Above 200 lines, as Spark's summary has that many members.)
"""

import math
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from pyspark.sql import functions as F

from nnspark.engines.frames import refuse_stream
from nnspark.ml.fitting import Fit
from nnspark.scoring.frame import quoted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = [
    "MultilayerPerceptronClassificationSummary",
    "MultilayerPerceptronClassificationTrainingSummary",
    "MultilayerPerceptronRegressionSummary",
    "MultilayerPerceptronRegressionTrainingSummary",
]


class Summary:
    """Predictions of a model, with the Params that it has now, for labelled rows."""

    def __init__(self, model: Any, dataset: "DataFrame") -> None:
        refuse_stream(dataset)
        self._model, self._dataset = model.copy(), dataset
        self.predictionCol: str = model.getPredictionCol()
        self.labelCol: str = model.getLabelCol()
        self.featuresCol: str = model.getFeaturesCol()
        self.weightCol: str = model.optional(model.weightCol) or ""

    @cached_property
    def predictions(self) -> "DataFrame":
        """The rows with the model's answers; planned when asked for, which Spark takes 70 ms for."""
        answered: DataFrame = self._model.transform(self._dataset)
        return answered

    def _numbers(self) -> "tuple[Any, Any, Any]":
        """Label, prediction and weight, as columns of doubles."""
        label, prediction = (
            F.col(quoted(name)).cast("double") for name in (self.labelCol, self.predictionCol)
        )
        weight = F.col(quoted(self.weightCol)).cast("double") if self.weightCol else F.lit(1.0)
        return label, prediction, weight


class Training:
    """How a fit went.

    Attributes
    ----------
    history : one dict an iteration.
    objectiveHistory : the cost before the first iteration and after each, whichever weights early stopping
        keeps; of mini-batches the mean along each iteration's way, and then that of the last weights.
    totalIterations, stoppedBecause : how many there were, and why there were no more.
    """

    def __init__(self, fit: Fit) -> None:
        self.history = fit.history
        self.objectiveHistory = fit.objective
        self.totalIterations = len(fit.history)
        self.stoppedBecause = fit.stopped_because

    def __call__(self) -> Self:
        """Itself: Spark's perceptron has ``model.summary()``, its other models ``model.summary``."""
        return self


class MultilayerPerceptronClassificationSummary(Summary):
    """Figures of a classifier; those by label are in the order of ``labels``."""

    @cached_property
    def _table(self) -> Mapping[tuple[float, float], float]:
        label, prediction, weight = self._numbers()
        rows = self.predictions.groupBy(label.alias("y"), prediction.alias("p")).agg(F.sum(weight).alias("w"))
        return {(row["y"], row["p"]): row["w"] for row in rows.collect()}

    @property
    def labels(self) -> list[float]:
        """The labels there are, in order."""
        return sorted({label for label, _ in self._table})

    def _true(self, label: float) -> float:
        """Weight of the rows of a label that were predicted so."""
        return self._table.get((label, label), 0.0)

    def _actual(self, label: float) -> float:
        return math.fsum(w for (y, _), w in self._table.items() if y == label)

    def _predicted(self, label: float) -> float:
        return math.fsum(w for (_, p), w in self._table.items() if p == label)

    @property
    def _total(self) -> float:
        return math.fsum(self._table.values())

    def _weighted(self, figures: list[float]) -> float:
        shares = [self._actual(label) / self._total for label in self.labels]
        return math.fsum(share * figure for share, figure in zip(shares, figures, strict=True))

    @property
    def accuracy(self) -> float:
        """Share of the rows that were predicted right."""
        return math.fsum(map(self._true, self.labels)) / self._total

    @property
    def truePositiveRateByLabel(self) -> list[float]:
        """Share of a label's rows that were predicted so."""
        return [self._true(label) / self._actual(label) for label in self.labels]

    @property
    def falsePositiveRateByLabel(self) -> list[float]:
        """Share of the other labels' rows that were predicted so."""
        wrong = {label: self._predicted(label) - self._true(label) for label in self.labels}
        return [_share(wrong[label], self._total - self._actual(label)) for label in self.labels]

    @property
    def precisionByLabel(self) -> list[float]:
        """Share of the rows predicted so that are of the label."""
        return [_share(self._true(label), self._predicted(label)) for label in self.labels]

    @property
    def recallByLabel(self) -> list[float]:
        """The true positive rates."""
        return self.truePositiveRateByLabel

    def fMeasureByLabel(self, beta: float = 1.0) -> list[float]:
        """The F-measure of each label."""
        pairs = zip(self.precisionByLabel, self.recallByLabel, strict=True)
        return [_share((1 + beta**2) * p * r, beta**2 * p + r) for p, r in pairs]

    @property
    def weightedTruePositiveRate(self) -> float:
        """Mean over the rows' labels."""
        return self._weighted(self.truePositiveRateByLabel)

    @property
    def weightedFalsePositiveRate(self) -> float:
        """Mean over the rows' labels."""
        return self._weighted(self.falsePositiveRateByLabel)

    @property
    def weightedPrecision(self) -> float:
        """Mean over the rows' labels."""
        return self._weighted(self.precisionByLabel)

    @property
    def weightedRecall(self) -> float:
        """Mean over the rows' labels."""
        return self._weighted(self.recallByLabel)

    def weightedFMeasure(self, beta: float = 1.0) -> float:
        """Mean over the rows' labels."""
        return self._weighted(self.fMeasureByLabel(beta))


class MultilayerPerceptronRegressionSummary(Summary):
    """Figures of a regressor."""

    @cached_property
    def _means(self) -> Any:
        label, prediction, weight = self._numbers()
        error = label - prediction
        sums = {"w": weight, "y": weight * label, "yy": weight * label * label,
                "a": weight * F.abs(error), "s": weight * error * error}  # fmt: skip
        return self.predictions.agg(*(F.sum(value).alias(name) for name, value in sums.items())).first()

    @property
    def meanSquaredError(self) -> float:
        """Mean of the squared errors."""
        return float(self._means["s"] / self._means["w"])

    @property
    def rootMeanSquaredError(self) -> float:
        """Its square root."""
        return math.sqrt(self.meanSquaredError)

    @property
    def meanAbsoluteError(self) -> float:
        """Mean of the errors' sizes."""
        return float(self._means["a"] / self._means["w"])

    @property
    def r2(self) -> float:
        """1 - squared errors / squared deviations of the label from its mean."""
        means = self._means
        return float(1.0 - means["s"] / (means["yy"] - means["y"] ** 2 / means["w"]))


class MultilayerPerceptronClassificationTrainingSummary(MultilayerPerceptronClassificationSummary, Training):
    """Figures on the rows of the fit, with its history."""

    def __init__(self, model: Any, dataset: "DataFrame", fit: Fit) -> None:
        Training.__init__(self, fit)
        super().__init__(model, dataset)


class MultilayerPerceptronRegressionTrainingSummary(MultilayerPerceptronRegressionSummary, Training):
    """Figures on the rows of the fit, with its history."""

    def __init__(self, model: Any, dataset: "DataFrame", fit: Fit) -> None:
        Training.__init__(self, fit)
        super().__init__(model, dataset)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
