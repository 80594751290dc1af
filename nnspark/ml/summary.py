"""Figures of a model on labelled rows, and how its training went: Spark's summaries by name.

All figures of a classifier come from one small table, the weight of the rows of each label and prediction.

(Above 200 lines, as Spark's summary has that many members.)
"""

import math
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from pyspark.sql import functions as F

from nnspark.ml.fitting import Fit
from nnspark.ml.labelled import Labelled

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = [
    "MultilayerPerceptronClassificationSummary",
    "MultilayerPerceptronClassificationTrainingSummary",
    "MultilayerPerceptronRegressionSummary",
    "MultilayerPerceptronRegressionTrainingSummary",
]


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
        self.history = list(fit.history)
        self.objectiveHistory = list(fit.objective)
        self.totalIterations = len(fit.history)
        self.stoppedBecause = fit.stopped_because

    def __call__(self) -> Self:
        """Itself: Spark's perceptron has ``model.summary()``, its other models ``model.summary``."""
        return self


class MultilayerPerceptronClassificationSummary(Labelled):
    """Figures of a classifier; those by label are in the order of ``labels``."""

    @cached_property
    def _table(self) -> Mapping[tuple[float, float], float]:
        label, prediction, weight = self._numbers()
        rows = self._sums({"w": weight}, label.alias("y"), prediction.alias("p"))
        return {(row["y"], row["p"]): row["w"] for row in rows}

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
        return [_share(self._true(label), self._actual(label)) for label in self.labels]

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


class MultilayerPerceptronRegressionSummary(Labelled):
    """Figures of a regressor."""

    @cached_property
    def _means(self) -> Mapping[str, float]:
        """Of the errors' squares and sizes, and of the label's squared deviations from its mean.

        By a pass for the mean before: far from 0 a mean of squares less the square of a mean leaves nothing.
        """
        label, prediction, weight = self._numbers()
        (first,) = self._sums({"w": weight, "y": weight * label})
        error, deviation = label - prediction, label - first["y"] / first["w"]
        sums = {"squares": error * error, "sizes": F.abs(error), "deviations": deviation * deviation}
        (row,) = self._sums({"w": weight, **{name: weight * value for name, value in sums.items()}})
        return {name: row[name] / row["w"] for name in sums}

    @property
    def meanSquaredError(self) -> float:
        """Mean of the squared errors."""
        return self._means["squares"]

    @property
    def rootMeanSquaredError(self) -> float:
        """Its square root."""
        return math.sqrt(self.meanSquaredError)

    @property
    def meanAbsoluteError(self) -> float:
        """Mean of the errors' sizes."""
        return self._means["sizes"]

    @property
    def r2(self) -> float:
        """1 - squared errors / squared deviations of the label from its mean, both weighted alike.

        Minus infinity where the label is constant, NaN where the errors are 0 there too. (Spark's evaluator
        weighs the deviations as a sample's, which differs where weights are not 1.)
        """
        errors, deviations = self._means["squares"], self._means["deviations"]
        if not deviations:
            return -math.inf if errors else math.nan
        return 1.0 - errors / deviations


class MultilayerPerceptronClassificationTrainingSummary(MultilayerPerceptronClassificationSummary, Training):
    """Figures on the rows of the fit, with its history."""

    def __init__(self, model: Any, dataset: "DataFrame | None", fit: Fit) -> None:
        Training.__init__(self, fit)
        super().__init__(model, dataset)


class MultilayerPerceptronRegressionTrainingSummary(MultilayerPerceptronRegressionSummary, Training):
    """Figures on the rows of the fit, with its history."""

    def __init__(self, model: Any, dataset: "DataFrame | None", fit: Fit) -> None:
        Training.__init__(self, fit)
        super().__init__(model, dataset)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
