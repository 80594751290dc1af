"""Draw the history as inline SVG: one small panel a quantity, coloured by the page's own style sheet.

matplotlib is optional. Its `Figure` is used without pyplot, so no global figure or backend is touched, and
the SVG is stripped of everything that names a place or a time: the same history gives the same bytes.
"""

import io
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from nnspark.objective.metrics import METRICS
from nnspark.report.figures import FORMATS
from nnspark.report.series import Column, History, column, epochs_of, last_finite, thin
from nnspark.report.tables import history_table
from nnspark.report.templates import fill
from nnspark.report.text import duration, escape, number, percent

INKS = {
    "train": "#0a0b01", "validation": "#0a0b02", "cost": "#0a0b03", "muted": "#0a0b04", "line": "#0a0b05",
    "fourth": "#0a0b06", "fifth": "#0a0b07", "sixth": "#0a0b08",
}  # fmt: skip
"""Stand-in colours: matplotlib writes them, `_for_page` turns each into the CSS variable of its name."""

TOGETHER = ("train", "validation", "cost", "fourth", "fifth", "sixth")
"""The inks of lines drawn together, in their order."""

LOG_FROM = 50.0
"""A positive quantity whose largest value is this many times its least is drawn on a logarithmic axis."""


class Panel(NamedTuple):
    """One plot: its title, its (history key, legend, ink) lines, and how its values read."""

    title: str
    lines: tuple[tuple[str, str, str], ...]
    show: Any = number
    may_be_log: bool = True


OTHER_PANELS = (
    Panel("Learning rate", (("learning_rate", "", "train"),)),
    Panel("Gradient norm", (("grad_norm", "", "train"),)),
    Panel("Seconds an epoch", (("seconds", "", "train"),), duration),
)


def panels() -> list[Panel]:
    """Return a panel for each metric there is, training and validation in one, then the others."""
    shown = []
    for name, metric in METRICS.items():
        both = ((name, "train", "train"), (f"validation_{name}", "validation", "validation"))
        lines = (("cost", "cost", "cost"), *both) if name == "loss" else both
        title = metric.label[0].upper() + metric.label[1:]
        shown.append(Panel(title, lines, FORMATS[metric.format], may_be_log=not metric.higher_is_better))
    return [*shown, *OTHER_PANELS]


def training_section(history: History, best_epoch: int | None, *, notes: str = "") -> str:
    """Return the curves, with ``notes`` before them, and the history as a table; without matplotlib that."""
    table = history_table(history, best_epoch=best_epoch)
    try:
        figures = draw_curves(history, best_epoch=best_epoch)
    except ImportError:
        return fill("training-without-curves", table=table, notes=notes)
    return fill("training", figures=figures, table=table, notes=notes)


def draw_curves(history: History, *, best_epoch: int | None = None) -> list[str]:
    """Return one `<figure>` for each panel the history has numbers for.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    import matplotlib

    epochs = epochs_of(history)
    figures = []
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({"svg.hashsalt": "nnspark", "svg.fonttype": "none", "font.size": 9.5})
        for panel in panels():
            lines = _drawn_lines(history, panel)
            if lines:
                best = best_epoch if len(lines) > 1 and len(history) > 1 else None
                figures.append(_figure(panel, lines, _draw(epochs, lines, panel, best), len(history), best))
    return figures


def _drawn_lines(history: History, panel: Panel) -> list[tuple[Column, str, str]]:
    lines = [(column(history, key), legend, ink) for key, legend, ink in panel.lines]
    lines = [line for line in lines if np.isfinite(line[0]).any()]
    if len(lines) > 1 and lines[0][2] == "cost" and np.allclose(lines[0][0], lines[1][0], equal_nan=True):
        return lines[1:]
    return lines


def _draw(epochs: Column, lines: Sequence[tuple[Column, str, str]], panel: Panel, best: int | None) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.9, 2.2), layout="constrained")
    axes = figure.subplots()
    for values, _, ink in lines:
        at = thin(values)
        style = {"linewidth": 1.0, "linestyle": (0, (4, 2))} if ink == "cost" else {"linewidth": 1.7}
        marker = "o" if np.isfinite(values).sum() == 1 else ""
        axes.plot(epochs[at], values[at], color=INKS[ink], marker=marker, **style)
    if best is not None:
        axes.axvline(best, color=INKS["muted"], linewidth=1.0, linestyle=(0, (1, 2)))
    _scale(axes, np.concatenate([values[np.isfinite(values)] for values, _, _ in lines]), panel)
    axes.margins(x=0.02)
    axes.grid(axis="y", color=INKS["line"], linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INKS["line"], labelcolor=INKS["muted"], length=3)
    axes.set_xlabel("epoch", color=INKS["muted"])
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(INKS["line"])
    drawn = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(drawn, format="svg", transparent=True, metadata=nothing)
    return _for_page(drawn.getvalue())


def _scale(axes: Any, values: Column, panel: Panel) -> None:
    """Choose a linear or a logarithmic y axis for finite `values`, and ticks a person would choose."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    low, high = float(values.min()), float(values.max())
    if panel.may_be_log and low > 0 and high / low > LOG_FROM:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if high / low > 1e3 else (1.0, 3.0), numticks=6))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
        if high - low <= 1e-9 * abs(high):
            room = 0.1 * abs(high) or 0.1
            axes.set_ylim(low - room, high + room)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value, panel)))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10], integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _tick(value: float, panel: Panel) -> str:
    return f"{100 * value:.4g} %" if panel.show is percent else f"{value:.5g}".replace("-", "−")


def _for_page(svg: str) -> str:
    """Return matplotlib's SVG as inline HTML: no prologue, addresses or unused ids; colours from the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"| version="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", svg)
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font: \1 var(--font)", svg)
    for name, stand_in in INKS.items():
        svg = svg.replace(stand_in, f"var(--{name})")
    return re.sub(r"\s*\n\s*", "\n", svg).strip()


def _figure(
    panel: Panel, lines: Sequence[tuple[Column, str, str]], svg: str, num_epochs: int, best: int | None
) -> str:
    ends = [(legend, ink, panel.show(last_finite(values))) for values, legend, ink in lines]
    keys = [fill("key", ink=ink, legend=escape(legend), end=end) for legend, ink, end in ends]
    if best is not None:
        keys.append(fill("best", epoch=number(best)))
    said = ", ".join(f"{legend} {end}".strip() for legend, _, end in ends)
    label = f"{panel.title} over {num_epochs:,} epochs; at the end: {said}"
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1)
    return fill("curve", title=escape(panel.title), keys=keys, svg=svg)


def draw_together(
    title: str, epochs: Column, lines: Sequence[tuple[Column, str]], *, show: Any = number
) -> str:
    """Return one `<figure>` of up to six named lines over the same epochs, the first in the main colour.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    import matplotlib

    inked = [(values, legend, ink) for (values, legend), ink in zip(lines, TOGETHER, strict=False)]
    panel = Panel(title, (), show)
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({"svg.hashsalt": "nnspark", "svg.fonttype": "none", "font.size": 9.5})
        return _figure(panel, inked, _draw(epochs, inked, panel, None), len(epochs), None)
