"""A model as scikit-learn's fitted estimator, with its scaling as a StandardScaler before it, and back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.plan import Scaling
from nnspark.errors import ModelError
from nnspark.interop.building import refuse_raw, undecided
from nnspark.model import Model
from nnspark.sources.table import numbered

__all__ = ["read_sklearn", "to_sklearn"]

Array = NDArray[Any]
ACTIVATIONS = {"identity": "identity", "sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}


def to_sklearn(model: Model) -> Any:
    """A fitted ``sklearn.neural_network.MLPClassifier`` or ``MLPRegressor`` with the model's weights.

    Where the model scales features it is a ``Pipeline`` of a StandardScaler and that. A target's scaling is
    folded into the last layer; two softmax units become the one logistic unit that scikit-learn has for two
    classes, whose z is the difference of theirs. Predictions of float64 rows agree within 1e-12.

    Raises
    ------
    ModelError : a network that scikit-learn does not have, or a model that encodes its columns.
    """
    from nnspark.sklearn import MLPClassifier, MLPRegressor

    refuse_raw(model, "scikit-learn's perceptron")
    model = undecided(model, "scikit-learn's perceptron")
    network = model.network
    hidden = network.layers[1:-1]
    if hidden and network.activation not in ACTIVATIONS:
        raise ModelError(
            f"scikit-learn has no activation {network.activation!r}: expected one of {', '.join(ACTIVATIONS)}"
        )
    weights, output = _as_sklearn_has_it(model)
    cls = MLPRegressor if model.task == "regression" else MLPClassifier
    ours = cls(hidden_layer_sizes=hidden, activation=ACTIVATIONS.get(network.activation, "identity"))
    ours.coefs_ = [np.ascontiguousarray(W[:, 1:].T) for W in weights]
    ours.intercepts_ = [W[:, 0].copy() for W in weights]
    ours.n_layers_, ours.n_outputs_, ours.out_activation_ = len(weights) + 1, len(weights[-1]), output
    ours.n_features_in_, ours.n_iter_, ours.t_, ours.loss_ = network.layers[0], 0, 0, float("nan")
    ours.best_loss_ = float("inf")
    if model.task != "regression":
        ours.classes_ = np.arange(len(weights[-1])) if model.classes is None else model.classes
    names = None
    if model.feature_names != numbered(network.layers[0]):
        names = np.array(model.feature_names, dtype=object)
    center, divide = model.scaling.center, model.scaling.divide
    scaled = bool(center.any() or (divide != 1.0).any())
    if names is not None and not scaled:
        ours.feature_names_in_ = names
    theirs = ours.to_sklearn()
    return _pipeline(model.scaling, names, theirs) if scaled else theirs


def read_sklearn(fitted: Any) -> Model:
    """The model of a fitted estimator or pipeline; see ``nnspark.interop.from_sklearn``."""
    from nnspark import sklearn as ours

    steps = [
        step for _, step in getattr(fitted, "steps", [("", fitted)]) if step not in (None, "passthrough")
    ]
    *before, last = steps or [None]
    cls = getattr(ours, type(last).__name__, None)
    if cls is None or type(last).__name__ not in ours.__all__ or len(before) > 1:
        raise ModelError(
            "expected a fitted MLPClassifier or MLPRegressor, or a Pipeline of one scaler and that, got "
            f"{' and '.join(type(step).__name__ for step in steps)}"
        )
    if not hasattr(last, "coefs_"):
        raise ModelError(f"expected a fitted {type(last).__name__}, got {last!r:.60}; call fit first")
    model: Model = (last if isinstance(last, cls) else cls.from_sklearn(last)).model_
    if not before:
        return model
    from dataclasses import replace

    names = tuple(map(str, getattr(before[0], "feature_names_in_", model.feature_names)))
    return replace(model, scaling=_scaling_of(before[0], len(names)), feature_names=names)


def _as_sklearn_has_it(model: Model) -> tuple[list[Array], str]:
    """Weights and output activation; ModelError where there is no such estimator."""
    *first, last = model.weights
    output, units = model.network.output, model.network.layers[-1]
    kind = (model.task, output, min(units, 3))
    if kind == ("classification", "softmax", 2):
        return [*first, last[1:] - last[:1]], "logistic"
    if kind == ("classification", "softmax", 3):
        return [*first, last], "softmax"
    if kind == ("classification", "sigmoid", 1) or (kind[:2] == ("multilabel", "sigmoid") and units > 1):
        return [*first, last], "logistic"
    if kind[:2] == ("regression", "identity"):
        if model.target_scaling is not None:
            wide = last.astype(np.float64) * model.target_scaling.divide[:, None]
            wide[:, 0] += model.target_scaling.center
            last = wide
        return [*first, last], "identity"
    raise ModelError(
        f"scikit-learn has no {model.task} with {units} units of output {output!r}: expected softmax or one "
        "sigmoid for classes, sigmoids for several labels, identity for numbers"
    )


def _pipeline(scaling: Scaling, names: Array | None, estimator: Any) -> Any:
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    scaler.mean_, scaler.scale_ = scaling.center.copy(), scaling.divide.copy()
    scaler.var_, scaler.n_samples_seen_ = np.square(scaling.divide), 0
    scaler.n_features_in_ = len(scaling.center)
    if names is not None:
        scaler.feature_names_in_ = names
    return Pipeline([("scaler", scaler), ("mlp", estimator)])


def _scaling_of(scaler: Any, columns: int) -> Scaling:
    """StandardScaler's (x - mean_) / scale_, or MinMaxScaler's x scale_ + min_."""
    kind = type(scaler).__name__
    center, divide = np.zeros(columns), np.ones(columns)
    if kind == "StandardScaler" and hasattr(scaler, "n_features_in_"):
        center = center if scaler.mean_ is None or not scaler.with_mean else scaler.mean_
        divide = divide if scaler.scale_ is None else scaler.scale_
    elif kind == "MinMaxScaler" and hasattr(scaler, "scale_") and not scaler.clip:
        center, divide = -scaler.min_ / scaler.scale_, 1.0 / scaler.scale_
    else:
        raise ModelError(
            f"expected a fitted StandardScaler, or MinMaxScaler that does not clip, got {scaler!r:.80}"
        )
    return Scaling(np.array(center, dtype=np.float64), np.array(divide, dtype=np.float64))
