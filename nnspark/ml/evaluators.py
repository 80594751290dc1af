"""What ``SweepCrossValidator`` judges models by: Spark's evaluators, or the names of their metrics."""

from typing import Any

from pyspark.ml.evaluation import (
    BinaryClassificationEvaluator,
    Evaluator,
    MulticlassClassificationEvaluator,
    RegressionEvaluator,
)

from nnspark.errors import RecipeError
from nnspark.objective.metrics import metrics_of

__all__ = ["evaluator_of", "metric_of"]

METRICS = {
    "f1": "f1_weighted",
    "accuracy": "accuracy",
    "logLoss": "log_loss",
    "areaUnderROC": "roc_auc",
    "areaUnderPR": "pr_auc",
    "rmse": "rmse",
    "mae": "mae",
    "r2": "r2",
}
"""Metric names of Spark's evaluators that are among the figures of every model here."""

LESS_IS_BETTER = ("logLoss", "rmse", "mae")
WEIGHTED = ("accuracy", "log_loss", "rmse", "mae", "r2")
"""Figures that rows enter by their weights; of the others each row counts."""


def metric_of(evaluator: Any, problem: str, estimator: Any) -> tuple[str, bool]:
    """The metric's name here, and whether larger is better.

    Raises
    ------
    RecipeError : no evaluator, a metric that is not among the figures of models here, or other columns than
        those that the models are trained on.
    """
    if not isinstance(evaluator, str | Evaluator):
        kind = evaluator.__name__ if isinstance(evaluator, type) else repr(evaluator)
        raise RecipeError(
            f"evaluator: expected an evaluator of Spark's, or the name of its metric, got {kind}"
        )
    name = evaluator if isinstance(evaluator, str) else _value(evaluator, "metricName")
    if name not in METRICS:
        raise RecipeError(
            f"evaluator: expected a metric of {', '.join(METRICS)}, got {name!r}; Spark's CrossValidator "
            "takes every evaluator"
        )
    if METRICS[name] not in metrics_of(problem):
        able = ", ".join(one for one, own in METRICS.items() if own in metrics_of(problem))
        raise RecipeError(f"evaluator: expected a metric of a {problem} ({able}), got {name!r}")
    if isinstance(evaluator, Evaluator):
        _refuse_other_columns(evaluator, name, estimator)
    return METRICS[name], name not in LESS_IS_BETTER


def _refuse_other_columns(evaluator: Evaluator, name: str, estimator: Any) -> None:
    """RecipeError where the evaluator would judge by another label, or weigh otherwise, than is done here."""
    label, weight = (estimator.optional(estimator.getParam(column)) for column in ("labelCol", "weightCol"))
    if (
        evaluator.hasParam("labelCol")
        and evaluator.isSet("labelCol")
        and _value(evaluator, "labelCol") != label
    ):
        raise RecipeError(
            f"evaluator: expected labelCol {label!r}, which models are trained on, got "
            f"{_value(evaluator, 'labelCol')!r}; Spark's CrossValidator takes any"
        )
    own = weight if METRICS[name] in WEIGHTED else None
    if _value(evaluator, "weightCol") != own:
        raise RecipeError(
            f"evaluator: expected weightCol {own!r}, as {name} is taken here, got "
            f"{_value(evaluator, 'weightCol')!r}; Spark's CrossValidator takes any"
        )


def evaluator_of(evaluator: Evaluator | str) -> Evaluator:
    """Spark's evaluator of the metric."""
    if isinstance(evaluator, Evaluator):
        return evaluator
    name: Any = evaluator
    if name in ("areaUnderROC", "areaUnderPR"):
        return BinaryClassificationEvaluator(metricName=name)
    if name in ("rmse", "mae", "r2"):
        return RegressionEvaluator(metricName=name)
    return MulticlassClassificationEvaluator(metricName=name)


def _value(evaluator: Evaluator, name: str) -> Any:
    """A Param's value; None where the evaluator has none, or no such Param."""
    there = evaluator.hasParam(name) and evaluator.isDefined(name)
    return evaluator.getOrDefault(name) if there else None
