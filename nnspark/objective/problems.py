"""What a task adds to the network: targets for the loss, and the sums its metrics are made of.

A task's ``targets(y, Y, smoothing)`` fills Y (n, units) from encoded targets; ``sums(a, y, w)`` gives
each metric's weighted sum over the rows of a block; ``metrics(sums)`` divides once, on the driver.
"""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.sums.exact import UNIT, from_exact

__all__ = ["TASKS", "Task", "predicted_classes"]

Array = NDArray[Any]
Sums = Mapping[str, int]


class Task(NamedTuple):
    """Targets, metric sums of a block, metrics of summed sums."""

    targets: Callable[[Array, Array, float], Array]
    sums: Callable[[Array, Array, Array], dict[str, float]]
    metrics: Callable[[Sums], dict[str, Any]]


def predicted_classes(outputs: Array) -> NDArray[np.intp]:
    """Class index of each row: the largest output, or output >= 0.5 of a single unit."""
    if outputs.shape[1] == 1:
        return np.asarray(outputs[:, 0] >= 0.5, dtype=np.intp)
    return np.asarray(outputs.argmax(axis=1), dtype=np.intp)


def _class_targets(y: Array, Y: Array, smoothing: float) -> Array:
    """One-hot rows (a 0/1 column for a single unit), smoothed towards 1/units."""
    if Y.shape[1] == 1:
        Y[:, 0] = y
    else:
        Y.fill(0.0)
        Y[np.arange(len(y)), y] = 1.0
    if smoothing:
        Y *= 1.0 - smoothing
        Y += smoothing / max(Y.shape[1], 2)
    return Y


def _copied_targets(y: Array, Y: Array, smoothing: float) -> Array:
    np.copyto(Y, y)
    if smoothing:
        Y *= 1.0 - smoothing
        Y += smoothing / 2
    return Y


def _class_sums(outputs: Array, y: Array, w: Array) -> dict[str, float]:
    right = predicted_classes(outputs) == y
    if outputs.shape[1] == 1:
        a_true = np.where(y == 1, outputs[:, 0], 1.0 - outputs[:, 0])
    else:
        a_true = outputs[np.arange(len(y)), y]
    return {
        "correct": float(np.dot(right, w)),
        "mean_error": float(np.dot(np.abs(a_true.astype(np.float64) - 1.0), w)),
    }


def _class_metrics(sums: Sums) -> dict[str, Any]:
    return {"accuracy": _mean(sums, "correct"), "mean_error": _mean(sums, "mean_error")}


def _label_sums(outputs: Array, y: Array, w: Array) -> dict[str, float]:
    right = (outputs >= 0.5) == (y >= 0.5)
    return {
        "correct": float(np.dot(right.all(axis=1), w)),
        "labels_correct": float(np.dot(right.mean(axis=1), w)),
    }


def _label_metrics(sums: Sums) -> dict[str, Any]:
    return {"accuracy": _mean(sums, "correct"), "label_accuracy": _mean(sums, "labels_correct")}


def _regression_sums(outputs: Array, y: Array, w: Array) -> dict[str, float]:
    target = y.astype(np.float64)
    error = outputs - target
    sums: dict[str, float] = {}
    for k in range(target.shape[1]):
        sums[f"absolute_error[{k}]"] = float(np.dot(np.abs(error[:, k]), w))
        sums[f"squared_error[{k}]"] = float(np.dot(np.square(error[:, k]), w))
        sums[f"target[{k}]"] = float(np.dot(target[:, k], w))
        sums[f"target_squared[{k}]"] = float(np.dot(np.square(target[:, k]), w))
    return sums


def _regression_metrics(sums: Sums) -> dict[str, Any]:
    """RMSE and MAE over all outputs, in the network's units, and the mean R² of the outputs.

    R² is 1 - squared error / squared deviation from the mean (not a number where the target is
    constant). The sums are exact, so the variance is computed without cancellation.
    """
    outputs = sum(name.startswith("target[") for name in sums)
    weight = Fraction(sums["weight"], UNIT)
    squared = [Fraction(sums[f"squared_error[{k}]"], UNIT) for k in range(outputs)]
    r2 = []
    for k in range(outputs):
        total = Fraction(sums[f"target_squared[{k}]"], UNIT)
        spread = total - Fraction(sums[f"target[{k}]"], UNIT) ** 2 / weight
        r2.append(1.0 - _as_float(squared[k] / spread) if spread > total / 2**50 else math.nan)
    return {
        "rmse": math.sqrt(sum(squared) / weight / outputs),
        "mae": sum(from_exact(sums[f"absolute_error[{k}]"]) for k in range(outputs))
        / float(weight)
        / outputs,
        "r2": sum(r2) / outputs,
    }


def _as_float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _mean(sums: Sums, name: str) -> float:
    return sums[name] / sums["weight"]


TASKS: dict[str, Task] = {
    "classification": Task(_class_targets, _class_sums, _class_metrics),
    "multilabel": Task(_copied_targets, _label_sums, _label_metrics),
    "regression": Task(_copied_targets, _regression_sums, _regression_metrics),
}
