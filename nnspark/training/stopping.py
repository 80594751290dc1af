"""When to stop before the last epoch: patience, tolerance, time; and which weights were best.

A stopping state is a NamedTuple of plain values and arrays, so that it is checkpointed with the rest;
``update`` is a pure function of it and an epoch's history row.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.data.plan import Plan
from nnspark.errors import DataError
from nnspark.objective.metrics import METRICS
from nnspark.recipe import Stopping

__all__ = [
    "Stop",
    "is_by_time",
    "refuse_unmeasured",
    "refuse_without_rows",
    "score",
    "start",
    "update",
    "watches",
    "with_more_time",
]

Array = NDArray[Any]
TIME_IS_UP = " s were up"


class Stop(NamedTuple):
    """Best value so far with its epoch and theta, epochs without improvement, why to stop ("" = go on)."""

    best: float
    best_epoch: int
    best_theta: Array
    stale: int
    flat: int
    previous_cost: float
    reason: str


def start(theta: Array, stopping: Stopping) -> Stop:
    """The state before the first epoch."""
    kept = theta if watches(stopping) else np.empty(0, theta.dtype)
    return Stop(math.inf, 0, kept, 0, 0, math.inf, "")


def watches(stopping: Stopping) -> bool:
    """Whether the best weights are kept."""
    return stopping.patience > 0


def refuse_without_rows(stopping: Stopping, plan: Plan) -> None:
    """DataError where the part that is watched has no rows, before the first epoch."""
    if watches(stopping) and stopping.monitor.startswith("validation_") and not plan.num_samples[1]:
        raise DataError(
            f"stopping.monitor is {stopping.monitor!r} but the validation part has no rows of the "
            f"{sum(plan.num_samples)} there are: {plan.more_validation}, or monitor one of loss, cost"
        )


def refuse_unmeasured(stopping: Stopping, row: Mapping[str, Any]) -> None:
    """DataError where the first epoch's row does not have the monitored value: no later one will."""
    if watches(stopping) and row["epoch"] == 1 and row.get(stopping.monitor) is None:
        raise DataError(
            f"stopping.monitor is {stopping.monitor!r}, which has no value on these data (R² of a constant "
            "target, or rows that all weigh 0): use other data, or monitor one of loss, cost"
        )


def score(stopping: Stopping, row: Mapping[str, Any]) -> float:
    """The monitored value of a history row, turned so that lower is better."""
    value = row.get(stopping.monitor)
    if value is None or math.isnan(value):
        return math.inf
    metric = METRICS.get(stopping.monitor.removeprefix("validation_"))
    return -float(value) if metric is not None and metric.higher_is_better else float(value)


def update(stop: Stop, stopping: Stopping, row: Mapping[str, Any], theta: Array, *, seconds: float) -> Stop:
    """The state after an epoch. ``theta`` is where the row was measured; ``seconds`` of
    training so far, over all resumes.

    Patience counts epochs whose monitored value is not better than the best by more than
    ``min_delta`` and stops when there are more than ``patience`` of them. Tolerance stops when the
    cost fell by less than ``tolerance`` for ``tolerance_epochs`` epochs running, none of them before
    ``min_epochs``.
    """
    epoch, cost = row["epoch"], row["cost"]
    if watches(stopping):
        value = score(stopping, row)
        if value < stop.best - stopping.min_delta:
            stop = stop._replace(stale=0)
        else:
            stop = stop._replace(stale=stop.stale + 1)
        if value < stop.best:
            stop = stop._replace(best=value, best_epoch=epoch, best_theta=theta)
        if stop.stale > stopping.patience and epoch > stopping.min_epochs:
            reason = f"{stopping.monitor} did not improve for {stop.stale} epochs"
            stop = stop._replace(reason=reason)
    if stopping.tolerance:
        fell = stop.previous_cost - cost
        counts = fell < stopping.tolerance and epoch > stopping.min_epochs
        stop = stop._replace(flat=stop.flat + 1 if counts else 0, previous_cost=float(cost))
        if stop.flat >= stopping.tolerance_epochs:
            count = stopping.tolerance_epochs
            epochs = "the last epoch" if count == 1 else f"each of {count} epochs"
            stop = stop._replace(reason=f"the cost fell by less than {stopping.tolerance:g} in {epochs}")
    if stopping.max_evaluations and row["evaluations"] >= stopping.max_evaluations and not stop.reason:
        stop = stop._replace(reason=f"{row['evaluations']} evaluations were made")
    if not stop.reason and _is_up(stopping, seconds):
        stop = stop._replace(reason=f"{stopping.max_seconds:g}{TIME_IS_UP}")
    return stop


def is_by_time(stop: Stop) -> bool:
    """Whether it was only time that ran out."""
    return stop.reason.endswith(TIME_IS_UP)


def with_more_time(stop: Stop, stopping: Stopping, *, seconds: float) -> Stop:
    """The state to resume from: one that stopped by time goes on if there is more time now."""
    return stop._replace(reason="") if is_by_time(stop) and not _is_up(stopping, seconds) else stop


def _is_up(stopping: Stopping, seconds: float) -> bool:
    return bool(stopping.max_seconds) and seconds >= stopping.max_seconds
