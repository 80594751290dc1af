"""Lay out the run's figures as tables: results a part, results a class, the history, names and values."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nnspark.report.figures import label_of, show
from nnspark.report.outcome import PARTS
from nnspark.report.series import History, even_rows, keys_of
from nnspark.report.text import as_float, escape, number, percent, plural, shorten

CLASSES_SHOWN = 30


def results_table(metrics: Mapping[str, Any]) -> str:
    """Return every single-number metric of train, validation and test, one row a part."""
    parts = {name: metrics[name] for name in reversed(PARTS) if isinstance(metrics.get(name), Mapping)}
    parts = {name: figures for name, figures in parts.items() if figures}
    keys = [
        key
        for key in dict.fromkeys(key for figures in parts.values() for key in figures)
        if any(_is_single(figures.get(key)) for figures in parts.values())
    ]
    if not keys:
        return ""
    rows = [
        [f'<th scope="row">{PARTS[name]}</th>', *(f"<td>{show(key, figures.get(key))}</td>" for key in keys)]
        for name, figures in parts.items()
    ]
    return _table(["", *keys], rows)


def class_table(per_class: Sequence[Mapping[str, Any]]) -> str:
    """Return precision, recall, F1 and support a class; of very many classes, the weakest by F1."""
    note, shown = "", list(per_class)
    if len(shown) > CLASSES_SHOWN:
        shown = sorted(shown, key=_weakness)[:CLASSES_SHOWN]
        note = f'<p class="note">The {len(shown)} weakest by F1, of {len(per_class):,} classes.</p>'
    columns = ("precision", "recall", "f1")
    rows = [
        [f'<th scope="row">{shorten(row.get("class"))}</th>']
        + [_bar(row.get(key)) for key in columns]
        + [f"<td>{number(row.get('support'))}</td>"]
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
    rows = [[f"<td>{show(key, history[at].get(key))}</td>" for key in keys] for at in sorted(chosen)]
    note = f"{len(chosen):,} of {plural(len(history), 'epoch')}" if len(chosen) < len(history) else ""
    return f'<p class="note">{note}</p>{_table(keys, rows)}'


def names_and_values(pairs: Iterable[tuple[str, Any]]) -> str:
    """Return a two-column table of text; a mapping inside a mapping is flattened with dots."""
    rows = [
        f'<tr><th scope="row">{escape(name)}</th><td>{number(value)}</td></tr>'
        for name, value in _flat(pairs)
    ]
    return f'<div class="wide"><table class="names"><tbody>{"".join(rows)}</tbody></table></div>'


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    named = "".join(f'<th scope="col">{escape(label_of(head))}</th>' for head in heads)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{named}</tr></thead><tbody>{body}</tbody></table></div>'


def _bar(value: Any) -> str:
    share = as_float(value)
    width = 100 * min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0
    return f'<td class="bar" style="--w:{width:.1f}%">{percent(value)}</td>'


def _weakness(row: Mapping[str, Any]) -> float:
    score = as_float(row.get("f1"))
    return score if math.isfinite(score) else -1.0


def _is_single(value: Any) -> bool:
    return value is not None and not isinstance(value, Mapping | list | tuple) and not hasattr(value, "shape")


def _flat(pairs: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, Any]]:
    for name, value in pairs:
        if isinstance(value, Mapping):
            yield from _flat((f"{name}.{inner}", deeper) for inner, deeper in value.items())
        else:
            yield name, value
