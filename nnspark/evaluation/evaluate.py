"""Evaluate a model on labelled rows: all its figures, ready for JSON."""

import math
from dataclasses import replace
from typing import Any

from nnspark.engines.types import Session
from nnspark.errors import DataError
from nnspark.evaluation.counts import (
    Counts,
    Figures,
    Mistakes,
    averages,
    class_figures,
    count,
    margins_of,
    mistakes_of,
    per_class,
)
from nnspark.evaluation.data import evaluation_shards
from nnspark.evaluation.plots import plots
from nnspark.model import Model
from nnspark.net import weights as weights_module
from nnspark.objective.objective import Objective
from nnspark.recipe import Recipe
from nnspark.training.measure import measure

__all__ = ["evaluate_model"]


def evaluate_model(
    model: Model,
    recipe: Recipe,
    *,
    part: str = "test",
    session: "Session | None" = None,
    data: Any = None,
) -> Figures:
    """All figures of a model on one part of the recipe's data, or on "all" its rows, ready for JSON.

    ``data`` are the rows in place of those that the recipe names: a table, arrays or a Spark DataFrame.
    Scaling and classes are the model's own, whatever the data. Class weights do not count here; the
    rows' own weights (data.weight) do, but for the confusion counts, which are numbers of rows.
    """
    shards = evaluation_shards(model, recipe, part, session, data)
    plan, seen = shards.plan, "test" if part == "all" else part
    smoothing = recipe.training.label_smoothing
    objective = Objective(model.network, model.task, plan.dtype, plan.terms, smoothing, model.target_scaling)
    objective = replace(objective, decision=model.decision)
    theta = weights_module.flatten(model.weights)
    try:
        metrics = measure(objective, shards, theta, [seen]).get(seen)
        if metrics is None:
            raise DataError(f"the {part} part has no rows: choose another part of the data, or all of it")
        counts = count(objective, shards, theta, seen)
        mistakes = mistakes_of(counts, objective, shards, theta, seen)
        names = model.target_names if model.classes is None else model.classes.tolist()
        drawn = plots(objective, shards, theta, seen, names).figures
    finally:
        shards.close()
    figures: Figures = {"part": part, "task": model.task, **metrics}
    if model.task == "multilabel" and counts.confusion is not None:
        figures |= _label_figures(model, counts.confusion)
    elif model.task == "classification":
        figures |= _class_figures(model, counts, mistakes)
    figures |= drawn
    figures["loss_is"] = objective.loss_is
    figures["weights_sha256"] = weights_module.sha256(model.weights)
    figures["data_fingerprint"] = plan.fingerprint
    return {name: _finite_or_none(value) for name, value in figures.items()}


def _label_figures(model: Model, confusion: Any) -> Figures:
    labels = [
        per_class(table, (0, 1))[1] | {"class": name}
        for table, name in zip(confusion, model.target_names, strict=True)
    ]
    return {**averages(labels), "per_class": labels, "confusion": confusion.tolist()}


def _class_figures(model: Model, counts: Counts, mistakes: Mistakes) -> Figures:
    margins, confusion = counts.margins, counts.confusion
    assert (margins is None) != (confusion is None)
    size = len(confusion) if margins is None and confusion is not None else model.network.layers[-1]
    classes = list(range(size)) if model.classes is None else model.classes.tolist()
    if confusion is not None:
        margins = margins_of(confusion)
        figures, shown = per_class(confusion, classes), {"confusion": confusion.tolist()}
    else:
        assert margins is not None
        figures = class_figures(margins, classes)
        shown = {
            "commonest_mistakes": [
                {"class": classes[true], "taken_for": classes[guess], "rows": rows}
                for true, guess, rows in mistakes
            ]
        }
    occurs = (margins[1:].sum(axis=0) > 0).tolist()
    return {**averages(figures, occurs), "classes": classes, "per_class": figures, **shown}


def _finite_or_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite_or_none(one) for name, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
