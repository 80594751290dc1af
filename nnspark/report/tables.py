"""Lay out the run's figures as tables: results a part, results a class, the history, names and values."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nnspark.report.figures import label_of, show
from nnspark.report.outcome import PARTS
from nnspark.report.series import History, even_rows, keys_of
from nnspark.report.templates import fill
from nnspark.report.text import as_float, escape, number, percent, plural, shorten

CLASSES_SHOWN = 30


def results_table(metrics: Mapping[str, Any]) -> str:
    """Return every single-number metric, a row each: of test with its baseline, validation and train."""
    parts = {name: metrics[name] for name in PARTS if isinstance(metrics.get(name), Mapping)}
    parts = {name: figures for name, figures in parts.items() if figures}
    keys = [
        key
        for key in dict.fromkeys(key for figures in parts.values() for key in figures)
        if any(_is_single(figures.get(key)) for figures in parts.values())
    ]
    if not keys:
        return ""
    judged = next((name for name in PARTS if parts.get(name, {}).get("baseline")), None)
    columns: dict[str, Mapping[str, Any]] = {}
    for name, figures in parts.items():
        columns[PARTS[name]] = figures
        if name == judged:
            columns[f"baseline ({PARTS[name]})"] = figures["baseline"]
    rows = [
        [fill("row-head", name=escape(label_of(key)))]
        + [_cell(show(key, figures.get(key))) for figures in columns.values()]
        for key in keys
    ]
    return _table(["", *columns], rows)


def class_table(per_class: Sequence[Mapping[str, Any]]) -> str:
    """Return precision, recall, F1 and support a class; of very many classes, the weakest by F1."""
    note, shown = "", list(per_class)
    if len(shown) > CLASSES_SHOWN:
        shown = sorted(shown, key=_weakness)[:CLASSES_SHOWN]
        note = fill("note", note=f"The {len(shown)} weakest by F1, of {len(per_class):,} classes.")
    columns = ("precision", "recall", "f1")
    rows = [
        [fill("row-head", name=shorten(row.get("class")))]
        + [_bar(row.get(key)) for key in columns]
        + [_cell(number(row.get("support")))]
        for row in shown
    ]
    return note + _table(["class", *columns, "support"], rows)


def history_table(history: History, *, best_epoch: int | None = None) -> str:
    """Return about 20 evenly chosen epochs, the best one among them, with every column the history has."""
    keys = keys_of(history)
    chosen = set(even_rows(len(history)))
    chosen |= {
        at for at, row in enumerate(history) if best_epoch is not None and row.get("epoch") == best_epoch
    }
    rows = [[_cell(show(key, history[at].get(key))) for key in keys] for at in sorted(chosen)]
    note = f"{len(chosen):,} of {plural(len(history), 'epoch')}" if len(chosen) < len(history) else ""
    return fill("note", note=note) + _table(keys, rows)


def names_and_values(pairs: Iterable[tuple[str, Any]]) -> str:
    """Return a two-column table of text; a mapping inside a mapping is flattened with dots, a list joined."""
    rows = [
        fill("row", cells=(fill("row-head", name=escape(name)), _cell(_in_a_cell(value))))
        for name, value in _flat(pairs)
    ]
    return fill("names", rows=rows)


def rows_as_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of plain texts, the first column as the rows' heads."""
    cells = [[fill("row-head", name=escape(first)), *(_cell(escape(value)) for value in rest)]
             for first, *rest in rows]  # fmt: skip
    return _table(heads, cells)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    named = [escape(label_of(head)) for head in heads]
    return fill(
        "table",
        heads=(fill("column-head", name=name) for name in named),
        rows=(fill("row", cells=cells) for cells in rows),
    )


def _cell(value: str) -> str:
    return fill("cell", value=value)


def _bar(value: Any) -> str:
    share = as_float(value)
    width = 100 * min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0
    return fill("bar", width=f"{width:.1f}", share=percent(value))


def _weakness(row: Mapping[str, Any]) -> float:
    score = as_float(row.get("f1"))
    return score if math.isfinite(score) else -1.0


def _is_single(value: Any) -> bool:
    return value is not None and not isinstance(value, Mapping | list | tuple) and not hasattr(value, "shape")


def _in_a_cell(value: Any) -> str:
    return "; ".join(map(number, value)) if isinstance(value, list | tuple) else number(value)


def _flat(pairs: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, Any]]:
    for name, value in pairs:
        if isinstance(value, Mapping):
            yield from _flat((f"{name}.{inner}", deeper) for inner, deeper in value.items())
        else:
            yield name, value
