"""From another program's layers to a model, and a model's scaling into its first layer."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.plan import Scaling
from nnspark.errors import ModelError, ShapeError
from nnspark.model import Model
from nnspark.net.network import Network
from nnspark.objective.decision import Decision
from nnspark.objective.problems import PROBLEMS
from nnspark.sources.table import numbered

__all__ = ["folded", "model_of", "refuse_raw", "undecided"]

Array = NDArray[Any]
MOST_LOST = 1e-4  # of the first layer's z, where the scaling is folded into it
LOSSES = {"softmax": "cross_entropy", "sigmoid": "cross_entropy", "identity": "squared_error"}


def model_of(
    weights: Sequence[Array],
    *,
    activation: str,
    output: str,
    task: str | None = None,
    classes: Sequence[Any] | None = None,
    feature_names: Sequence[str] | None = None,
    scaling: Scaling | None = None,
) -> Model:
    """A model of layers W (units, 1 + fan_in), biases in column 0, all of one floating type.

    Where they are None: ``task`` is regression for the output identity, multilabel for several sigmoids,
    else classification; ``classes`` 0, 1, ...; ``feature_names`` "0", "1", ...; no scaling.

    Raises
    ------
    ShapeError : layers that do not follow on each other, names or classes of another number;
    ModelError : weights that are not finite, a name or a class given twice;
    RecipeError : an activation or output that nnspark lacks.
    """
    layers = (weights[0].shape[1] - 1, *(len(W) for W in weights))
    for at, (before, W) in enumerate(pairwise(weights), 2):
        if W.shape[1] - 1 != len(before):
            raise ShapeError(
                f"layer {at} takes {W.shape[1] - 1} values but the one before it gives {len(before)}"
            )
    if not all(np.isfinite(W).all() for W in weights):
        raise ModelError("the weights must be finite numbers, but some are NaN or infinite")
    regression = output == "identity" if task is None else task == "regression"
    network = Network(layers, activation, output, "squared_error" if regression else LOSSES.get(output, ""))
    if task is None:
        several = output == "sigmoid" and layers[-1] > 1 and classes is None
        task = "regression" if regression else "multilabel" if several else "classification"
    if task not in PROBLEMS:
        raise ModelError(f"task: expected one of {', '.join(PROBLEMS)}, got {task!r}")
    names = numbered(layers[0]) if feature_names is None else tuple(map(str, feature_names))
    if len(names) != layers[0]:
        raise ShapeError(f"the network takes {layers[0]} features but there are {len(names)} feature names")
    if len(set(names)) < len(names):
        raise ModelError(f"feature_names: expected different names, got {_twice(names)!r} more than once")
    labels = None
    if task == "classification":
        count = max(2, layers[-1])
        labels = np.asarray(range(count) if classes is None else list(classes))
        if labels.shape != (count,):
            raise ShapeError(f"the network tells {count} classes apart but {labels.size} were given")
        if len(set(labels.tolist())) < count:
            raise ModelError(
                f"classes: expected different labels, got {_twice(labels.tolist())!r} more than once"
            )
    elif classes is not None:
        raise ModelError(f"classes: expected None for a {task}, got {list(classes)!r:.60}")
    if scaling is None:
        scaling = Scaling(np.zeros(layers[0]), np.ones(layers[0]))
    return Model(network, list(weights), scaling, task, names, labels)


def _twice(values: Sequence[Any]) -> Any:
    """The first value that comes again."""
    return next(one for at, one in enumerate(values) if one in values[:at])


def refuse_raw(model: Model, other: str) -> None:
    """ModelError for a model that encodes columns, or of a target's logarithm: ``other`` has neither."""
    if model.encoding is not None:
        raise ModelError(
            f"{other} takes numbers, but the model encodes its columns (data.categorical, data.missing or "
            "data.dates); train on encoded columns, or use Model.save"
        )
    if model.target_scaling is not None and model.target_scaling.log:
        raise ModelError(f'{other} has no data.target_scale = "log"; use Model.save')


def folded(model: Model, dtype: str) -> list[Array]:
    """The model's weights with its scaling in the first layer, so that they take raw rows; all of ``dtype``.

    W (x - center) / divide + b = (W / divide) x + (b - (W / divide) center). Where nothing is scaled the
    weights are the same bits.

    Raises
    ------
    ModelError : centers so many deviations from 0 that the difference of the two terms has no digits left.
    """
    first, *others = (W.astype(dtype) for W in model.weights)
    center, divide = model.scaling.center, model.scaling.divide
    if not center.any() and (divide == 1.0).all():
        return [first, *others]
    slopes = model.weights[0][:, 1:].astype(np.float64) / divide
    lost = np.finfo(dtype).eps * (np.abs(slopes) @ np.abs(center)).max()
    if lost > MOST_LOST:
        raise ModelError(
            f"the scaling cannot be folded into {dtype} weights: its centers are up to "
            f"{np.abs(center / divide).max():.1g} deviations from 0, and z would be off by {lost:.1g}; "
            "scale the rows before, or train with training.dtype = 'float64'"
        )
    bias = model.weights[0][:, 0] - slopes @ center
    return [np.column_stack([bias, slopes]).astype(dtype), *others]


def undecided(model: Model, where: str) -> Model:
    """The model with its calibration in the last layer, for a program that knows of none.

    Raises
    ------
    ModelError : it has a threshold, or a calibration that is no layer's: of several sigmoids for classes.
    """
    decision, network = model.decision, model.network
    if decision.threshold is not None:
        raise ModelError(
            f"the model predicts its second class from a probability of {decision.threshold:g} on, and "
            f"{where} has no threshold: export model.with_threshold(0.5), and compare probabilities yourself"
        )
    if not decision.calibrates:
        return model
    units = network.layers[-1]
    if model.task == "classification" and network.output == "sigmoid" and units > 1:
        raise ModelError(
            f"the calibration of a classification with {units} sigmoids is no layer's, and {where} has no "
            "other place for it: train with network.output = 'softmax', or without prediction.calibration"
        )
    last = model.weights[-1].astype(np.float64) * decision.slope
    last[-1, 0] += decision.offset
    weights = [*model.weights[:-1], last.astype(model.weights[-1].dtype)]
    return replace(model, weights=weights, decision=Decision())
