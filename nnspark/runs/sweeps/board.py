"""How a sweep goes, while it runs: a bar on a terminal, lines otherwise. Standard error only."""

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from nnspark.evaluation.text import number
from nnspark.log import log
from nnspark.recipe import Sweep
from nnspark.runs.progress import NARROW, WIDE
from nnspark.runs.sweeps.candidates import Candidate, Ranked, loss_like

__all__ = ["Board", "said", "table_lines"]

SHOWN = 10


class Board:
    """Counts what the models do; called from their threads."""

    def __init__(self, sweep: Sweep, candidates: Sequence[Candidate], every: int, *, shown: bool) -> None:
        self._sweep, self._every, self._shown = sweep, every, shown
        self._lock = threading.Lock()
        self._models, self._done = len(candidates), 0
        self._evaluations: dict[str, int] = {}
        self._best: tuple[float, float, Candidate] | None = None
        self._said = 0
        self._bar: Any = None
        if shown and sys.stderr.isatty():
            from tqdm import tqdm

            total = sum(one.recipe.training.epochs for one in candidates)
            columns, rows = os.get_terminal_size(sys.stderr.fileno())  # 0×0 where it does not know its size
            self._bar = tqdm(
                total=total, unit="epoch", file=sys.stderr, ncols=columns or 100, nrows=rows or 24,
                bar_format=None if columns >= WIDE else NARROW,
            )  # fmt: skip

    def epoch(self, candidate: Candidate, row: Mapping[str, Any]) -> None:
        """A model has done an epoch."""
        with self._lock:
            self._evaluations[candidate.name] = row["evaluations"]
            score = row.get(self._sweep.monitor)
            if score is not None and (
                self._best is None or loss_like(self._sweep, score) < loss_like(self._sweep, self._best[0])
            ):
                self._best = (float(score), 0.0, candidate)
            if self._bar is not None:
                self._bar.set_postfix_str(self._line(), refresh=False)
                self._bar.update()
            elif self._shown and row["epoch"] > self._said and not row["epoch"] % self._every:
                self._said = row["epoch"]
                log(f"epoch {row['epoch']}  {self._line()}")

    def ended(self) -> None:
        """A model has ended."""
        with self._lock:
            self._done += 1

    def close(self) -> None:
        """Leave the terminal tidy."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _line(self) -> str:
        evaluations = sum(self._evaluations.values())
        alive = f"{self._models - self._done} of {self._models} alive, {evaluations} evaluations"
        if self._best is None:
            return alive
        score, _, candidate = self._best
        fold = "" if candidate.fold is None else f", fold {candidate.fold}"
        return f"{alive}, best {self._sweep.monitor} {number(score)} ({said(candidate.settings)}{fold})"


def said(settings: Mapping[str, Any]) -> str:
    """Settings in a few words: the keys' last names."""
    return ", ".join(f"{key.rpartition('.')[2]} {value}" for key, value in settings.items())


def table_lines(ranked: Sequence[Ranked], sweep: Sweep) -> list[str]:
    """The best settings, one a line."""
    lines = []
    for rank, one in enumerate(ranked[:SHOWN], 1):
        error = "" if one.standard_error is None else f" ± {number(one.standard_error)}"
        score = "diverged" if one.mean is None else f"{number(one.mean)}{error}"
        epochs = max(result["epochs"] for result in one.results)
        lines.append(f"{rank:>3}. {sweep.monitor} {score}  {said(one.settings)}  ({epochs} epochs)")
    if len(ranked) > SHOWN:
        lines.append(f"     and {len(ranked) - SHOWN} more settings")
    return lines
