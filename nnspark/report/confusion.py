"""Show which classes are taken for which: a heat map of counts and the commonest mistakes in words."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.report.templates import fill
from nnspark.report.text import number, plural, shorten

TABLE_UP_TO = 30
"""More classes than this are drawn as coloured dots without numbers."""
MOST_CELLS = 5_000
"""A map without numbers draws at most this many cells, the fullest ones."""


def draw_confusion(confusion: NDArray[Any], classes: Sequence[str]) -> str:
    """Return the heat map of (num_classes, num_classes) counts, row = true class, column = predicted.

    A cell's shade is the square root of its share of the row, so that one mistake in fifty is still seen.
    """
    counts = np.nan_to_num(np.asarray(confusion, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    names = [str(name) for name in classes]
    if len(names) != len(counts):
        names = [str(index) for index in range(len(counts))]
    totals = counts.sum(axis=1, keepdims=True)
    shades = np.sqrt(np.clip(np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0), 0, 1))
    draw = _table if len(names) <= TABLE_UP_TO else _dots
    return draw(counts, shades, names) + _mistakes(counts, names)


def _table(counts: NDArray[Any], shades: NDArray[Any], names: Sequence[str]) -> str:
    named = [shorten(name, length=12) for name in names]
    rows = []
    for true, name in enumerate(named):
        cells = [
            _cell(counts[true, guess], shades[true, guess], right=true == guess)
            for guess in range(len(named))
        ]
        rows.append(fill("row", cells=[fill("row-head", name=name), *cells]))
    return fill("heat", heads=(fill("column-head", name=name) for name in named), rows=rows)


def _cell(count: float, shade: float, *, right: bool) -> str:
    if count == 0:
        return fill("heat-none")
    kind = ("hit" if right else "miss") + (" deep" if shade > 0.6 else "")
    return fill("heat-cell", kind=kind, alpha=_alpha(shade), count=_count(count))


def _dots(counts: NDArray[Any], shades: NDArray[Any], names: Sequence[str]) -> str:
    order = np.argsort(-counts, axis=None, kind="stable")[:MOST_CELLS].tolist()
    width = len(names)
    cells = []
    for true, guess in (divmod(flat, width) for flat in order if counts.flat[flat] > 0):
        kind = "hit" if true == guess else "miss"
        alpha = _alpha(shades[true, guess])
        cells.append(fill("dot", kind=kind, x=str(guess), y=str(true), alpha=alpha))
    return fill("dots", width=str(width), dots=cells)


def _alpha(shade: float) -> str:
    return f"{0.12 + 0.88 * shade:.3f}"


def _mistakes(counts: NDArray[Any], names: Sequence[str], *, most: int = 5) -> str:
    """Return the commonest mistakes as a sentence."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    pairs = [
        divmod(flat, len(names)) for flat in np.argsort(-wrong, axis=None, kind="stable")[:most].tolist()
    ]
    said = [
        f"{shorten(names[true])} taken for {shorten(names[guess])} ({_count(wrong[true, guess])})"
        for true, guess in pairs
        if wrong[true, guess] > 0
    ]
    if not said:
        return fill("note", note="No row was taken for another class.")
    total = plural(float(wrong.sum()), "row")
    return fill("note", note=f"{total} wrong. Most often: {'; '.join(said)}.")


def draw_mistakes(mistakes: Sequence[tuple[str, str, int]]) -> str:
    """Return the commonest mistakes, of very many classes, as a table."""
    cells = [
        (
            fill("row-head", name=shorten(true)),
            fill("cell", value=shorten(guess)),
            fill("cell", value=number(rows)),
        )
        for true, guess, rows in mistakes[:TABLE_UP_TO]
    ]
    heads = (fill("column-head", name=name) for name in ("class", "taken for", "rows"))
    return fill("table", heads=heads, rows=(fill("row", cells=row) for row in cells))


def _count(count: float) -> str:
    return number(int(count)) if float(count).is_integer() else number(float(count), digits=3)
