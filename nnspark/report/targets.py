"""Show a regression's answers, target by target, and how much each feature counts for."""

from collections.abc import Mapping, Sequence

from nnspark.report.axes import Axes
from nnspark.report.figures import label_of
from nnspark.report.judged import Figures, drawn, judged, signed, table_of
from nnspark.report.outcome import PARTS
from nnspark.report.record import RunRecord
from nnspark.report.templates import fill
from nnspark.report.text import as_float, escape, number, plural, shorten

__all__ = ["features_section", "targets_section"]

FEATURES_SHOWN = 20


def targets_section(run: RunRecord) -> str:
    """Return predicted against true, and the errors of each tenth of the predictions, target by target."""
    part, figures = judged(run, "errors")
    if not part:
        return ""
    densities = {one["target"]: one for one in drawn(run, part, "targets")}
    alone = len(figures["errors"]) == 1
    panels = []
    for one in figures["errors"]:
        name = "" if alone else f"{one['target']}: "
        cells = densities.get(one["target"])
        panels += [_density(cells, name)] if cells else []
        panels.append(_errors(one["tenths"], name))
    return fill("targets", of_part=PARTS[part], panels=panels)


def features_section(run: RunRecord) -> str:
    """Return how much worse the model is without what each feature says."""
    found = run.metrics.get("importance")
    if not isinstance(found, Mapping) or not found.get("features"):
        return ""
    shown = found["features"][:FEATURES_SHOWN]
    most = max(max(as_float(one["mean"]) + as_float(one["std"]) for one in shown), 1e-300)
    rows = [
        fill(
            "row",
            cells=(
                fill("row-head", name=shorten(one["feature"])),
                fill("cell", value=signed(one["mean"])),
                fill("cell", value=f"± {number(one['std'], digits=2)}"),
                _spread(as_float(one["mean"]) / most, as_float(one["std"]) / most),
            ),
        )
        for one in shown
    ]
    of = f" The {len(shown)} most important of {number(found['of'])}." if found["of"] > len(shown) else ""
    heads = ("feature", f"{label_of(found['metric'])} rises by", f"{number(found['repeats'])} shuffles", "")
    return fill(
        "features",
        of_part=PARTS.get(found["part"], ""),
        table=table_of(heads, rows),
        rows=plural(found["rows"], "row"),
        metric=label_of(found["metric"]),
        of=of,
    )


def _spread(mean: float, std: float) -> str:
    """A bar as long as the mean, and a line from a standard deviation below it to one above."""
    ends = [100 * min(max(at, 0.0), 1.0) for at in (mean, mean - std, mean + std)]
    return fill("spread", width=f"{ends[0]:.1f}", low=f"{ends[1]:.1f}", high=f"{ends[2]:.1f}")


def _density(cells: Figures, name: str) -> str:
    low, high, counts = cells["from"], cells["to"], cells["cells"]
    axes = Axes((low, high), (low, high), "true", "predicted", shares=False)
    size, most = len(counts), max(max(line) for line in counts)
    edges = [low + (high - low) * at / size for at in range(size + 1)]
    inside = [
        axes.cell(
            (edges[true], edges[true + 1]),
            (edges[said], edges[said + 1]),
            0.15 + 0.85 * (counts[true][said] / most) ** 0.5,
            plural(counts[true][said], "row"),
        )
        for true in range(size)
        for said in range(size)
        if counts[true][said]
    ]
    inside.append(axes.line((low, high), (low, high), "chance"))
    rows = sum(map(sum, counts))
    keys = [fill("key", ink="train", legend="rows", end=number(rows))]
    keys.append(fill("key", ink="cost", legend="exact", end=""))
    title = escape(f"{name}predicted against true")
    return fill("curve", title=title[0].upper() + title[1:], keys=keys, svg=axes.drawn(inside, title))


def _errors(tenths: Sequence[Figures], name: str) -> str:
    rows = []
    for line in tenths:
        span = f"{number(line['from'])} to {number(line['to'])}"
        cells = [fill("row-head", name=span), fill("cell", value=number(line["rows"]))]
        cells.append(fill("cell", value=signed(line["mean_error"])))
        cells += [fill("cell", value=number(line[key])) for key in ("mae", "rmse")]
        rows.append(fill("row", cells=cells))
    table = table_of(("predicted", "rows", "mean error", "MAE", "RMSE"), rows)
    title = escape(f"{name}errors by tenths of the predictions")
    return fill("errors", title=title[0].upper() + title[1:], table=table)
