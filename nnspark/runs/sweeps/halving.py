"""Successive halving: at each rung the settings that score best go on (Jamieson and Talwalkar, 2016).

All models train in lock-step up to a rung, are measured there, and wait. A rung's outcome is written down
before anybody goes on, so that a resumed sweep takes the same one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from nnspark.recipe import Sweep
from nnspark.recipe.sweep import kept
from nnspark.runs.sweeps.candidates import Ranked, Result
from nnspark.runs.sweeps.directory import SweepDirectory

__all__ = ["DroppedError", "Halving"]


class DroppedError(Exception):
    """A training that halving ends; it has the model's figures there."""

    def __init__(self, rung: int, epochs: int, metrics: Mapping[str, Any]) -> None:
        super().__init__(f"halving dropped it after epoch {epochs}")
        self.rung, self.metrics = rung, metrics


class Halving:
    """Which settings go on after each rung."""

    def __init__(self, sweep: Sweep, epochs: Sequence[int], directory: SweepDirectory) -> None:
        self._sweep, self.epochs, self._directory = sweep, list(epochs), directory

    def rung_at(self, epoch: int) -> int:
        """The rung that ends with an epoch, one of ``epochs``."""
        return self.epochs.index(epoch)

    def kept_after(self, rung: int) -> list[int] | None:
        """The settings that go on after a rung; None where that is not decided yet."""
        found = [one["kept"] for one in self._directory.rungs if one["rung"] == rung]
        return found[0] if found else None

    def decide(self, rung: int, waiting: Sequence[Result]) -> None:
        """Choose among the settings that wait at a rung, and those that ended before it by themselves."""
        ended = [one for one in self._directory.results if one["rungs"] is None]
        ranked = Ranked.all_of([*ended, *({**one, "rungs": None} for one in waiting)], self._sweep)
        settings = [one.setting for one in ranked]
        keep = kept(self._sweep, len(settings))
        self._directory.add_rung(
            {"rung": rung, "epochs": self.epochs[rung], "of": len(settings), "kept": sorted(settings[:keep])}
        )
