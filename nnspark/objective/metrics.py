"""The figures a model is judged by: one registry, which everything that shows or watches a metric reads.

A metric's name is its key in ``METRICS`` and in the history, metrics.json and ``stopping.monitor`` (there
"validation_" in front means the validation part). Adding one is adding an entry.

Over a block the metrics' sums are taken: functions of the outputs (n, units) and y as the plan holds it, both
with the target's scaling undone, and of the rows' weights w (n,). Sums are added exactly, over blocks and
shards, and a metric's value is taken from them once, on the driver. A sum is a float, added as ``sums.exact``
does; a table of counts, an int64 array of one shape for all blocks; or a tally of values (``tally.py``).
Always there, for every metric: ``num_samples``, ``weight`` = Σ w, and ``loss`` = Σ w·loss.

Metrics of ``every_epoch`` are taken at every evaluation; the others where they are asked for: of a finished
model, or while training where one is monitored.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from nnspark.objective.class_metrics import CLASS_METRICS, RANKED_CLASSES
from nnspark.objective.metric import Array, BlockSum, Metric, RowSum, Sums, Table, mean
from nnspark.objective.target_metrics import TARGET_METRICS

__all__ = [
    "METRICS",
    "BlockSum",
    "Metric",
    "RowSum",
    "Sums",
    "Table",
    "by_worth",
    "metric_sums",
    "metric_values",
    "metrics_of",
    "summed",
    "tally_names",
]

Summed: TypeAlias = dict[Callable[..., Mapping[str, BlockSum]], tuple[bool, bool]]

MAJORITY = 0.75
IMBALANCED = ("balanced_accuracy", "pr_auc")


def metrics_of(problem: str) -> dict[str, Metric]:
    """The metrics of a problem by name, in the registry's order."""
    return {name: metric for name, metric in METRICS.items() if problem in metric.problems}


def taken(problem: str, also: Collection[str] = ()) -> dict[str, Metric]:
    """The problem's metrics that are taken at every epoch, and those asked for."""
    return {name: one for name, one in metrics_of(problem).items() if one.every_epoch or name in also}


def summed(problem: str, also: Collection[str] = ()) -> Summed:
    """What is summed for the problem's metrics, each once: whether in float64, whether as decided."""
    functions: Summed = {}
    for metric in taken(problem, also).values():
        for function in metric.sums:
            fine, decides = functions.get(function, (False, False))
            functions[function] = fine or metric.precise, decides or metric.decides
    return functions


def metric_sums(
    functions: Summed,
    outputs: Array,
    y: Array,
    w: Array,
    spans: Sequence[slice] = (slice(None),),
    precise: Array | None = None,
    decided: Array | None = None,
) -> list[dict[str, BlockSum]]:
    """What ``summed`` names add up to over the rows of each block, which ``spans`` says.

    ``precise`` are the outputs in float64, ``decided`` those with the model's threshold (see ``Answers``),
    for the metrics that ask for them; None where ``outputs`` will do.
    """
    found: list[dict[str, BlockSum]] = [{} for _ in spans]
    for function, (fine, decides) in functions.items():
        asked = decided if decides else precise if fine else None
        of = outputs if asked is None else asked
        if isinstance(function, RowSum):
            values = function.values(of, y).astype(np.float64, copy=False)
            for own, sums in zip(spans, found, strict=True):
                sums[function.name] = float(np.dot(values[own], w[own]))
        else:
            for own, sums in zip(spans, found, strict=True):
                sums.update(function(of[own], y[own], w[own]))
    return found


def metric_values(problem: str, sums: Sums, also: Collection[str] = ()) -> dict[str, float]:
    """The problem's metrics of summed sums."""
    return {name: metric.value(sums) for name, metric in taken(problem, also).items()}


def tally_names(problem: str, units: int) -> list[str]:
    """The tallies that the problem's ranked metrics take of a network of so many outputs."""
    if problem == "regression":
        return [f"errors[{k}]" for k in range(units)]
    if problem == "classification" and units <= 2:
        return ["scores[1]"]
    return [f"scores[{k}]" for k in range(units)] if units <= RANKED_CLASSES else []


def by_worth(figures: Mapping[str, Any] | None = None) -> list[str]:
    """All names, headlines first, else in the registry's order.

    Where the part's ``figures`` say that more than ``MAJORITY`` of its rows are of one class, accuracy is
    nearly had for nothing: balanced accuracy and the area under the precision-recall curve come first.
    """
    share = ((figures or {}).get("baseline") or {}).get("accuracy") or 0.0
    first = [name for name in IMBALANCED if name in METRICS] if share > MAJORITY else []
    rest = sorted(METRICS, key=lambda name: not METRICS[name].headline)
    return [*first, *(name for name in rest if name not in first)]


METRICS: dict[str, Metric] = {
    "loss": Metric("loss", ("classification", "multilabel", "regression"), (), mean("loss"), unit="loss"),
    **CLASS_METRICS,
    **TARGET_METRICS,
}
