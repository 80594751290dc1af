"""An evaluation as text for a terminal: the figures, a line a class, the confusion matrix."""

from collections.abc import Mapping, Sequence
from typing import Any

from nnspark.objective.metrics import METRICS, by_worth

__all__ = ["aligned", "as_text", "number"]

MOST_CLASSES = 25
NAME_LENGTH = 16
LARGE = 1e9  # from there on a figure has an exponent
COLUMNS = ("precision", "recall", "f1")


def as_text(figures: Mapping[str, Any]) -> str:
    """The evaluation that ``evaluate_model`` returned, to be read by a person."""
    part = "all rows" if figures["part"] == "all" else f"{figures['part']} part"
    worth = [name for name in by_worth(figures) if name in figures]
    first = [name for name in worth if METRICS[name].every_epoch or worth.index(name) < 2]
    known = [f"{name} {number(figures[name])}{_of(name, figures)}" for name in first]
    sections = [f"{part}: {figures['num_samples']} rows, " + ", ".join(known)]
    if "per_class" in figures:
        sections.append(_class_table(figures))
    if "baseline" in figures:
        sections.append(_with_baseline(worth, figures))
    if "calibration" in figures:
        sections.append(_calibration(figures["calibration"]))
    if "thresholds" in figures:
        sections.append(_thresholds(figures["thresholds"]))
    if "classes" in figures and "confusion" in figures:
        sections.append(_confusion_table(figures["confusion"], figures["classes"]))
    if figures.get("commonest_mistakes"):
        sections.append(_mistakes(figures["commonest_mistakes"]))
    return "\n\n".join(sections)


def _with_baseline(names: Sequence[str], figures: Mapping[str, Any]) -> str:
    """Every metric there is, and that of always answering with the class frequencies, or the mean."""
    baseline = figures["baseline"]
    lines = [["figure", "model", "baseline"]]
    lines += [
        [name, number(figures[name]), number(baseline.get(name))]
        for name in names
        if figures[name] is not None and name in baseline
    ]
    return aligned(lines)


def _of(name: str, figures: Mapping[str, Any]) -> str:
    """What the loss is of, where that is not the target in its own units."""
    said = str(figures.get("loss_is", ""))
    return f" ({said})" if METRICS[name].unit == "loss" and "scaled target" in said else ""


def _class_table(figures: Mapping[str, Any]) -> str:
    kind = "class" if "classes" in figures else "label"
    lines = [[kind, *COLUMNS, "support"]]
    for row in figures["per_class"]:
        lines.append([_name(row["class"]), *(number(row[name]) for name in COLUMNS), str(row["support"])])
    for average in ("macro", "weighted"):
        lines.append([f"{average} average", *(number(figures[average][name]) for name in COLUMNS), ""])
    return aligned(lines)


def _confusion_table(confusion: Sequence[Sequence[int]], classes: Sequence[Any]) -> str:
    title = "confusion matrix (true class down, predicted class across)"
    if len(classes) > MOST_CLASSES:
        return f"{title}: {len(classes)} classes are too many to show here, see the JSON file"
    names = [_name(label) for label in classes]
    rows = [
        [name, *(str(cell) if cell else "·" for cell in row)]
        for name, row in zip(names, confusion, strict=True)
    ]
    return f"{title}\n{aligned([['', *names], *rows])}"


def _calibration(calibration: Mapping[str, Any]) -> str:
    """How often a thing is so that was said to be so likely."""
    said = "a label" if calibration["of"] == "labels" else f"the {calibration['of']}"
    said = f"class {_name(calibration['class'])}" if "class" in calibration else said
    lines = [["probability", "rows", "mean", "share"]]
    lines += [
        [
            f"{one['from']:g} to {one['to']:g}",
            str(one["rows"]),
            number(one["mean_probability"]),
            number(one["share"]),
        ]
        for one in calibration["bins"]
    ]
    return f"calibration of {said} (error {number(calibration['error'])})\n{aligned(lines)}"


def _thresholds(lines: Sequence[Mapping[str, Any]]) -> str:
    """What predicting the second class from each probability on gives."""
    counts = ("false_positives", "false_negatives")
    table = [["threshold", *COLUMNS, *(name.replace("_", " ") for name in counts)]]
    table += [
        [number(one["threshold"]), *(number(one[key]) for key in COLUMNS), *(str(one[key]) for key in counts)]
        for one in lines
    ]
    return aligned(table)


def _mistakes(mistakes: Sequence[Mapping[str, Any]]) -> str:
    """Of many classes, those mistaken most often."""
    lines = [["class", "taken for", "rows"]]
    lines += [[_name(m["class"]), _name(m["taken_for"]), str(m["rows"])] for m in mistakes[:MOST_CLASSES]]
    return f"commonest mistakes of the classes mistaken most often\n{aligned(lines)}"


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Rows of cells as text: the first column to the left, the others to the right.

    >>> print(aligned([["", "one"], ["loss", "0.25"]]))
           one
    loss  0.25
    """
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    ).rstrip()


def _name(label: Any) -> str:
    text = " ".join(str(label).split())
    return text if len(text) <= NAME_LENGTH else text[: NAME_LENGTH - 1] + "…"


def number(value: float | None) -> str:
    """A figure in four decimals; n/a where there is none."""
    if value is None:
        return "n/a"
    if abs(value) >= LARGE:
        return f"{value:.4e}"
    return f"{round(value, 4) + 0.0:.4f}"  # not "-0.0000"
