"""What the sections on the model's answers share: the part they are of, and the cells of their tables.

They draw what metrics.json holds: nothing is computed again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from nnspark.report.outcome import PARTS
from nnspark.report.record import RunRecord
from nnspark.report.templates import fill
from nnspark.report.text import as_float, number

__all__ = ["Figures", "drawn", "judged", "share_cell", "signed", "table_of"]

Figures = Mapping[str, Any]


def judged(run: RunRecord, key: str) -> tuple[str, Figures]:
    """Return the part worth most whose figures have ``key``, and the figures; "" and none without one."""
    for part in PARTS:
        figures = run.metrics.get(part)
        if isinstance(figures, Mapping) and figures.get(key):
            return part, figures
    return "", {}


def drawn(run: RunRecord, part: str, key: str) -> Sequence[Figures]:
    """Return what the metrics have to draw under ``key``, if it is of that part."""
    plots = run.metrics.get("plots")
    return plots.get(key, ()) if isinstance(plots, Mapping) and plots.get("part") == part else ()


def table_of(heads: Sequence[str], rows: Sequence[str]) -> str:
    """Return a table of rows that are HTML already."""
    return fill("table", heads=[fill("column-head", name=head) for head in heads], rows=rows)


def share_cell(share: float, said: str) -> str:
    """Return a cell with a bar that is as long as the share."""
    width = 100 * min(max(share, 0.0), 1.0) if share == share else 0.0
    return fill("bar", width=f"{width:.1f}", share=said)


def signed(value: Any) -> str:
    """Return a number with its sign, also where it is positive."""
    shown = number(value)
    return f"+{shown}" if as_float(value) > 0 else shown
