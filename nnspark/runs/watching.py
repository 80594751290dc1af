"""What can be seen of a run while another process is at it: its directory is read, and nothing else."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from nnspark.errors import CheckpointError
from nnspark.evaluation.text import aligned, number
from nnspark.objective.metrics import METRICS
from nnspark.recipe import Recipe, loads
from nnspark.report import live_page
from nnspark.report.text import duration
from nnspark.runs.directory import SWEEP
from nnspark.runs.history import LINES, Row, readable_lines
from nnspark.runs.onlooker import Driver, Onlooker
from nnspark.runs.progress import shown_keys
from nnspark.runs.recorded import read_metrics
from nnspark.runs.storage import Folder
from nnspark.runs.summary import figures_line

__all__ = ["RunSight", "Sight", "is_sweep", "look_at_run", "refuse_nothing"]

LATELY = 10  # epochs, whose median says how long one takes
BAR = 24  # characters


class Sight(Protocol):
    """What was seen at one moment."""

    @property
    def ended(self) -> bool:
        """Whether all is done and nobody is at work any more."""

    def line(self) -> str:
        """It in a line."""

    def block(self) -> list[str]:
        """It in a few lines."""

    def page(self, *, refresh: int) -> str:
        """It as HTML that loads itself again after so many seconds; 0 is never."""


def is_sweep(folder: Folder) -> bool:
    """Whether a directory holds a sweep."""
    return SWEEP in folder.names()


def refuse_nothing(folder: Folder) -> None:
    """CheckpointError unless a run, or a sweep, is in the folder, or a driver that begins one."""
    if not {"recipe.toml", "driver.lock", LINES, "metrics.json"} & set(folder.names()):
        raise CheckpointError(
            f"{folder.path()} holds no run: expected the directory of one that has begun, or ended"
        )


class RunSight(NamedTuple):
    """A run at one moment; recipe and metrics are None where they are not written yet."""

    path: str
    recipe: Recipe | None
    rows: Sequence[Row]
    metrics: Mapping[str, Any] | None
    driver: Driver

    @property
    def ended(self) -> bool:
        """Metrics are written last; a driver that goes on with an interrupted run has not come so far."""
        return self.metrics is not None and not self.driver.lives

    @property
    def seconds(self) -> float | None:
        """What an epoch takes, lately."""
        lately = [row["seconds"] for row in self.rows[-LATELY:] if row.get("seconds") is not None]
        return statistics.median(lately) if lately else None

    @property
    def left(self) -> float | None:
        """Seconds to the last epoch, if no stopping rule ends the run before; None once it has ended."""
        if self.recipe is None or self.seconds is None or self.ended:
            return None
        return float(max(self.recipe.training.epochs - self.rows[-1]["epoch"], 0) * self.seconds)

    def best(self, key: str) -> Row | None:
        """The row in which a metric, or its validation twin, was best: the first of equals."""
        known = [row for row in self.rows if row.get(key) is not None]
        sign = -1 if METRICS[key.removeprefix("validation_")].higher_is_better else 1
        return min(known, key=lambda row: sign * row[key]) if known else None

    def line(self) -> str:
        """Epoch, figures, seconds an epoch, time left."""
        if not self.rows:
            return "the first epoch has not ended yet" if self.driver.lives else "no epoch has ended"
        last = self.rows[-1]
        figures = (f"{name} {number(last[key])}" for name, key in shown_keys(last))
        return "  ".join([f"epoch {last['epoch']}{self._of()}", *figures, *self._times()])

    def block(self) -> list[str]:
        """A bar, each figure now and when it was best, who is at work; at the end the result."""
        lines = [self.path, self.line() if not self.rows else "  ".join([*self._bar(), *self._times()])]
        if self.rows:
            last, table = self.rows[-1], [["", "now", "best", "at epoch"]]
            for name, key in shown_keys(last):
                best = self.best(key)
                if best is not None:
                    table.append([name, number(last[key]), number(best[key]), str(best["epoch"])])
            lines += aligned(table).splitlines()
        return [*lines, self._last_line()]

    def page(self, *, refresh: int) -> str:
        """Curves and history so far."""
        monitor = self.recipe.stopping.monitor if self.recipe else "validation_loss"
        metric = monitor.removeprefix("validation_") in METRICS
        best = self.best(monitor) if metric else None
        return live_page(
            self.path, self.line(), self._last_line(), self.rows,
            best_epoch=None if best is None else best["epoch"], refresh=refresh,
        )  # fmt: skip

    def _last_line(self) -> str:
        if not self.ended or self.metrics is None:
            return self.driver.said
        if self.metrics.get("interrupted"):
            return "interrupted: --resume goes on"
        reason = self.metrics.get("stopped_because")
        return "; ".join(filter(None, ["done", reason, figures_line(self.metrics)]))

    def _of(self) -> str:
        return f"/{self.recipe.training.epochs}" if self.recipe else ""

    def _bar(self) -> list[str]:
        done = self.rows[-1]["epoch"]
        said = f"epoch {done}{self._of()}"
        if self.recipe is None:
            return [said]
        full = min(BAR * done // self.recipe.training.epochs, BAR)
        return [said, f"[{'#' * full}{'.' * (BAR - full)}]"]

    def _times(self) -> list[str]:
        each = [] if self.seconds is None else [f"{self.seconds:.3f} s an epoch"]
        return each if self.left is None else [*each, f"about {duration(self.left)} left"]


def look_at_run(folder: Folder, onlooker: Onlooker) -> RunSight:
    """What is to be seen of the run in a folder now.

    Raises
    ------
    CheckpointError : its files cannot be read.
    """
    try:
        driver = onlooker.look()  # first: one that ends in between has written all that is read below
        recipe = _text(folder, "recipe.toml")
        metrics = read_metrics(folder)
        return RunSight(
            folder.path(),
            None if recipe is None else loads(recipe, name=folder.path("recipe.toml")),
            readable_lines(folder),
            metrics,
            driver,
        )
    except OSError as error:
        raise CheckpointError(f"{folder.path()} cannot be read: {error.strerror or error}") from None


def _text(folder: Folder, name: str) -> str | None:
    try:
        return folder.read(name).decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None
