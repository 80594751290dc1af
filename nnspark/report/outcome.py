"""Say how the run went: one line in words, then the key figures."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnspark.objective.metrics import IMBALANCED, by_worth
from nnspark.report.figures import baseline_of, label_of, scores, show
from nnspark.report.record import RunRecord
from nnspark.report.series import column
from nnspark.report.templates import fill
from nnspark.report.text import as_float, duration, escape, number, percent, plural

PARTS = {"test": "test", "validation": "validation", "train": "training"}
"""The parts of the data in the order of what their result is worth, and how they read."""


def outcome(run: RunRecord) -> str:
    """Return the result in words: "97.2 % of 180 test rows right after 400 epochs in 14.3 s"."""
    effort = f"after {plural(_epochs(run), 'epoch')}" + _in_seconds(run)
    part = next((name for name in PARTS if _part(run, name)), None)
    if part is None:
        return f"No result measured {effort}"
    figures = _part(run, part)
    rows = f"{plural(figures.get('num_samples'), PARTS[part] + ' row')}"
    best = scores(figures)[:2] or ["loss"]
    if best[0] == "accuracy":
        return f"{percent(figures['accuracy'])} of {rows} right {effort}"
    said = ", ".join(
        f"{label_of(key)} {show(key, figures.get(key))}"
        + (baseline_of(key, figures) if key in IMBALANCED else "")
        for key in best
    )
    return f"{said[0].upper()}{said[1:]} on {rows} {effort}"


def cards(run: RunRecord) -> str:
    """Return the key figures as a row of cards: each part's score, the loss, the epochs, the time."""
    scored = [name for name in PARTS if _part(run, name)]
    score = next(
        (
            key
            for key in by_worth(_part(run, scored[0]) if scored else None)
            if any(key in scores(_part(run, name)) for name in scored)
        ),
        "loss",
    )
    shown = [_score_card(run, name, score, first=name == scored[0]) for name in scored]
    if score != "loss" and scored:
        losses = [f"{PARTS[name]} {number(_part(run, name).get('loss'))}" for name in scored[1:]]
        head = f"{PARTS[scored[0]]} loss"
        shown.append(_card(head, number(_part(run, scored[0]).get("loss")), losses))
    shown += [_epochs_card(run), _time_card(run)]
    return fill("cards", cards=shown)


def interval(share: float, num_rows: float) -> tuple[float, float]:
    """Return the 95 % interval of a share counted over `num_rows` rows (Wilson 1927, eq. in §2)."""
    z = 1.959963984540054
    spread = z * math.sqrt(share * (1 - share) / num_rows + z * z / (4 * num_rows**2))
    middle, scale = share + z * z / (2 * num_rows), 1 + z * z / num_rows
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def _score_card(run: RunRecord, part: str, score: str, *, first: bool) -> str:
    figures = _part(run, part)
    rows, share = as_float(figures.get("num_samples")), as_float(figures.get("accuracy"))
    notes = [plural(figures.get("num_samples"), "row")] if rows >= 0 else []
    if score == "accuracy" and 0 <= share <= 1 and 0 < rows < math.inf:
        right = share * rows
        if abs(right - round(right)) < 1e-4 and rows == round(rows):
            notes = [f"{round(right):,} of {number(figures['num_samples'])} rows"]
        if part != "train":
            low, high = interval(share, rows)
            notes.append(fill("interval", low=f"{100 * low:.1f}", high=f"{100 * high:.1f}"))
    baseline = (figures.get("baseline") or {}).get(score)
    if baseline is not None:
        notes.append(f"baseline {show(score, baseline)}")
    others = [key for key in scores(figures) if key != score][:2]
    notes += [f"{label_of(key)} {show(key, figures[key])}" for key in others]
    return _card(f"{PARTS[part]} {label_of(score)}", show(score, figures.get(score)), notes, lead=first)


def _epochs_card(run: RunRecord) -> str:
    notes = [plural(run.metrics["evaluations"], "evaluation")] if "evaluations" in run.metrics else []
    if run.best_epoch is not None:
        notes.insert(0, f"best: epoch {number(run.best_epoch)}")
    return _card("epochs", number(_epochs(run)), notes)


def _time_card(run: RunRecord) -> str:
    seconds = column(run.history, "seconds")
    seconds = seconds[np.isfinite(seconds)]
    notes = [f"median {duration(float(np.median(seconds)))} an epoch"] if seconds.size else []
    return _card("time", duration(run.metrics.get("seconds")), notes)


def _card(name: str, value: str, notes: Sequence[str], *, lead: bool = False) -> str:
    kind = "card lead" if lead else "card"
    below = (fill("card-note", note=note) for note in notes)
    return fill("card", kind=kind, name=escape(name), value=value, notes=below)


def _part(run: RunRecord, name: str) -> dict[str, Any]:
    figures = run.metrics.get(name)
    return dict(figures) if isinstance(figures, dict) else {}


def _epochs(run: RunRecord) -> Any:
    return run.metrics.get("epochs", len(run.history))


def _in_seconds(run: RunRecord) -> str:
    return f" in {duration(run.metrics['seconds'])}" if run.metrics.get("seconds") is not None else ""
