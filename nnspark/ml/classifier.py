"""``MultilayerPerceptronClassifier`` and its model: Spark ML's names, nnspark's engine."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from pyspark import keyword_only
from pyspark.ml.classification import (
    ProbabilisticClassificationModel,
    ProbabilisticClassifier,
    _ProbabilisticClassifierParams,
)
from pyspark.ml.linalg import DenseVector, VectorUDT
from pyspark.ml.util import MLReadable, MLWritable
from pyspark.sql import functions as F
from pyspark.sql import types as T

from nnspark.errors import RecipeError
from nnspark.ml.fits import Fits
from nnspark.ml.fitting import Fit, fit
from nnspark.ml.models import PerceptronModel, never_null, select
from nnspark.ml.params import PerceptronParams
from nnspark.ml.persistence import ParamsReader, ParamsWriter
from nnspark.ml.setters import PerceptronSetters
from nnspark.ml.summary import (
    MultilayerPerceptronClassificationSummary,
    MultilayerPerceptronClassificationTrainingSummary,
)
from nnspark.net.blas import one_blas_thread
from nnspark.scoring.frame import ANSWERS, quoted
from nnspark.scoring.raw import Answers, class_answers, class_batches

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["MultilayerPerceptronClassificationModel", "MultilayerPerceptronClassifier"]

ANSWER = T.StructType().add("raw", VectorUDT()).add("probability", VectorUDT()).add("prediction", "double")


class ClassifierParams(_ProbabilisticClassifierParams, PerceptronParams):
    """Params of the classifier and its model."""

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(output="softmax", loss="cross_entropy")

    def checked_thresholds(self, classes: int) -> tuple[float, ...]:
        """The thresholds, () where there are none; RecipeError unless they fit the classes."""
        values = tuple(self.optional(self.thresholds) or ())
        is_good = len(values) == classes and all(one >= 0 for one in values) and values.count(0.0) < 2
        if values and not is_good:
            raise RecipeError(
                f"thresholds: expected {classes} numbers above 0, one of them 0 at most, got {list(values)}"
            )
        return values


class MultilayerPerceptronClassifier(
    Fits["MultilayerPerceptronClassificationModel"],
    PerceptronSetters,
    ClassifierParams,
    ProbabilisticClassifier,
    MLReadable["MultilayerPerceptronClassifier"],
    MLWritable,
):
    """A multilayer perceptron that tells classes apart: Spark's by name, arguments and function minimised.

    Sigmoid hidden layers, softmax output, mean cross-entropy, L-BFGS, unless Params say otherwise. The
    weights do not depend on partitions, cluster or ``engine``. ``explainParams()`` says what the Params mean.
    """

    __module__ = "nnspark.ml"
    _input_kwargs: dict[str, Any]

    @keyword_only
    def __init__(
        self,
        *,
        featuresCol: str = "features",
        labelCol: str = "label",
        predictionCol: str = "prediction",
        maxIter: int = 100,
        tol: float = 1e-6,
        seed: int | None = None,
        layers: list[int] | None = None,
        blockSize: int = 0,
        stepSize: float = 0.03,
        solver: str = "l-bfgs",
        initialWeights: Any = None,
        probabilityCol: str = "probability",
        rawPredictionCol: str = "rawPrediction",
        thresholds: list[float] | None = None,
        hiddenLayers: list[int] | None = None,
        activation: str = "sigmoid",
        output: str = "softmax",
        loss: str = "cross_entropy",
        regParam: float = 0.0,
        standardization: bool = False,
        optimizer: str | None = None,
        optimizerOptions: dict[str, Any] | None = None,
        dtype: str = "float64",
        weightCol: str | None = None,
        validationIndicatorCol: str | None = None,
        validationFraction: float = 0.1,
        batchSize: int = 0,
        replicas: int = 1,
        earlyStoppingPatience: int = 0,
        earlyStoppingMinDelta: float = 0.0,
        earlyStoppingMonitor: str = "validation_loss",
        engine: str = "auto",
    ) -> None:
        super().__init__()
        self._set(**self._input_kwargs)

    def _fit(self, dataset: "DataFrame") -> "MultilayerPerceptronClassificationModel":
        return self._model_of(fit(self, dataset, classification=True), dataset)

    def _model_of(self, found: Fit, dataset: "DataFrame | None") -> "MultilayerPerceptronClassificationModel":
        model = MultilayerPerceptronClassificationModel(found.model, found.history, found.labels)
        self._copyValues(model._resetUid(self.uid))
        model._set(layers=list(found.model.network.layers))
        model._trained = (found, dataset)
        return model

    def write(self) -> ParamsWriter:
        """Returns the writer of this estimator."""
        return ParamsWriter(self)

    @classmethod
    def read(cls) -> "ParamsReader[MultilayerPerceptronClassifier]":
        """Returns the reader of such estimators."""
        return ParamsReader(cls)

    @classmethod
    def _restored(cls, about: dict[str, Any], read_model: Callable[[], Any]) -> Self:
        return cls()


class MultilayerPerceptronClassificationModel(
    PerceptronModel, ClassifierParams, ProbabilisticClassificationModel
):
    """Model fitted by ``MultilayerPerceptronClassifier``."""

    __module__ = "nnspark.ml"

    @property
    def numClasses(self) -> int:
        """Number of classes (values which the label can take)."""
        assert self.model.classes is not None
        return len(self.model.classes)

    @property
    def summary(self) -> MultilayerPerceptronClassificationTrainingSummary:
        """Figures on the rows it was fitted on, and how the fit went; an exception for a loaded model."""
        found, dataset = self._fitted()
        return MultilayerPerceptronClassificationTrainingSummary(self, dataset, found)

    def evaluate(self, dataset: "DataFrame") -> MultilayerPerceptronClassificationSummary:
        """Figures on labelled rows; DataError where columns do not fit, or, at the first figure, values."""
        return MultilayerPerceptronClassificationSummary(self, dataset).checked()

    def predict(self, value: Any) -> float:
        """Predict the label of a vector."""
        return float(self._answers(value).prediction[0])

    def predictRaw(self, value: Any) -> DenseVector:
        """What the last layer gives for each class, before the output function."""
        return DenseVector(self._answers(value).raw[0])

    def predictProbability(self, value: Any) -> DenseVector:
        """The probability of each class."""
        return DenseVector(self._answers(value).probability[0])

    def _answers(self, value: Any) -> Answers:
        features: NDArray[np.float64] = self._row(value)
        with one_blas_thread():
            return class_answers(self.model, features, self.checked_thresholds(self.numClasses))

    def _transform(self, dataset: "DataFrame") -> "DataFrame":
        thresholds = self.checked_thresholds(self.numClasses)
        worker = partial(class_batches, self.model, thresholds, self.getFeaturesCol())
        answered = self._answered(dataset, worker, ANSWER)
        found = F.col(quoted(ANSWERS))
        size = {"ml_attr": {"num_attrs": self.numClasses}}
        values = {"vals": list(self.labels)} if self.labels else {"num_vals": self.numClasses}
        names = {
            self.getRawPredictionCol(): (found["raw"], size),
            self.getProbabilityCol(): (found["probability"], size),
            self.getPredictionCol(): (
                never_null(found["prediction"]),
                {"ml_attr": {"type": "nominal", **values}},
            ),
        }
        columns = {name: at.alias(name, metadata=said) for name, (at, said) in names.items() if name}
        return select(dataset, answered, columns)
