"""What is said at the end of a run: why it stopped, whether it overfitted, and the figures that count."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from nnspark.evaluation.text import number
from nnspark.objective.metrics import by_worth
from nnspark.recipe import Recipe
from nnspark.training.loop import Trained

__all__ = ["figures_line", "last_lines", "overfitting", "risen"]

LONG, LEAST_EPOCHS, CLEAR = 0.2, 10, 1.02
"""Long is a fifth of the epochs and 10 at least; a rise is clear above 2 %."""


def risen(
    recipe: Recipe, metrics: Mapping[str, Any], history: Sequence[Mapping[str, Any]], best_epoch: int | None
) -> str:
    """A sentence where the training loss ended above that of the first epoch: diverged, though finite.

    ``metrics`` are those of the kept weights, of epoch ``best_epoch`` where patience chose them.
    """
    losses = [row["loss"] for row in history if _is_number(row.get("loss"))]
    last = metrics.get("train", {}).get("loss")
    if len(losses) < 2 or not _is_number(last) or last <= CLEAR * losses[0]:
        return ""
    scaled = recipe.data.scale != "none"
    advice = "" if scaled else ', or scale the data: data.scale = "standard"'
    epoch = best_epoch or history[-1]["epoch"]
    return (
        f"the training loss rose from {number(losses[0])} (epoch 1) to {number(last)} (epoch {epoch}): "
        f"lower training.learning_rate = {recipe.training.learning_rate:g}{advice}"
    )


def overfitting(recipe: Recipe, history: Sequence[Mapping[str, Any]]) -> str:
    """A sentence where the validation loss has risen for long and nothing was to stop there; else empty."""
    rows = [row for row in history if _is_number(row.get("validation_loss"))]
    if recipe.stopping.patience or not rows:
        return ""
    best, last = min(rows, key=lambda row: row["validation_loss"]), rows[-1]
    since = last["epoch"] - best["epoch"]
    if since < max(LEAST_EPOCHS, LONG * last["epoch"]):
        return ""
    if last["validation_loss"] <= CLEAR * best["validation_loss"]:
        return ""
    lowest, now = number(best["validation_loss"]), number(last["validation_loss"])
    return (
        f"the validation loss was best at epoch {best['epoch']} ({lowest}) and has risen to {now} since: "
        f"stopping.patience = {LEAST_EPOCHS} keeps the best weights"
    )


def last_lines(recipe: Recipe, trained: Trained, history: Sequence[Mapping[str, Any]]) -> list[str]:
    """The last lines of a run, the figures last."""
    lines = []
    if trained.progress.stop.reason:
        kept = f"; the weights are those of epoch {trained.best_epoch}" if trained.best_epoch else ""
        lines.append(f"stopped after epoch {trained.progress.epoch}: {trained.stopped_because}{kept}")
    threshold, found_on = trained.decided.decision.threshold, trained.decided.part
    if threshold is not None and not isinstance(recipe.prediction.threshold, float | int):
        lines.append(f"the second class is predicted from {threshold:.6g} on, found on the {found_on} part")
    told = overfitting(recipe, history)
    if told and not risen(recipe, trained.metrics, history, trained.best_epoch):
        lines.append(told)
    figures = figures_line(trained.metrics)
    return [*lines, figures] if figures else lines


def figures_line(metrics: Mapping[str, Any]) -> str:
    """The figures that count, of the part worth most, each with its baseline; empty where there is none."""
    part = next((name for name in ("test", "validation", "train") if name in metrics), None)
    if part is None:
        return ""
    figures = metrics[part]
    baseline = figures.get("baseline", {})
    names = [name for name in by_worth(figures) if name != "loss" and _is_number(figures.get(name))][:2]
    said = [
        f"{name} {number(figures[name])}"
        + (f" (baseline {number(baseline[name])})" if _is_number(baseline.get(name)) else "")
        for name in names or ["loss"]
        if name in figures
    ]
    return f"{part} part: {', '.join(said)}"


def _is_number(value: Any) -> bool:
    return isinstance(value, float | int) and math.isfinite(value)
