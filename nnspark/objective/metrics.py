"""The figures a model is judged by: one registry, which everything that shows or watches a metric reads.

A metric's name is its key in ``METRICS`` and in the history, metrics.json and ``stopping.monitor`` (there
"validation_" in front means the validation part). Adding one is adding an entry.

Over a block the metrics' sums are taken: functions of the outputs (n, units) and y as the plan holds it, both
with the target's scaling undone, and of the rows' weights w (n,). Sums are added exactly, over blocks and
shards, and a metric's value is taken from them once, on the driver. A sum is a float, added as ``sums.exact``
does, or a table of counts, an int64 array of one shape for all blocks. Always there, for every metric:
``num_samples``, ``weight`` = Σ w, and ``loss`` = Σ w·loss.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnspark.objective.problems import predicted_classes
from nnspark.sums.exact import UNIT, from_exact

__all__ = ["METRICS", "Metric", "Sums", "by_worth", "metric_sums", "metric_values", "metrics_of"]

Array = NDArray[Any]
Table: TypeAlias = NDArray[np.int64]
BlockSum: TypeAlias = float | Table
Sums: TypeAlias = Mapping[str, Any]
"""Sums by name: exact integers (of 2**-1074, see ``sums.exact``) or tables of counts."""


class Metric(NamedTuple):
    """One figure.

    label : what people call it: "accuracy", "R²".
    problems : the problems it is a figure of.
    sums : functions (outputs, y, w) -> {name: sum of a block}; what two metrics share is taken once.
    value : the figure from the sums of all blocks; NaN where it has none.
    format : "share" (of 1; people see percent) or "number".
    higher_is_better : else lower is.
    headline : whether it is shown where there is room for few, as in the progress line.
    unit : "target" for figures in the target's own units, whatever ``data.target_scale`` is; "loss" for
        what training minimises, of scaled targets; "" for plain numbers.
    """

    label: str
    problems: tuple[str, ...]
    sums: tuple[Callable[[Array, Array, Array], dict[str, BlockSum]], ...]
    value: Callable[[Sums], float]
    format: str = "number"
    higher_is_better: bool = False
    headline: bool = False
    unit: str = ""


def metrics_of(problem: str) -> dict[str, Metric]:
    """The metrics of a problem by name, in the registry's order."""
    return {name: metric for name, metric in METRICS.items() if problem in metric.problems}


def metric_sums(problem: str, outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    """What the problem's metrics add up over the rows of a block."""
    functions = {f: None for metric in METRICS.values() if problem in metric.problems for f in metric.sums}
    sums: dict[str, BlockSum] = {}
    for function in functions:
        sums.update(function(outputs, y, w))
    return sums


def metric_values(problem: str, sums: Sums) -> dict[str, float]:
    """The problem's metrics of summed sums."""
    return {name: metric.value(sums) for name, metric in metrics_of(problem).items()}


def by_worth() -> list[str]:
    """All names, headlines first, else in the registry's order."""
    return sorted(METRICS, key=lambda name: not METRICS[name].headline)


def _labels_right(outputs: Array, y: Array) -> NDArray[np.bool_]:
    """Whether each output and its label (n, labels) are on the same side of one half."""
    return np.asarray((outputs >= 0.5) == (y >= 0.5))


def _rows_right(outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    """Rows whose class, or whose every label, is right."""
    right = predicted_classes(outputs) == y if y.ndim == 1 else _labels_right(outputs, y).all(axis=1)
    return {"rows_right": float(np.dot(right, w))}


def _share_of_labels_right(outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    return {"labels_right": float(np.dot(_labels_right(outputs, y).mean(axis=1), w))}


def _error_of_true_class(outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    """|a_true - 1|, a_true the output of the row's own class."""
    if outputs.shape[1] == 1:
        a_true = np.where(y == 1, outputs[:, 0], 1.0 - outputs[:, 0])
    else:
        a_true = outputs[np.arange(len(y)), y]
    return {"error_of_true_class": float(np.dot(np.abs(a_true.astype(np.float64) - 1.0), w))}


def _per_output(name: str, columns: Iterable[Array], w: Array) -> dict[str, BlockSum]:
    """A sum for each output, from its column of n values."""
    return {f"{name}[{k}]": float(np.dot(column, w)) for k, column in enumerate(columns)}


def _absolute_errors(outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    error = outputs - y.astype(np.float64)
    return _per_output("absolute_error", (np.abs(column) for column in error.T), w)


def _squared_errors(outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    error = outputs - y.astype(np.float64)
    return _per_output("squared_error", (np.square(column) for column in error.T), w)


def _target_moments(outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    target = y.astype(np.float64).T
    squared = _per_output("target_squared", (np.square(column) for column in target), w)
    return _per_output("target", target, w) | squared


def _mean(name: str) -> Callable[[Sums], float]:
    """The value of a metric that is the rows' weighted mean of a sum."""
    return lambda sums: float(sums[name] / sums["weight"])


def _each(sums: Sums, name: str) -> list[Fraction]:
    """A sum of each output, exactly."""
    outputs = sum(found.startswith(f"{name}[") for found in sums)
    return [Fraction(sums[f"{name}[{k}]"], UNIT) for k in range(outputs)]


def _rmse(sums: Sums) -> float:
    """The root of the mean squared error of all outputs, in the target's own units."""
    squared = _each(sums, "squared_error")
    return math.sqrt(sum(squared) / Fraction(sums["weight"], UNIT) / len(squared))


def _mae(sums: Sums) -> float:
    """The mean absolute error of all outputs, in the target's own units."""
    names = [name for name in sums if name.startswith("absolute_error[")]
    return sum(from_exact(sums[name]) for name in names) / from_exact(sums["weight"]) / len(names)


def _r2(sums: Sums) -> float:
    """The mean R² of the outputs.

    R² is 1 - squared error / squared deviation from the mean (not a number where the target is
    constant). The sums are exact, so the variance is computed without cancellation.
    """
    weight, r2 = Fraction(sums["weight"], UNIT), []
    moments = zip(
        _each(sums, "squared_error"), _each(sums, "target"), _each(sums, "target_squared"), strict=True
    )
    for squared, target, total in moments:
        spread = total - target**2 / weight
        r2.append(1.0 - _as_float(squared / spread) if spread > total / 2**50 else math.nan)
    return sum(r2) / len(r2)


def _as_float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


CLASSIFICATION, MULTILABEL, REGRESSION = ("classification",), ("multilabel",), ("regression",)
METRICS: dict[str, Metric] = {
    "loss": Metric("loss", CLASSIFICATION + MULTILABEL + REGRESSION, (), _mean("loss"), unit="loss"),
    "accuracy": Metric(
        "accuracy", CLASSIFICATION + MULTILABEL, (_rows_right,), _mean("rows_right"),
        format="share", higher_is_better=True, headline=True,
    ),
    "mean_error": Metric(
        "mean error", CLASSIFICATION, (_error_of_true_class,), _mean("error_of_true_class")
    ),
    "label_accuracy": Metric(
        "label accuracy", MULTILABEL, (_share_of_labels_right,), _mean("labels_right"),
        format="share", higher_is_better=True,
    ),
    "rmse": Metric("RMSE", REGRESSION, (_squared_errors,), _rmse, unit="target"),
    "mae": Metric("MAE", REGRESSION, (_absolute_errors,), _mae, unit="target"),
    "r2": Metric(
        "R²", REGRESSION, (_squared_errors, _target_moments), _r2, higher_is_better=True, headline=True
    ),
}  # fmt: skip
