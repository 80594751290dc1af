"""The history: one row an epoch."""

import math
from typing import Any

from nnspark.training.cost import Evaluation
from nnspark.training.state import Row

__all__ = ["flat_metrics", "history_row"]


def history_row(
    epoch: int, evaluation: Evaluation, *, learning_rate: float | None, evaluations: int, seconds: float
) -> Row:
    """One history line.

    Figures are those of the weights that the epoch started from, where a step takes one gradient, or that
    a line search accepted.
    """
    return {
        "epoch": epoch,
        "cost": evaluation.cost,
        **flat_metrics(evaluation.metrics),
        "learning_rate": learning_rate,
        "grad_norm": evaluation.grad_norm,
        "evaluations": evaluations,
        "seconds": round(seconds, 6),
    }


def flat_metrics(metrics: Any) -> Row:
    """Metrics of the training part under their names, of the validation part under validation_…"""
    row: Row = {}
    for part, prefix in (("train", ""), ("validation", "validation_")):
        for name, value in metrics.get(part, {}).items():
            if name != "num_samples":
                row[prefix + name] = value if not isinstance(value, float) or math.isfinite(value) else None
    return row
