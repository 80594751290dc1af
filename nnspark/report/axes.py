"""Draw plots of two numbers as inline SVG whose colours are the page's, without matplotlib."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nnspark.report.templates import fill
from nnspark.report.text import escape

__all__ = ["Axes", "nice_ticks"]

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 320.0, 250.0, 62.0, 40.0, 8.0, 16.0


class Axes(NamedTuple):
    """Ends and names of both axes; ``shares`` where both run from 0 to 1 and read as percent."""

    x: tuple[float, float] = (0.0, 1.0)
    y: tuple[float, float] = (0.0, 1.0)
    x_name: str = ""
    y_name: str = ""
    shares: bool = True

    def at(self, x: float, y: float) -> tuple[str, str]:
        """Where a point is in the drawing; points beyond the ends are at the edge."""
        across = _share(x, *self.x) * (WIDTH - LEFT - RIGHT) + LEFT
        down = (1 - _share(y, *self.y)) * (HEIGHT - TOP - BOTTOM) + TOP
        return _short(across), _short(down)

    def line(self, xs: Iterable[float], ys: Iterable[float], kind: str, said: str = "") -> str:
        """A line through points; ``said`` when it is pointed at."""
        points = " ".join(",".join(self.at(x, y)) for x, y in zip(xs, ys, strict=True))
        return fill("plot-line", kind=kind, points=points, said=escape(said))

    def dot(self, x: float, y: float, kind: str, said: str) -> str:
        """A point that says something when it is pointed at."""
        across, down = self.at(x, y)
        return fill("plot-dot", kind=kind, x=across, y=down, said=escape(said))

    def cell(self, x: tuple[float, float], y: tuple[float, float], alpha: float, said: str) -> str:
        """A filled rectangle."""
        (left, bottom), (right, top) = self.at(x[0], y[0]), self.at(x[1], y[1])
        size = _short(float(right) - float(left)), _short(float(bottom) - float(top))
        return fill(
            "plot-cell", x=left, y=top, width=size[0], height=size[1], alpha=f"{alpha:.3f}", said=escape(said)
        )

    def drawn(self, inside: Iterable[str], label: str) -> str:
        """The plot: ticks, names and what is inside."""
        parts = []
        for tick in self._ticks(self.x):
            across, down = self.at(tick, self.y[0])
            parts.append(fill("plot-tick", x=across, y=down, up=_short(TOP), said=self._said(tick)))
        for tick in self._ticks(self.y):
            across, down = self.at(self.x[0], tick)
            parts.append(
                fill("plot-level", x=across, y=down, right=_short(WIDTH - RIGHT), said=self._said(tick))
            )
        middle = _short((LEFT + WIDTH - RIGHT) / 2)
        parts += inside
        return fill(
            "plot",
            size=f"{WIDTH:g} {HEIGHT:g}",
            label=escape(label),
            parts=parts,
            middle=middle,
            bottom=_short(HEIGHT - 6),
            x=escape(self.x_name),
            half=_short((TOP + HEIGHT - BOTTOM) / 2),
            y=escape(self.y_name),
        )

    def _ticks(self, ends: tuple[float, float]) -> Sequence[float]:
        return (0.0, 0.25, 0.5, 0.75, 1.0) if self.shares else nice_ticks(*ends)

    def _said(self, tick: float) -> str:
        return f"{100 * tick:g} %" if self.shares else _brief(tick)


def nice_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers from ``low`` to ``high``, about so many: steps of 1, 2 or 5 times a power of ten."""
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return []
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(times for times in (1, 2, 5, 10) if times * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [at * step for at in range(first, math.floor(high / step + 1e-9) + 1)]


def _share(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.5


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _brief(tick: float) -> str:
    """A tick's number, short enough to stand at its left."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(tick) >= size:
            return f"{tick / (1e3 if unit == 'k' else size):.4g} {unit}".replace("-", "−")
    return f"{tick:.4g}".replace("-", "−")
