"""Write the page: the outcome in words, then the figures, the pictures, and how to do it again.

One HTML text that needs nothing else: no script, no request (its content policy forbids them), readable
without matplotlib. The same record gives the same bytes.
"""

import re
import shlex
from collections.abc import Mapping

from nnspark.objective.metrics import METRICS
from nnspark.report.commands import command_for
from nnspark.report.confusion import draw_confusion, draw_mistakes
from nnspark.report.curves import training_section
from nnspark.report.outcome import PARTS, cards, outcome
from nnspark.report.probabilities import probabilities_section
from nnspark.report.recipe import in_rounds, own_keys
from nnspark.report.record import RunRecord
from nnspark.report.samples import draw_samples
from nnspark.report.series import first_not_finite, keys_of
from nnspark.report.tables import class_table, names_and_values, results_table
from nnspark.report.targets import features_section, targets_section
from nnspark.report.templates import fill, fill_page
from nnspark.report.text import escape, number


def write_report(run: RunRecord) -> str:
    """Return the report of `run` as one self-contained HTML text."""
    sections = (
        _header,
        cards,
        _curves,
        _classes,
        probabilities_section,
        targets_section,
        features_section,
        _samples,
        _results,
        _columns,
        _again,
    )
    main = "".join(section(run) for section in sections)
    return fill_page(title=escape(run.title), outcome=outcome(run), main=main)


def _header(run: RunRecord) -> str:
    warnings = [escape(warning) for warning in run.warnings]
    broken = first_not_finite(run.history, keys_of(run.history))
    if broken:
        key, epoch = broken
        said = f"{escape(key)} first stopped being a finite number in epoch {number(epoch)}."
        warnings += [] if said in warnings else [said]
    listed = [fill("warning", warning=warning) for warning in warnings]
    return fill(
        "header",
        title=escape(run.title),
        outcome=outcome(run),
        stopped=fill("stopped", reason=escape(run.stopped_because)) if run.stopped_because else "",
        warnings=fill("warnings", warnings=listed) if listed else "",
    )


def _curves(run: RunRecord) -> str:
    if not run.history:
        return fill("no-training")
    return training_section(run.history, run.best_epoch, notes=_of_other_answers(run))


def _of_other_answers(run: RunRecord) -> str:
    """Why the last epoch's figures are not those of the cards, where they need not be."""
    notes = []
    if in_rounds(run.recipe_text):
        notes.append(
            "An epoch's training figures are taken along its steps, the validation's at the weights it "
            "starts from; elsewhere on this page they are the finished model's."
        )
    threshold = (run.metrics.get("prediction") or {}).get("threshold")
    if threshold is not None:
        notes.append(
            "While it trains, the likelier of two classes is predicted; elsewhere on this page the second "
            f"is from {number(threshold)} on, found after training."
        )
    return fill("note", note=escape(" ".join(notes))) if notes else ""


def _classes(run: RunRecord) -> str:
    panels = []
    if run.confusion is not None and run.confusion.size:
        panels.append(fill("confusion", map=draw_confusion(run.confusion, run.classes)))
    if run.mistakes:
        panels.append(fill("mistakes", table=draw_mistakes(run.mistakes)))
    if run.per_class:
        panels.append(fill("class-by-class", table=class_table(run.per_class)))
    return fill("classes", panels=panels) if panels else run.earlier.classes


def _samples(run: RunRecord) -> str:
    if run.samples is None or len(run.samples[0]) == 0:
        return run.earlier.samples
    return fill("samples", galleries=draw_samples(run.samples))


def _results(run: RunRecord) -> str:
    table = results_table(run.metrics)
    return fill("results", table=table, units=_units(run)) if table else ""


def _columns(run: RunRecord) -> str:
    """What became of each column of the rows, where the run says it."""
    columns = run.metrics.get("columns")
    return fill("columns", table=names_and_values(columns.items())) if columns else ""


def _units(run: RunRecord) -> str:
    """What the loss is, where the run says it, and of what units the other figures are."""
    loss = run.metrics.get("loss_is")
    if not loss:
        return ""
    own = [
        metric.label for name, metric in METRICS.items() if metric.unit == "target" and _measured(run, name)
    ]
    others = f" {', '.join(own)}: in the target's own units." if own else ""
    return fill("note", note=f"Loss: {escape(loss)}, what training minimises.{escape(others)}")


def _measured(run: RunRecord, name: str) -> bool:
    parts = (run.metrics.get(part) for part in PARTS)
    return any(isinstance(part, Mapping) and part.get(name) is not None for part in parts)


def _again(run: RunRecord) -> str:
    spark = run.metrics.get("spark")
    facts = [*run.environment.items(), *([("spark", spark)] if spark else [])]
    environment = fill("environment", facts=names_and_values(facts)) if facts else ""
    digest = run.metrics.get("weights_sha256")
    commands = run.commands or _commands(run.run_dir)
    return fill(
        "again",
        commands=(fill("command", what=escape(what), line=escape(line)) for what, line in commands),
        recipe=_recipe(run.recipe_text),
        weights=fill("weights", digest=escape(digest)) if digest else "",
        environment=environment if run.environment else run.earlier.environment or environment,
    )


def _commands(run_dir: str) -> list[tuple[str, str]]:
    recipe, model = (
        shlex.quote(f"{run_dir.rstrip('/')}/{name}") for name in ("recipe.toml", "model.safetensors")
    )
    return [
        ("Train again", f"{command_for('train')} {recipe} --out NEW_RUN_DIR"),
        ("Evaluate the model", f"{command_for('evaluate')} {model}"),
        ("Predict rows", f"{command_for('predict')} {model} ROWS.csv --out PREDICTIONS.csv"),
    ]


def _recipe(text: str) -> str:
    """The keys that are not defaults, and the rest folded away, if there is any."""
    own = own_keys(text)
    if own is None:
        return fill("recipe", lines=_lines(text))
    return fill("recipe-in-two", own=_lines(own), lines=_lines(text))


def _lines(text: str) -> str:
    lines = []
    for line in text.strip().splitlines():
        kind = "head" if re.match(r"\s*\[", line) else "remark" if line.lstrip().startswith("#") else ""
        lines.append(fill("recipe-line", kind=kind, line=escape(line)) if kind else escape(line))
    return "\n".join(lines)
