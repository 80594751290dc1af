"""What a model of a sweep leaves while it trains: its history in memory, and a checkpoint now and then."""

import time
from collections.abc import Collection, Sequence
from typing import Any

from nnspark.log import warn
from nnspark.recipe import Recipe
from nnspark.runs import checkpoint
from nnspark.runs.storage import Folder
from nnspark.training.state import Progress, Row

__all__ = ["Keeper"]


class Keeper:
    """Keeps one model's progress.

    A checkpoint is due every ``checkpoint.seconds`` of the recipe, whatever ``checkpoint.every`` says: a
    sweep of many models would write little else.
    """

    def __init__(self, folder: Folder, recipe: Recipe, fingerprint: str, platforms: Collection[str]) -> None:
        self._folder, self._recipe, self._fingerprint = folder, recipe, fingerprint
        self._platforms = platforms
        self.history: list[dict[str, Any]] = []
        self.last: Progress | None = None
        self.seconds = 0.0
        self._saved_epoch = 0
        self._saved_at = self._began = time.monotonic()

    def resume(self, first: Progress) -> Progress | None:
        """The progress of the newest whole checkpoint; None without one."""
        self._folder.mend("checkpoints")
        found = checkpoint.latest(
            self._folder, first, recipe=self._recipe, fingerprint=self._fingerprint, warn=warn
        )
        if found is None:
            return None
        progress: Progress = found[0]
        self.history = list(found[1]["rows"])
        self.seconds, self.last, self._saved_epoch = float(found[1]["seconds"]), progress, progress.epoch
        return progress

    def remember(self, rows: Sequence[Row], progress: Progress) -> None:
        """The history of some epochs and the progress after them; save it where a checkpoint is due."""
        self.history.extend(rows)
        self.last = progress
        seconds = self._recipe.checkpoint.seconds
        if seconds and time.monotonic() - self._saved_at >= seconds:
            self.save()

    def save(self) -> None:
        """Write a checkpoint of the last epoch, unless there is one; a full disk is told and survived."""
        now = time.monotonic()
        self.seconds, self._saved_at, self._began = self.seconds + now - self._began, now, now
        if self.last is None or self.last.epoch == self._saved_epoch:
            return
        try:
            checkpoint.save(
                self._folder,
                self.last,
                epoch=self.last.epoch,
                recipe=self._recipe,
                fingerprint=self._fingerprint,
                seconds=self.seconds,
                keep=self._recipe.checkpoint.keep,
                platforms=self._platforms,
                rows=[row for row in self.history if row["epoch"] <= self.last.epoch],
            )
            self._saved_epoch = self.last.epoch
        except OSError as error:
            warn(f"a checkpoint of {self._folder.path()} could not be written ({error}); the sweep goes on")
