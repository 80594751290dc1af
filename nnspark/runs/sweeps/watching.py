"""What can be seen of a sweep while another process is at it: the models that have ended, the best so far."""

from collections.abc import Sequence
from typing import NamedTuple

from nnspark.errors import CheckpointError
from nnspark.evaluation.text import number
from nnspark.recipe import Sweep
from nnspark.recipe.reading import loads_sweep
from nnspark.recipe.sweep import settings_of
from nnspark.report import live_page
from nnspark.runs.history import whole_lines
from nnspark.runs.onlooker import Driver, Onlooker
from nnspark.runs.storage import Folder
from nnspark.runs.sweeps.board import table_lines
from nnspark.runs.sweeps.candidates import Ranked, Result
from nnspark.runs.sweeps.directory import RESULTS, TABLE

__all__ = ["SweepSight", "look_at_sweep"]


class SweepSight(NamedTuple):
    """A sweep at one moment; ``is_whole`` once the best setting is trained and kept."""

    path: str
    sweep: Sweep
    results: Sequence[Result]
    is_whole: bool
    driver: Driver

    @property
    def ended(self) -> bool:
        """The best setting's metrics are written, and nobody is at work any more."""
        return self.is_whole and not self.driver.lives

    def line(self) -> str:
        """How many models have ended, and the best setting's score."""
        best = self._ranked()[:1]
        mean = best[0].mean if best else None
        told = "" if mean is None else f"  best {self.sweep.monitor} {number(mean)}"
        return f"{len(self.results)} of {self._models()} models have ended{told}"

    def block(self) -> list[str]:
        """The settings all of whose models have ended, best first."""
        table = table_lines(self._ranked(), self.sweep) if self._ranked() else []
        return [self.path, self.line(), *table, "done" if self.ended else self.driver.said]

    def page(self, *, refresh: int) -> str:
        """The same lines; the curves are in the sweep's own report."""
        path, line, *table, last = self.block()
        return live_page(path, line, last, (), table="\n".join(table), refresh=refresh)

    def _models(self) -> int:
        return len(settings_of(self.sweep)) * max(self.sweep.folds, 1)

    def _ranked(self) -> list[Ranked]:
        folds = max(self.sweep.folds, 1)
        return [one for one in Ranked.all_of(self.results, self.sweep) if len(one.results) == folds]


def look_at_sweep(folder: Folder, onlooker: Onlooker) -> SweepSight:
    """What is to be seen of the sweep in a folder now.

    Raises
    ------
    CheckpointError : its files cannot be read.
    """
    try:
        driver = onlooker.look()
        recipe = folder.read("recipe.toml").decode("utf-8", errors="replace")
        _, sweep = loads_sweep(recipe, name=folder.path("recipe.toml"))
        whole = TABLE in folder.names() and "metrics.json" in folder.names("best")
        return SweepSight(folder.path(), sweep, whole_lines(folder, RESULTS), whole, driver)
    except OSError as error:
        raise CheckpointError(f"{folder.path()} cannot be read: {error.strerror or error}") from None
