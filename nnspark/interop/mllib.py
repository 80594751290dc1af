"""Spark MLlib's perceptron: sigmoid hidden layers, softmax output, one flat vector of weights. No Spark."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import ModelError, ShapeError
from nnspark.interop.building import folded, model_of, refuse_raw, undecided
from nnspark.model import Model
from nnspark.net import mllib
from nnspark.net.weights import unflatten

__all__ = ["read_mllib", "to_mllib"]


def to_mllib(model: Model) -> NDArray[np.float64]:
    """The weights as ``initialWeights`` of Spark's ``MultilayerPerceptronClassifier`` takes them.

    Its ``layers`` are ``model.network.layers``. Layer after layer the weights, (units, fan_in) column by
    column, then the biases. The model's scaling is folded into the first layer: they take raw rows. MLlib's
    labels are 0, 1, ... in the order of ``model.classes``.

    Raises
    ------
    ModelError : a network that MLlib does not have: hidden layers that are not sigmoids, no softmax; a
        scaling that cannot be folded.
    """
    refuse_raw(model, "MLlib's perceptron")
    model = undecided(model, "MLlib's vector of weights")
    network = model.network
    hidden = network.activation if len(network.layers) > 2 else "sigmoid"
    if model.task != "classification" or (hidden, network.output) != ("sigmoid", "softmax"):
        raise ModelError(
            "MLlib's perceptron is a classification with the activation 'sigmoid' and the output 'softmax', "
            f"the model a {model.task} with {hidden!r} and {network.output!r}; train one with "
            "network.output = 'softmax'"
        )
    return mllib.to_mllib(folded(model, "float64"))


def read_mllib(
    fitted: Any,
    layers: Sequence[int] | None = None,
    *,
    classes: Sequence[Any] | None = None,
    feature_names: Sequence[str] | None = None,
) -> Model:
    """The model of MLlib's, or of its weights; see ``nnspark.interop.from_mllib``."""
    if isinstance(getattr(fitted, "model", None), Model):  # of nnspark.ml
        raise ModelError(
            "expected Spark's own perceptron, got nnspark.ml's, whose attribute model is nnspark's"
        )
    if hasattr(fitted, "getLayers") and hasattr(fitted, "weights"):
        if layers is not None:
            raise ModelError("layers: expected None with a fitted model, which has its own")
        if fitted.hasParam("thresholds") and fitted.isDefined("thresholds"):
            raise ModelError(
                "the model has thresholds, which nnspark's have not: model.clear(model.thresholds) first"
            )
        layers, fitted = fitted.getLayers(), fitted.weights
    if layers is None:
        raise ShapeError("layers: expected the units of each layer, inputs first, as in Spark, got None")
    vector = np.asarray(fitted.toArray() if hasattr(fitted, "toArray") else fitted, dtype=np.float64)
    sizes = [int(units) for units in layers]
    if len(sizes) < 2 or min(sizes) < 1:
        raise ShapeError(f"layers: expected two numbers or more, each of at least 1, got {sizes}")
    theta = mllib.from_mllib(vector, sizes, "weights")
    return model_of(
        unflatten(theta, sizes),
        activation="sigmoid",
        output="softmax",
        task="classification",
        classes=classes,
        feature_names=feature_names,
    )
