"""Progress while training: a bar on a terminal, a line every few epochs otherwise. Standard error only."""

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from nnspark.evaluation.text import number
from nnspark.log import log
from nnspark.objective.metrics import METRICS, by_worth

if TYPE_CHECKING:
    from nnspark.training.state import Epoch

__all__ = ["ProgressLog", "make_progress", "shown_keys"]

WIDE, NARROW = 120, "{n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
"""Columns of a terminal that have room for a bar beside the figures, and the line where they have not."""


class ProgressLog(Protocol):
    """A callback for ``train`` that has to be closed."""

    def __call__(self, epoch: "Epoch") -> None:
        """Show an epoch."""

    def close(self) -> None:
        """Leave the terminal tidy."""


def make_progress(epochs: int, *, start: int = 0, every: int = 10) -> ProgressLog:
    """A bar if standard error is a terminal, lines every ``every`` epochs if not."""
    return _Bar(epochs, start) if sys.stderr.isatty() else _Lines(epochs, every)


def figures(row: Mapping[str, Any]) -> dict[str, str]:
    """The few figures of a history row worth watching."""
    return {name: number(row[key]) for name, key in shown_keys(row)}


def shown_keys(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How the figures worth watching are called in a line, and their keys in a history row that has them."""
    names = ["loss", *(name for name in by_worth() if METRICS[name].headline)]
    parts = (("", ""), ("validation_", "val "))
    keys = [(said + name, prefix + name) for prefix, said in parts for name in names]
    return [(name, key) for name, key in keys if row.get(key) is not None]


def in_pairs(row: Mapping[str, Any]) -> str:
    """The figures worth watching, the validation's behind the training's: "loss 0.25, val 0.27"."""
    shown = figures(row)
    own = [name for name in shown if not name.startswith("val ")]
    pairs = [f"{name} {shown[name]}" + (f", val {shown[f'val {name}']}" if f"val {name}" in shown else "")
             for name in own]  # fmt: skip
    return "; ".join(pairs)


class _Bar:
    """tqdm's bar: loss, headline metrics, seconds an epoch, time left; below ``WIDE`` columns no bar as such.

    A line that does not fit would lose its end, the validation's figures, which are looked at most.
    """

    def __init__(self, epochs: int, start: int) -> None:
        from tqdm import tqdm

        columns, rows = os.get_terminal_size(sys.stderr.fileno())  # 0×0 where it does not know its size
        columns = columns or 100
        self._bar = tqdm(
            total=epochs,
            initial=start,
            unit="epoch",
            file=sys.stderr,
            ncols=columns,
            nrows=rows or 24,
            bar_format=None if columns >= WIDE else NARROW,
        )

    def __call__(self, epoch: "Epoch") -> None:
        self._bar.set_postfix_str(in_pairs(epoch.row), refresh=False)
        self._bar.update()

    def close(self) -> None:
        self._bar.close()


class _Lines:
    """One line every few epochs, and always the first and the last."""

    def __init__(self, epochs: int, every: int) -> None:
        self._epochs, self._every, self._shown = epochs, every, 0

    def __call__(self, epoch: "Epoch") -> None:
        number, row = epoch.progress.epoch, epoch.row
        last = number == self._epochs or bool(epoch.progress.stop.reason)
        if self._shown and number % self._every and not last:
            return
        self._shown = number
        shown = "  ".join(f"{name} {value}" for name, value in figures(row).items())
        log(f"epoch {number}/{self._epochs}  {shown}  {row['seconds']:.3f} s")

    def close(self) -> None:
        pass
