"""The models of a sweep, what is known of each when it has ended, and which setting is best."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from nnspark.errors import DivergedError, RecipeError
from nnspark.net import weights as weights_module
from nnspark.objective.metrics import METRICS, metrics_of
from nnspark.recipe import Recipe, Sweep
from nnspark.recipe.settings import Setting
from nnspark.recipe.sweep import model_recipe, of_fold, settings_of
from nnspark.training.choices import check_choices
from nnspark.training.loop import Trained

__all__ = ["Candidate", "Ranked", "candidates_of", "check_monitor", "result_of", "score_of", "winner_recipe"]

Result = dict[str, Any]


class Candidate(NamedTuple):
    """One model of a sweep: a setting on a fold; fold None where the sweep has none."""

    setting: int
    fold: int | None
    settings: Setting
    recipe: Recipe

    @property
    def name(self) -> str:
        """What its folder is called."""
        return f"{self.setting:04d}" if self.fold is None else f"{self.setting:04d}-{self.fold}"


def candidates_of(recipe: Recipe, sweep: Sweep) -> list[Candidate]:
    """All models, setting by setting; RecipeError where a setting names what does not exist."""
    folds: list[int | None] = [*range(sweep.folds)] or [None]
    found = []
    for number, settings in enumerate(settings_of(sweep)):
        made = model_recipe(recipe, sweep, settings)
        _check_choices(made)
        found += [
            Candidate(number, fold, settings, made if fold is None else of_fold(made, fold)) for fold in folds
        ]
    return found


def _check_choices(recipe: Recipe) -> None:
    try:
        check_choices(recipe)
    except RecipeError as error:
        raise RecipeError(f"sweep: {error}") from None


def check_monitor(sweep: Sweep, recipe: Recipe) -> None:
    """RecipeError unless the metric that ranks is one of the problem's."""
    names = list(metrics_of(recipe.data.task))
    known = [*names, *(f"validation_{name}" for name in names)]
    if sweep.monitor not in known:
        raise RecipeError(f"sweep.monitor: expected one of {', '.join(known)}, got {sweep.monitor!r}")


def score_of(sweep: Sweep, metrics: Mapping[str, Mapping[str, Any]]) -> float | None:
    """The monitored figure of a model's metrics by part, if there is one."""
    part = "validation" if sweep.monitor.startswith("validation_") else "train"
    value = metrics.get(part, {}).get(sweep.monitor.removeprefix("validation_"))
    return None if value is None or not math.isfinite(value) else float(value)


def result_of(
    candidate: Candidate, sweep: Sweep, outcome: Trained | DivergedError, *, epochs: int, evaluations: int,
    seconds: float,
) -> Result:  # fmt: skip
    """A model's line of results.jsonl."""
    diverged = isinstance(outcome, DivergedError)
    metrics = {} if isinstance(outcome, DivergedError) else outcome.metrics
    return {
        "setting": candidate.setting,
        "settings": dict(candidate.settings),
        "fold": candidate.fold,
        "score": score_of(sweep, metrics),
        "train": metrics.get("train"),
        "validation": metrics.get("validation"),
        "epochs": epochs,
        "best_epoch": None if isinstance(outcome, DivergedError) else outcome.best_epoch,
        "evaluations": evaluations,
        "seconds": round(seconds, 6),
        "weights_sha256": None
        if isinstance(outcome, DivergedError)
        else weights_module.sha256(weights_module.unflatten(outcome.theta, outcome.network.layers)),
        "stopped_because": f"diverged: {outcome}" if diverged else outcome.stopped_because,  # type: ignore[union-attr]
        "rungs": None,
    }


@dataclass(frozen=True)
class Ranked:
    """A setting with the scores of its models, fold by fold; best first where sorted."""

    setting: int
    settings: Setting
    results: Sequence[Result]
    rungs: int
    mean: float | None
    standard_error: float | None

    @classmethod
    def of(cls, results: Sequence[Result]) -> "Ranked":
        """The setting whose models' results these are, in the order of the folds."""
        scores = [one["score"] for one in results]
        whole = all(score is not None for score in scores)
        mean = float(np.mean(scores)) if whole else None
        error = float(np.std(scores, ddof=1) / math.sqrt(len(scores))) if whole and len(scores) > 1 else None
        reached = [one["rungs"] for one in results if one["rungs"] is not None]
        first = results[0]
        return cls(first["setting"], first["settings"], results, min(reached, default=1 << 30), mean, error)

    @staticmethod
    def all_of(results: Sequence[Result], sweep: Sweep) -> "list[Ranked]":
        """Every setting, best first: those that went furthest, then the better mean, then the earlier one."""
        by_setting: dict[int, list[Result]] = {}
        for one in sorted(results, key=lambda one: (one["setting"], one["fold"] or 0)):
            by_setting.setdefault(one["setting"], []).append(one)
        return sorted(map(Ranked.of, by_setting.values()), key=lambda one: one.order(sweep))

    def order(self, sweep: Sweep) -> tuple[int, float, int]:
        """What settings are sorted by."""
        return -self.rungs, loss_like(sweep, self.mean), self.setting


def loss_like(sweep: Sweep, score: float | None) -> float:
    """A score turned so that less is better; infinite where there is none."""
    if score is None:
        return math.inf
    return -score if METRICS[sweep.monitor.removeprefix("validation_")].higher_is_better else score


def winner_recipe(best: Ranked, candidates: Sequence[Candidate], sweep: Sweep) -> Recipe:
    """The recipe of the model that is kept: of a sweep in folds, trained on all of them.

    There are no rows to stop on then: where patience chose the epochs, their median over the folds is taken.
    Nor are there any to calibrate on.
    """
    recipe = next(one.recipe for one in candidates if one.setting == best.setting)
    if not sweep.folds:
        return recipe
    data = replace(recipe.data, split=replace(recipe.data.split, fold=-1))
    recipe = replace(recipe, data=data, prediction=replace(recipe.prediction, calibration="none"))
    if recipe.stopping.patience:
        epochs = int(np.median([one["best_epoch"] or one["epochs"] for one in best.results]))
        recipe = replace(
            recipe,
            training=replace(recipe.training, epochs=max(1, epochs)),
            stopping=replace(recipe.stopping, patience=0),
        )
    return recipe
