"""What both fitted models have: weights, history, how they are saved, how they answer a DataFrame's rows."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from pyspark.ml.linalg import DenseVector
from pyspark.ml.util import MLReadable, MLWritable
from pyspark.sql import functions as F

from nnspark.engines.frames import refuse_stopped
from nnspark.errors import DataError, ShapeError
from nnspark.ml.columns import feature_piece
from nnspark.ml.fitting import Fit
from nnspark.ml.named import with_named
from nnspark.ml.params import PerceptronParams
from nnspark.ml.persistence import ParamsReader, ParamsWriter
from nnspark.model import Model
from nnspark.net.mllib import to_mllib
from nnspark.scoring.columns import FEATURES, array_of, refuse_ambiguous, refuse_taken, with_features
from nnspark.scoring.frame import ANSWERS, quoted

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

__all__ = ["PerceptronModel", "never_null", "select"]

Array = NDArray[Any]
Worker = Callable[[Iterator[Any]], Iterator[Any]]


class PerceptronModel(PerceptronParams, MLReadable[Any], MLWritable):
    """A trained network as a Spark ML model.

    Attributes
    ----------
    model : nnspark's own model: the network, its weights, the scaling.
    history : one dict an iteration, as in ``history.jsonl``; kept when the model is saved.
    labels : what the classes are called, where the label column said it.
    """

    def __init__(
        self, model: Model, history: Sequence[dict[str, Any]] = (), labels: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.model, self.history, self.labels = model, list(history), tuple(labels)
        self._trained: tuple[Fit, DataFrame | None] | None = None

    @property
    def weights(self) -> DenseVector:
        """All weights, layer by layer, in the layout of Spark's own perceptron."""
        return DenseVector(to_mllib(self.model.weights))

    @property
    def numFeatures(self) -> int:
        """Number of features the model takes."""
        return self.model.network.layers[0]

    @property
    def hasSummary(self) -> bool:
        """Whether this model was fitted in this program, rather than loaded."""
        return self._trained is not None

    def write(self) -> ParamsWriter:
        """Returns the writer of this model."""
        return ParamsWriter(self, self.model, {"history": self.history, "labels": list(self.labels)})

    @classmethod
    def read(cls) -> ParamsReader[Self]:
        """Returns the reader of such models."""
        return ParamsReader(cls)

    @classmethod
    def _restored(cls, about: dict[str, Any], read_model: Callable[[], Model]) -> Self:
        return cls(read_model(), about["history"], about["labels"])

    def _fitted(self) -> "tuple[Fit, DataFrame | None]":
        if self._trained is None:
            raise RuntimeError(f"No training summary available for this {type(self).__name__}")
        return self._trained

    def _row(self, value: Any) -> Array:
        """A vector as one row; errors as those of ``transform``."""
        row = np.asarray(value.toArray() if hasattr(value, "toArray") else value, dtype=np.float64)
        if row.shape != (self.numFeatures,):
            raise ShapeError(
                f"the model takes {self.numFeatures} features but the vector has shape {row.shape}"
            )
        if not np.isfinite(row).all():
            raise DataError(f"the features must be finite numbers, but are {row.tolist()}")
        return row[None]

    def _answered(self, dataset: "DataFrame", worker: Worker, kind: Any) -> "DataFrame":
        """The dataset with the column ``ANSWERS``, not computed yet; vectorised, through Arrow."""
        from pyspark.sql.pandas.functions import ArrowUDFType, arrow_udf

        if hasattr(dataset, "sparkSession"):
            refuse_stopped(dataset.sparkSession)
        named = with_named(dataset, [self.getFeaturesCol()])
        piece = feature_piece(named, self.getFeaturesCol())
        refuse_ambiguous(named, [piece.name], "the DataFrame")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the type hints it asks for cannot be on a partial
            answer: Any = arrow_udf(worker, kind, ArrowUDFType.SCALAR_ITER)
        rows = with_features(named, array_of(piece), [piece])
        if named is not dataset:
            rows = rows.drop(piece.name)
        return rows.withColumn(ANSWERS, answer(F.col(quoted(FEATURES))))


def never_null(prediction: "Column") -> "Column":
    """The same in a column that Spark knows to have no nulls, as its own models' predictions are."""
    return F.coalesce(prediction, F.lit(float("nan")))


def select(dataset: "DataFrame", answered: "DataFrame", columns: "dict[str, Column]") -> "DataFrame":
    """The dataset's own columns and the named ones; DataError if one is there already."""
    refuse_taken(dataset, columns)
    return answered.select("*", *columns.values()).drop(FEATURES, ANSWERS)
