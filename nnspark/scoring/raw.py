"""What a Spark ML model answers: raw outputs, probabilities and the predicted class, or a number.

The worker function of ``transform``; like all of ``scoring`` it needs no more than NumPy and Arrow on an
executor. A row has the same bits wherever it is (``model/answers.py``).
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.engines.settling import settle_worker
from nnspark.errors import DataError
from nnspark.model import Model
from nnspark.model.answers import shares_of
from nnspark.net.activations import OUTPUTS
from nnspark.scoring.batches import usable_rows, vectors_of
from nnspark.scoring.faults import without_stack

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Answers", "class_answers", "class_batches", "number_answers", "number_batches"]

Array = NDArray[Any]


class Answers(NamedTuple):
    """Raw outputs and probabilities (n, num_classes), and the index of the predicted class (n,); floats."""

    raw: Array
    probability: Array
    prediction: Array


def class_answers(model: Model, features: Array, thresholds: Sequence[float] = ()) -> Answers:
    """Answers of a classifier; ``thresholds`` predict the class with the largest probability / threshold.

    Without them the model's own threshold counts, if it has one.
    """
    z = model.raw_outputs(features)
    if model.decision.calibrates:
        a = model.decision.calibrated(model.task, model.network.output, z)
    else:
        a = OUTPUTS[model.network.output](z.copy())
    if model.network.output != "softmax":
        a = shares_of(a)
    if z.shape[1] == 1:
        z = np.hstack([-z, z])
    scores = model.decision.decided(a)
    if thresholds:
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = np.nan_to_num(a / np.asarray(thresholds), nan=-np.inf, posinf=np.inf)
    return Answers(z, a, scores.argmax(axis=1).astype(np.float64))


def number_answers(model: Model, features: Array) -> Array:
    """Answers of a regression model with one output, shape (n,)."""
    outputs = model.outputs(features)
    return (outputs if model.target_scaling is None else model.target_scaling.undo(outputs))[:, 0]


def class_batches(
    model: Model, thresholds: Sequence[float], column: str, batches: Iterator["pa.Array"]
) -> Iterator["pa.Array"]:
    """Worker function: a struct of raw and probability, vectors, and prediction for each list of features."""
    import pyarrow as pa

    settle_worker()
    for batch in batches:
        with without_stack():
            features = features_of(batch, model.network.layers[0], column)
        answers = class_answers(model, features, thresholds)
        vectors = vectors_of(answers.raw), vectors_of(answers.probability)
        columns = [*vectors, pa.array(answers.prediction)]
        yield pa.StructArray.from_arrays(columns, ["raw", "probability", "prediction"])


def number_batches(model: Model, column: str, batches: Iterator["pa.Array"]) -> Iterator["pa.Array"]:
    """Worker function: the prediction for each list of features."""
    import pyarrow as pa

    settle_worker()
    for batch in batches:
        with without_stack():
            features = features_of(batch, model.network.layers[0], column)
        yield pa.array(number_answers(model, features))


def features_of(batch: "pa.Array", width: int, column: str) -> Array:
    """Features (n, width) of a batch; DataError if a row has none, another number, or one not finite."""
    features, usable = usable_rows(batch, width)
    if not usable.all():
        first = batch[int(np.argmin(usable))].as_py()
        raise DataError(
            f"column {column!r} must hold {width} finite numbers, but {int((~usable).sum())} of {len(batch)} "
            f"rows of a batch do not, such as {str(first)[:60]}; fill or drop those rows"
        )
    return features
