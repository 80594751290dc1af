"""What a finished run says of its answers beyond metrics, for metrics.json and the page."""

from dataclasses import replace
from typing import Any

from nnspark.engines.base import Shards
from nnspark.evaluation.importance import importance
from nnspark.evaluation.plots import plots
from nnspark.model import Model
from nnspark.recipe import Recipe
from nnspark.runs.directory import RunDirectory
from nnspark.training.loop import Trained
from nnspark.training.steps import objective_for

__all__ = ["add_plots"]

PARTS = ("test", "validation", "train")


def add_plots(
    directory: RunDirectory,
    recipe: Recipe,
    shards: Shards,
    trained: Trained,
    model: Model,
    metrics: dict[str, Any],
) -> None:
    """Add calibration, thresholds, errors, importance, and what is drawn, to the metrics.

    A few small jobs, on the part worth most; importance on the validation part, which chose nothing but
    when to stop, if there is one. A fault costs these figures, not the run.
    """
    part = next((name for name in PARTS if name in metrics), None)
    if part is None or "num_samples" not in metrics[part]:
        return
    try:
        objective = replace(objective_for(recipe, shards.plan), decision=model.decision)
        names = model.target_names if model.classes is None else model.classes.tolist()
        found = plots(objective, shards, trained.theta, part, names)
        metrics[part] = {**metrics[part], **found.figures}
        metrics["plots"] = {"part": part, **found.drawn}
        on = "validation" if "validation" in metrics else part
        ranked = importance(
            objective, shards, trained.theta, on, model.columns, seed=recipe.training.seed,
            most=recipe.report.importance, places=None if model.encoding is None else model.encoding.places,
        )  # fmt: skip
        if ranked:
            metrics["importance"] = ranked
    except Exception as error:
        directory.warn(f"the plots could not be made ({type(error).__name__}: {error})")
