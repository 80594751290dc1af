"""The page of a sweep: which setting is best, how the settings compare, and how the best ones learned.

The picture of the search has an upright line for each key that was varied and one for the score; a setting is
a line across them (Inselberg, "The plane with parallel coordinates", 1985).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.report.curves import draw_together
from nnspark.report.tables import rows_as_table
from nnspark.report.templates import fill, fill_page
from nnspark.report.text import duration, escape, number, plural

__all__ = ["SearchRecord", "Tried", "write_search"]

WIDTH, HEIGHT, TOP, SIDE = 900, 300, 34, 70
LEADING = 3


@dataclass(frozen=True)
class Tried:
    """A setting: what it is, its score with standard error, and its cost; None where it diverged.

    curve : the monitored figure after each epoch, NaN where there is none; empty if it is not known.
    """

    settings: Mapping[str, Any]
    score: float | None
    standard_error: float | None
    epochs: int
    seconds: float
    note: str = ""
    curve: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class SearchRecord:
    """What the page shows; ``tried`` best first."""

    title: str
    monitor: str
    higher_is_better: bool
    models: int
    folds: int
    evaluations: int
    tried: Sequence[Tried]
    recipe_text: str
    commands: Sequence[tuple[str, str]]


def write_search(search: SearchRecord) -> str:
    """Return the page as one self-contained HTML text."""
    best = search.tried[0]
    error = "" if best.standard_error is None else f" ± {number(best.standard_error)}"
    outcome = (
        f"{escape(search.monitor)} {number(best.score)}{error} with {_said(best.settings)}: the best of "
        f"{plural(len(search.tried), 'setting')}"
    )
    folds = f", {search.folds} folds each" if search.folds else ""
    effort = (
        f"{plural(search.models, 'model')}{folds}, {number(search.evaluations)} evaluations, "
        f"{duration(sum(one.seconds for one in search.tried))} of the jobs"
    )
    main = "".join(
        [
            fill("header", title=escape(search.title), outcome=outcome, stopped="", warnings=""),
            fill("note", note=effort),
            fill("search-picture", svg=_picture(search)),
            _curves(search),
            fill("search-table", table=_table(search)),
            fill(
                "search-again",
                commands=(
                    fill("command", what=escape(what), line=escape(line)) for what, line in search.commands
                ),
                recipe=escape(search.recipe_text.strip()),
            ),
        ]
    )
    return fill_page(title=escape(search.title), outcome=outcome, main=main)


def _said(settings: Mapping[str, Any]) -> str:
    return escape(", ".join(f"{key.rpartition('.')[2]} {_short(value)}" for key, value in settings.items()))


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(search: SearchRecord) -> str:
    keys = list(dict.fromkeys(key for one in search.tried for key in one.settings))
    rows = []
    for rank, one in enumerate(search.tried, 1):
        error = "" if one.standard_error is None else f" ± {number(one.standard_error)}"
        score = "diverged" if one.score is None else f"{number(one.score)}{error}"
        values = [_short(one.settings.get(key, "")) for key in keys]
        rows.append([str(rank), *values, score, number(one.epochs), duration(one.seconds), one.note])
    return rows_as_table(["rank", *keys, search.monitor, "epochs", "time", ""], rows)


def _curves(search: SearchRecord) -> str:
    """The best settings' monitored figure over the epochs."""
    leading = [
        one for one in search.tried[:LEADING] if one.curve is not None and np.isfinite(one.curve).any()
    ]
    if not leading:
        return ""
    longest = max(len(one.curve) for one in leading if one.curve is not None)
    lines = []
    for rank, one in enumerate(leading, 1):
        assert one.curve is not None
        lines.append((np.append(one.curve, np.full(longest - len(one.curve), np.nan)), str(rank)))
    try:
        figure = draw_together(search.monitor, np.arange(1.0, longest + 1), lines)
    except ImportError:
        return ""
    return fill("search-curves", figures=figure)


def _picture(search: SearchRecord) -> str:
    """Parallel coordinates of all settings, the best in front."""
    keys = list(dict.fromkeys(key for one in search.tried for key in one.settings))
    scored = [one for one in search.tried if one.score is not None]
    axes = [_Axis(key, [one.settings.get(key) for one in search.tried]) for key in keys]
    axes.append(_Axis(search.monitor, [one.score for one in scored], flip=not search.higher_is_better))
    across = [SIDE + (WIDTH - 2 * SIDE) * at / max(len(axes) - 1, 1) for at in range(len(axes))]
    parts = []
    for rank, one in reversed(list(enumerate(scored))):
        values = [*(one.settings.get(key) for key in keys), one.score]
        points = " ".join(
            f"{x:.1f},{axis.at(value):.1f}" for x, axis, value in zip(across, axes, values, strict=True)
        )
        kind = "first" if rank == 0 else "leading" if rank < LEADING else ""
        parts.append(fill("search-line", kind=kind, points=points, what=_said(one.settings)))
    for x, axis in zip(across, axes, strict=True):
        marks = (
            fill("search-mark", x=f"{x + 6:.1f}", y=f"{y + 4:.1f}", text=text) for y, text in axis.marks()
        )
        parts.append(
            fill(
                "search-axis", x=f"{x:.1f}", top=str(TOP), bottom=str(HEIGHT - 14), y=str(TOP - 14),
                name=escape(axis.name.rpartition(".")[2]), marks=marks,
            )
        )  # fmt: skip
    label = escape(f"{plural(len(scored), 'setting')} across {', '.join(keys)} and {search.monitor}")
    return fill("search-svg", width=str(WIDTH), height=str(HEIGHT), label=label, parts=parts)


class _Axis:
    """An upright axis: numbers where all values are numbers, else one place a value."""

    def __init__(self, name: str, values: Sequence[Any], *, flip: bool = False) -> None:
        self.name, self._flip = name, flip
        numbers = [
            value for value in values if isinstance(value, int | float) and not isinstance(value, bool)
        ]
        self._is_number = len(numbers) == len(values) and len(set(numbers)) > 1
        if self._is_number:
            low, high = float(min(numbers)), float(max(numbers))
            self._log = low > 0 and high / low > 20
            self._low, self._high = (math.log(low), math.log(high)) if self._log else (low, high)
            self._ends = low, high
        else:
            self._places = sorted({str(value) for value in values}, key=lambda text: (len(text), text))

    def at(self, value: Any) -> float:
        """The height of a value."""
        if self._is_number:
            place = math.log(value) if self._log else float(value)
            share = (place - self._low) / (self._high - self._low)
        else:
            share = (self._places.index(str(value)) + 0.5) / len(self._places)
        share = 1 - share if self._flip else share
        return HEIGHT - 14 - share * (HEIGHT - 14 - TOP)

    def marks(self) -> list[tuple[float, str]]:
        """Heights and texts of what stands beside the axis."""
        if self._is_number:
            return [(self.at(end), number(end)) for end in self._ends]
        shown = self._places if len(self._places) <= 12 else [self._places[0], self._places[-1]]
        return [(self.at(place), escape(place)) for place in shown]
