"""Show what probabilities are worth: ROC and precision-recall curves, calibration, thresholds.

All of it is drawn from metrics.json: nothing is computed again.
"""

from collections.abc import Sequence

from nnspark.report.axes import Axes
from nnspark.report.judged import Figures, drawn, judged, share_cell, table_of
from nnspark.report.outcome import PARTS
from nnspark.report.record import RunRecord
from nnspark.report.templates import fill
from nnspark.report.text import as_float, escape, number, percent, plural, shorten

__all__ = ["probabilities_section"]

LONGEST = 24


def probabilities_section(run: RunRecord) -> str:
    """Return ROC, precision-recall and calibration plots, and what each threshold gives."""
    part, figures = judged(run, "calibration")
    if not part:
        return ""
    plots = [*_curves(drawn(run, part, "curves"), figures), _reliability(figures["calibration"])]
    table = (
        _thresholds(figures["thresholds"], _subject(figures["calibration"]), run)
        if figures.get("thresholds")
        else ""
    )
    return fill("probabilities", of_part=PARTS[part], plots=plots, thresholds=table)


def _curves(curves: Sequence[Figures], figures: Figures) -> list[str]:
    """Both plots; of several classes a line each, the one with the least area in another colour."""
    known = [one for one in curves if min(one["rows"]) > 0]
    if not known:
        return []
    roc = Axes(x_name="false positive rate", y_name="recall")
    pr = Axes(x_name="recall", y_name="precision")
    roc_lines = [roc.line((0, 1), (0, 1), "chance")]
    pr_lines = []
    if len(known) == 1:
        rate = known[0]["rows"][1] / sum(known[0]["rows"])
        pr_lines.append(pr.line((0, 1), (rate, rate), "chance"))
    for area, axes, lines, points in (("roc_auc", roc, roc_lines, _roc), ("pr_auc", pr, pr_lines, _pr)):
        least = min(known, key=lambda one: as_float(one[area]))
        for one in sorted(known, key=lambda one: one is least):
            kind = "train" if len(known) == 1 else "weakest" if one is least else "one-of-many"
            lines.append(axes.line(*points(one), kind, f"{one['class']}: {number(one[area])}"))
    titles = (("ROC", "roc_auc", roc, roc_lines), ("Precision and recall", "pr_auc", pr, pr_lines))
    return [
        _curve(title, area, axes.drawn(lines, title), known, figures) for title, area, axes, lines in titles
    ]


def _roc(curve: Figures) -> tuple[list[float], list[float]]:
    """False positive rates and recalls, from 0 on."""
    negatives, positives = curve["rows"]
    return [0.0, *(n / negatives for n in curve["false"])], [0.0, *(n / positives for n in curve["true"])]


def _pr(curve: Figures) -> tuple[list[float], list[float]]:
    """Recalls and precisions; at recall 0 the first precision."""
    counts = list(zip(curve["true"], curve["false"], strict=True))
    precisions = [true / (true + false) for true, false in counts]
    return [0.0, *(true / curve["rows"][1] for true, _ in counts)], [precisions[0], *precisions]


def _curve(title: str, area: str, svg: str, known: Sequence[Figures], figures: Figures) -> str:
    value = figures.get(area)
    keys = [fill("key", ink="train", legend="area", end=number(value))]
    if len(known) == 1:
        baseline = (figures.get("baseline") or {}).get(area)
        keys.append(fill("key", ink="cost", legend="baseline", end=number(baseline)))
    else:
        least = min(known, key=lambda one: as_float(one[area]))
        ends = number(least[area])
        keys.append(fill("key", ink="validation", legend=f"least: {shorten(least['class'])}", end=ends))
    return fill("curve", title=title, keys=keys, svg=svg)


def _reliability(calibration: Figures) -> str:
    """How often a thing is so that was said to be so likely; dots, the diagonal is honest."""
    axes = Axes(x_name=f"probability of {_subject(calibration)}", y_name="share that is so")
    bins = calibration["bins"]
    x, y = [one["mean_probability"] for one in bins], [one["share"] for one in bins]
    dots = [
        axes.dot(at, share, "train", said) for at, share, said in zip(x, y, map(_said, bins), strict=True)
    ]
    svg = axes.drawn([axes.line((0, 1), (0, 1), "chance"), axes.line(x, y, "train"), *dots], "Calibration")
    keys = [fill("key", ink="train", legend="calibration error", end=percent(calibration["error"]))]
    keys.append(fill("key", ink="cost", legend="honest", end=""))
    return fill("curve", title="Calibration", keys=keys, svg=svg)


def _subject(calibration: Figures) -> str:
    """What the probabilities are of: the second class by its name, the predicted class, a label."""
    if "class" in calibration:
        name = str(calibration["class"])
        return f"class {name}" if len(name) <= LONGEST else f"class {name[: LONGEST - 1]}…"
    return "a label" if calibration["of"] == "labels" else f"the {calibration['of']}"


def _said(one: Figures) -> str:
    """What a dot says when it is pointed at."""
    share, said = percent(one["share"]), percent(one["mean_probability"])
    return f"{plural(one['rows'], 'row')} at {said}: {share} are so"


def _thresholds(lines: Sequence[Figures], subject: str, run: RunRecord) -> str:
    threshold = (run.metrics.get("prediction") or {}).get("threshold")
    chosen = 0.5 if threshold is None else as_float(threshold)
    columns = ("precision", "recall", "f1")
    counts = ("false_positives", "false_negatives")
    rows = []
    for line in lines:
        own = line["threshold"] == chosen
        cells = [fill("row-head", name=number(line["threshold"]))]
        cells += [share_cell(as_float(line[key]), percent(line[key])) for key in columns]
        cells += [fill("cell", value=number(line[key])) for key in counts]
        rows.append(fill("own-row" if own else "row", cells=cells))
    heads = ("from", "precision", "recall", "F1", "false +", "false −")
    return fill("thresholds", table=table_of(heads, rows), chosen=number(chosen), subject=escape(subject))
