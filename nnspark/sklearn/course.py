"""The course of a fit: one training of the engine, or a few, each going on where the one before stopped.

Plainly it is one. Two of scikit-learn's habits take more:

adaptive rates : where training would stop, the rate is divided by 5 and training goes on, until it is tiny.
early stopping : a score belongs to the epoch that led to it, and the weights before the first one are no
    candidates. The engine measures an epoch's start, so the score of an epoch comes with the next one, whose
    own update is left out when that score ends the training.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from numpy.typing import NDArray

from nnspark.engines.base import Shards
from nnspark.errors import DivergedError
from nnspark.recipe import Recipe
from nnspark.training import stopping
from nnspark.training.loop import train
from nnspark.training.state import Epoch, Progress

__all__ = ["Outcome", "follow"]

Array = NDArray[Any]
Row = dict[str, Any]
Trace = Callable[[Row], None]
SMALLEST_RATE = 1e-6
SLOWER = 5.0


class Outcome(NamedTuple):
    """What came of it.

    theta : the weights, the best ones where it stopped early. losses : of each epoch. scores : on the
    validation rows after each epoch, or None. best_score : None without early stopping. rate : where the
    learning rate ended. ended : "stopped" of itself, "epochs" or "evaluations" were all done,
    "interrupted" or "diverged".
    """

    theta: Array
    progress: Progress
    losses: list[float]
    scores: list[float] | None
    best_score: float | None
    rate: float
    ended: str


@dataclass
class Course:
    """What is remembered from leg to leg: the history, and where training stands after each epoch."""

    progress: Progress
    rows: list[Row]
    trace: Trace
    ended: str = "epochs"

    def __call__(self, epoch: Epoch) -> None:
        """Note an epoch."""
        self.progress = epoch.progress
        self.rows.append(epoch.row)
        self.trace(epoch.row)

    def go(self, recipe: Recipe, shards: Shards) -> dict[str, Any]:
        """Train on until it stops or the epochs are done; the metrics of the validation rows then.

        An interrupt after the first epoch ends it there.
        """
        try:
            trained = train(recipe, shards, start=self.progress, callbacks=[self])
        except KeyboardInterrupt:
            if not self.rows:
                raise
            self.ended = "interrupted"
            return {}
        self.progress = trained.progress
        self.ended = "stopped" if self.progress.stop.reason else "epochs"
        if 0 < recipe.stopping.max_evaluations <= self.progress.evaluations:
            self.ended = "evaluations"
        return trained.metrics.get("validation", {})


def follow(recipe: Recipe, shards: Shards, start: Progress, *, adaptive: bool, trace: Trace) -> Outcome:
    """Train from ``start`` as scikit-learn would.

    Raises
    ------
    DivergedError : the cost is not finite any more, and there are no best weights to fall back on.
    """
    course = Course(start, [], trace)
    early = recipe.data.split.validation > 0
    monitor = recipe.stopping.monitor
    last: Row = {}
    try:
        if early:
            course.go(_epochs(recipe, start.epoch + 1), shards)
            course.progress = course.progress._replace(stop=start.stop)
        while course.ended != "interrupted":
            last = course.go(recipe, shards)
            rate, full = recipe.training.learning_rate, course.progress.epoch >= recipe.training.epochs
            if course.ended != "stopped" or not adaptive or rate <= SMALLEST_RATE:
                break
            course.ended = "epochs"
            course.progress = course.progress._replace(stop=course.progress.stop._replace(stale=0, reason=""))
            recipe = replace(recipe, training=replace(recipe.training, learning_rate=rate / SLOWER))
            if full:
                break
    except DivergedError:
        if not (early and course.progress.stop.best_epoch):
            raise
        course.ended = "diverged"
    return _stopped_early(recipe, course, last, monitor) if early else _plain(recipe, course)


def _epochs(recipe: Recipe, epochs: int) -> Recipe:
    return replace(recipe, training=replace(recipe.training, epochs=epochs))


def _plain(recipe: Recipe, course: Course) -> Outcome:
    progress = course.progress
    losses = [float(row["cost"]) for row in course.rows]
    return Outcome(progress.theta, progress, losses, None, None, recipe.training.learning_rate, course.ended)


def _stopped_early(recipe: Recipe, course: Course, last: Row, monitor: str) -> Outcome:
    """Each row but the first has the score of the epoch before it; ``last`` that of the last epoch."""
    rows, progress, stop, ended = course.rows, course.progress, course.progress.stop, course.ended
    losses = [float(row["cost"]) for row in rows]
    scores = [_score(row.get(monitor)) for row in rows[1:]]
    if stop.reason:
        losses = losses[:-1]
    else:
        metric = monitor.removeprefix("validation_")
        row = {"epoch": progress.epoch + 1, "cost": math.inf, "evaluations": 0, monitor: last.get(metric)}
        stop = stopping.update(stop, recipe.stopping, row, progress.theta, seconds=0.0)
        scores.append(_score(last.get(metric)))
        ended = "stopped" if ended == "epochs" and stop.reason else ended
    theta = stop.best_theta if stop.best_epoch else progress.theta
    best = -stop.best if stop.best_epoch else math.nan
    rate = recipe.training.learning_rate
    return Outcome(theta, progress._replace(stop=stop), losses, scores, best, rate, ended)


def _score(value: Any) -> float:
    return math.nan if value is None else float(value)
