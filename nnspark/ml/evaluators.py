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
COLUMNS: dict[str, str] = {
    "labelCol": "",
    "predictionCol": "",
    "probabilityCol": "",
    "rawPredictionCol": "probabilityCol",
}
"""What an evaluator judges, and what serves as well: areas under curves are of the order alone."""


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
    """RecipeError where the evaluator would judge otherwise than is done here, or weigh otherwise."""

    def own(param: str) -> Any:
        return estimator.optional(estimator.getParam(param)) if estimator.hasParam(param) else None

    for param, also in COLUMNS.items():
        if not (evaluator.hasParam(param) and evaluator.isSet(param)):
            continue
        given = _value(evaluator, param)
        if given not in (own(param), also and own(also)):
            what = "which models are trained on" if param == "labelCol" else "as models answer"
            raise RecipeError(
                f"evaluator: expected {param} {own(param)!r}, {what}, got {given!r}; Spark's CrossValidator "
                "takes any"
            )
    weight = own("weightCol") if METRICS[name] in WEIGHTED else None
    if _value(evaluator, "weightCol") != weight:
        raise RecipeError(
            f"evaluator: expected weightCol {weight!r}, as {name} is taken here, got "
            f"{_value(evaluator, 'weightCol')!r}; Spark's CrossValidator takes any"
        )
    if name == "r2" and _value(evaluator, "throughOrigin"):
        raise RecipeError(
            "evaluator: expected throughOrigin False, as r2 is taken here, got True; Spark's CrossValidator "
            "takes any"
        )


def evaluator_of(evaluator: Evaluator | str, estimator: Any) -> Evaluator:
    """Spark's evaluator of the metric, of the estimator's columns where only the metric was named."""
    if isinstance(evaluator, Evaluator):
        return evaluator
    name: Any = evaluator
    if name in ("areaUnderROC", "areaUnderPR"):
        found: Evaluator = BinaryClassificationEvaluator(metricName=name)
    elif name in ("rmse", "mae", "r2"):
        found = RegressionEvaluator(metricName=name)
    else:
        found = MulticlassClassificationEvaluator(metricName=name)
    for param in (*COLUMNS, *(("weightCol",) if METRICS[name] in WEIGHTED else ())):
        given = _value(estimator, param)
        if given and found.hasParam(param):
            found._set(**{param: given})
    return found


def _value(of: Any, name: str) -> Any:
    """A Param's value; None where the evaluator or estimator has none, or no such Param."""
    return of.getOrDefault(name) if of.hasParam(name) and of.isDefined(name) else None
