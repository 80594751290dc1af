"""Write the page: the outcome in words, then the figures, the pictures, and how to do it again.

One HTML text that needs nothing else: no script, no request (its content policy forbids them), readable
without matplotlib. The same record gives the same bytes.
"""

import re
import shlex

from nnspark.report.confusion import draw_confusion, draw_mistakes
from nnspark.report.curves import draw_curves
from nnspark.report.outcome import cards, outcome
from nnspark.report.record import RunRecord
from nnspark.report.samples import draw_samples
from nnspark.report.series import first_not_finite, keys_of
from nnspark.report.style import STYLE
from nnspark.report.tables import class_table, history_table, names_and_values, results_table
from nnspark.report.text import escape, number

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def write_report(run: RunRecord) -> str:
    """Return the report of `run` as one self-contained HTML text."""
    body = "".join(
        (_header(run), cards(run), _curves(run), _classes(run), _samples(run), _results(run), _again(run))
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(run.title)}: {outcome(run)}</title><style>{STYLE}</style></head>\n"
        f"<body><main>{body}</main></body></html>\n"
    )


def _header(run: RunRecord) -> str:
    warnings = [escape(warning) for warning in run.warnings]
    broken = first_not_finite(run.history, keys_of(run.history))
    if broken:
        key, epoch = broken
        warnings.append(f"{escape(key)} first stopped being a finite number in epoch {number(epoch)}.")
    listed = "".join(f"<li>{warning}</li>" for warning in warnings)
    box = f'<ul class="warnings">{listed}</ul>' if listed else ""
    stopped = f'<p class="stopped">Stopped: {escape(run.stopped_because)}</p>' if run.stopped_because else ""
    return f'<header><h1>{escape(run.title)}</h1><p class="outcome">{outcome(run)}</p>{stopped}{box}</header>'


def _curves(run: RunRecord) -> str:
    if not run.history:
        return '<h2>Training</h2><p class="note">No epoch was recorded.</p>'
    table = history_table(run.history, best_epoch=run.best_epoch)
    try:
        figures = draw_curves(run.history, best_epoch=run.best_epoch)
    except ImportError:
        hint = '<p class="note">For the curves: <code>pip install matplotlib</code></p>'
        return f'<h2>Training</h2>{hint}<div class="panel">{table}</div>'
    return (
        f'<h2>Training</h2><div class="curves">{"".join(figures)}</div>'
        f'<details class="panel"><summary>History in numbers</summary>{table}</details>'
    )


def _classes(run: RunRecord) -> str:
    panels = []
    if run.confusion is not None and run.confusion.size:
        panels.append(f"<h3>Confusion matrix</h3>{draw_confusion(run.confusion, run.classes)}")
    if run.mistakes:
        panels.append(f"<h3>Commonest mistakes</h3>{draw_mistakes(run.mistakes)}")
    if run.per_class:
        panels.append(f"<h3>Class by class</h3>{class_table(run.per_class)}")
    if not panels:
        return ""
    boxes = "".join(f'<div class="panel">{panel}</div>' for panel in panels)
    return f'<h2>Classes <small class="note">test part</small></h2><div class="pair">{boxes}</div>'


def _samples(run: RunRecord) -> str:
    if run.samples is None or len(run.samples[0]) == 0:
        return ""
    caption = '<p class="note">true class, and what a wrong row was taken for</p>'
    return f'<h2>Rows as pictures</h2>{caption}<div class="panel">{draw_samples(run.samples)}</div>'


def _results(run: RunRecord) -> str:
    table = results_table(run.metrics)
    return f'<h2>Results</h2><div class="panel">{table}</div>' if table else ""


def _again(run: RunRecord) -> str:
    spark = run.metrics.get("spark")
    facts = [*run.environment.items(), *([("spark", spark)] if spark else [])]
    environment = f'<div class="panel"><h3>Environment</h3>{names_and_values(facts)}</div>' if facts else ""
    digest = run.metrics.get("weights_sha256")
    weights = (
        f'<div class="panel"><h3>Weights, SHA-256</h3><code class="hash">{escape(digest)}</code>'
        '<p class="note">The same recipe and data give this hash again on any number of cores or executors '
        "(same NumPy/BLAS build and processor family).</p></div>"
        if digest
        else ""
    )
    commands = "".join(
        f"<h3>{escape(what)}</h3><pre>{escape(line)}</pre>"
        for what, line in run.commands or _commands(run.run_dir)
    )
    return (
        f'<h2>Do it again</h2><div class="panel commands">{commands}</div>'
        f'<div class="pair"><div class="panel"><h3>Recipe</h3>{_recipe(run.recipe_text)}</div>'
        f"<div>{weights}{environment}</div></div>"
    )


def _commands(run_dir: str) -> list[tuple[str, str]]:
    recipe, model = (
        shlex.quote(f"{run_dir.rstrip('/')}/{name}") for name in ("recipe.toml", "model.safetensors")
    )
    return [
        ("Train again", f"spark-submit jobs/train.py {recipe} --out NEW_RUN_DIR"),
        ("Evaluate the model", f"spark-submit jobs/evaluate.py {model}"),
        ("Predict rows", f"spark-submit jobs/predict.py {model} ROWS.csv --out PREDICTIONS.csv"),
    ]


def _recipe(text: str) -> str:
    lines = []
    for line in text.strip().splitlines():
        kind = "head" if re.match(r"\s*\[", line) else "remark" if line.lstrip().startswith("#") else ""
        lines.append(f'<span class="{kind}">{escape(line)}</span>' if kind else escape(line))
    shown = "\n".join(lines)
    return f"<pre>{shown}</pre>"
