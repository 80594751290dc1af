"""The page of several runs side by side: what differs, the figures, and their curves in one picture each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nnspark.objective.metrics import METRICS
from nnspark.report.curves import TOGETHER, draw_together
from nnspark.report.figures import FORMATS, label_of
from nnspark.report.series import Column, History, column, epochs_of
from nnspark.report.tables import rows_as_table
from nnspark.report.templates import fill, fill_page
from nnspark.report.text import escape, number, plural

__all__ = ["ComparisonRecord", "write_comparison"]


@dataclass(frozen=True)
class ComparisonRecord:
    """What the page shows.

    Attributes
    ----------
    names : of the runs.
    histories : of the runs, one mapping an epoch, as ``RunRecord.history``.
    settings, figures : rows of text, a name and then a value for each run.
    verdict : sentences.
    """

    names: Sequence[str]
    histories: Sequence[History]
    settings: Sequence[Sequence[str]]
    figures: Sequence[Sequence[str]]
    verdict: Sequence[str]


def write_comparison(compared: ComparisonRecord) -> str:
    """Return the page as one self-contained HTML text; the curves are of the first six runs."""
    title = f"{plural(len(compared.names), 'run')} compared"
    outcome = escape(compared.verdict[0][0].upper() + compared.verdict[0][1:])
    warnings = [fill("warning", warning=escape(said)) for said in compared.verdict[1:]]
    listed = fill("warnings", warnings=warnings) if warnings else ""
    heads = ["", *compared.names]
    parts = [fill("header", title=title, outcome=outcome, stopped="", warnings=listed)]
    if compared.settings:
        parts.append(
            fill("compared", head="Settings that differ", table=rows_as_table(heads, compared.settings))
        )
    parts.append(_curves(compared))
    if compared.figures:
        parts.append(fill("compared", head="Figures", table=rows_as_table(heads, compared.figures)))
    return fill_page(title=title, outcome=outcome, main="".join(parts))


def _curves(compared: ComparisonRecord) -> str:
    """A picture for each figure that two runs or more have in their histories."""
    histories = compared.histories[: len(TOGETHER)]
    longest = int(max((epochs_of(rows).max() for rows in histories if len(rows)), default=0))
    figures = []
    for name, metric in METRICS.items():
        for key in (name, f"validation_{name}"):
            drawn = zip(histories, compared.names[: len(histories)], strict=True)
            lines = [(_spread(rows, key, longest), run) for rows, run in drawn]
            lines = [line for line in lines if np.isfinite(line[0]).any()]
            if len(lines) > 1:
                title = label_of(key)[0].upper() + label_of(key)[1:]
                try:
                    figures.append(
                        draw_together(title, np.arange(1.0, longest + 1), lines, show=FORMATS[metric.format])
                    )
                except ImportError:
                    return ""
    left_out = len(compared.names) - len(histories)
    note = fill("note", note=f"Without the last {number(left_out)}.") if left_out else ""
    return fill("compared-curves", figures=figures, note=note) if figures else ""


def _spread(history: History, key: str, longest: int) -> Column:
    """A column (longest,) by epoch number, NaN where the run has no such epoch."""
    spread = np.full(longest, np.nan)
    if len(history):
        spread[epochs_of(history).astype(int) - 1] = column(history, key)
    return spread
