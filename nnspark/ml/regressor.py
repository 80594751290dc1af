"""``MultilayerPerceptronRegressor`` and its model: the perceptron that Spark ML does not have for numbers."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from pyspark import keyword_only
from pyspark.ml.regression import RegressionModel, Regressor
from pyspark.ml.util import MLReadable, MLWritable
from pyspark.sql import functions as F

from nnspark.ml.fitting import Fit, fit
from nnspark.ml.models import PerceptronModel, never_null, select
from nnspark.ml.params import PerceptronParams
from nnspark.ml.persistence import ParamsReader, ParamsWriter
from nnspark.ml.setters import PerceptronSetters
from nnspark.ml.summary import (
    MultilayerPerceptronRegressionSummary,
    MultilayerPerceptronRegressionTrainingSummary,
)
from nnspark.net.blas import one_blas_thread
from nnspark.scoring.frame import ANSWERS, quoted
from nnspark.scoring.raw import number_answers, number_batches

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["MultilayerPerceptronRegressionModel", "MultilayerPerceptronRegressor"]


class RegressorParams(PerceptronParams):
    """Params of the regressor and its model."""

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(output="identity", loss="squared_error")


class MultilayerPerceptronRegressor(
    PerceptronSetters,
    RegressorParams,
    Regressor["MultilayerPerceptronRegressionModel"],
    MLReadable["MultilayerPerceptronRegressor"],
    MLWritable,
):
    """A multilayer perceptron that predicts a number: half the mean squared error, L-BFGS, unless Params say.

    The weights do not depend on partitions, cluster or ``engine``. ``explainParams()`` says what each Param
    means.
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
        hiddenLayers: list[int] | None = None,
        activation: str = "sigmoid",
        output: str = "identity",
        loss: str = "squared_error",
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

    def _fit(self, dataset: "DataFrame") -> "MultilayerPerceptronRegressionModel":
        return self._model_of(fit(self, dataset, classification=False), dataset)

    def _model_of(self, found: Fit, dataset: "DataFrame | None") -> "MultilayerPerceptronRegressionModel":
        model = MultilayerPerceptronRegressionModel(found.model, found.history)
        self._copyValues(model._resetUid(self.uid))
        model._set(layers=list(found.model.network.layers))
        model._trained = (found, dataset)
        return model

    def write(self) -> ParamsWriter:
        """Returns the writer of this estimator."""
        return ParamsWriter(self)

    @classmethod
    def read(cls) -> "ParamsReader[MultilayerPerceptronRegressor]":
        """Returns the reader of such estimators."""
        return ParamsReader(cls)

    @classmethod
    def _restored(cls, about: dict[str, Any], read_model: Callable[[], Any]) -> Self:
        return cls()


class MultilayerPerceptronRegressionModel(PerceptronModel, RegressorParams, RegressionModel[Any]):
    """Model fitted by ``MultilayerPerceptronRegressor``."""

    __module__ = "nnspark.ml"

    @property
    def summary(self) -> MultilayerPerceptronRegressionTrainingSummary:
        """Figures on the rows it was fitted on, and how the fit went; an exception for a loaded model."""
        found, dataset = self._fitted()
        return MultilayerPerceptronRegressionTrainingSummary(self, dataset, found)

    def evaluate(self, dataset: "DataFrame") -> MultilayerPerceptronRegressionSummary:
        """Figures on labelled rows; DataError where columns do not fit, or, at the first figure, values."""
        return MultilayerPerceptronRegressionSummary(self, dataset).checked()

    def predict(self, value: Any) -> float:
        """Predict the number of a vector."""
        features = self._row(value)
        with one_blas_thread():
            return float(number_answers(self.model, features)[0])

    def _transform(self, dataset: "DataFrame") -> "DataFrame":
        answered = self._answered(
            dataset, partial(number_batches, self.model, self.getFeaturesCol()), "double"
        )
        name = self.getPredictionCol()
        return select(
            dataset, answered, {name: never_null(F.col(quoted(ANSWERS))).alias(name)} if name else {}
        )
