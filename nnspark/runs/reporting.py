"""The report of a finished run: gathers what the page shows; a fault in it never costs the run."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.rows import BlockSet
from nnspark.engines.base import Shards
from nnspark.evaluation.counts import class_figures, count, mistakes_of, per_class
from nnspark.model import Model
from nnspark.recipe import Recipe, dumps
from nnspark.runs.directory import RunDirectory
from nnspark.runs.summary import overfitting, risen
from nnspark.training.loop import Trained
from nnspark.training.steps import objective_for

__all__ = ["commands_of", "report_page"]

Array = NDArray[Any]
SAMPLE_ROWS = 200


def report_page(
    directory: RunDirectory,
    recipe: Recipe,
    shards: Shards,
    trained: Trained,
    model: Model,
    metrics: dict[str, Any],
    title: str,
) -> str | None:
    """The page as HTML, or None, with a warning, if it could not be made."""
    try:
        from nnspark.report import RunRecord, describe_environment, write_report

        out = directory.folder.path()
        shown: dict[str, Any] = {}
        if model.classes is not None and "test" in metrics:
            labels = [str(label) for label in model.classes.tolist()]
            objective = replace(objective_for(recipe, shards.plan), decision=model.decision)
            counts = count(objective, shards, trained.theta, "test")
            if counts.confusion is not None:
                shown |= {"confusion": counts.confusion, "per_class": per_class(counts.confusion, labels)}
            elif counts.margins is not None:
                mistakes = mistakes_of(counts, objective, shards, trained.theta, "test")
                shown |= {
                    "per_class": class_figures(counts.margins, labels),
                    "mistakes": [(labels[true], labels[guess], rows) for true, guess, rows in mistakes],
                }
            shown |= {"classes": labels, "samples": _samples(shards, model)}
        rise = risen(recipe, trained.metrics, directory.history, trained.best_epoch)
        record = RunRecord(
            title=title,
            recipe_text=dumps(recipe),
            history=directory.history,
            metrics=metrics,
            warnings=(
                *shards.plan.warnings,
                *shards.plan.hints,
                *trained.decided.warnings,
                *filter(None, [rise or overfitting(recipe, directory.history)]),
            ),
            best_epoch=trained.best_epoch,
            stopped_because=trained.stopped_because,
            environment=describe_environment(),
            commands=commands_of(out),
            run_dir=out,
            **shown,
        )
        return write_report(record)
    except Exception as error:
        directory.warn(f"the report could not be made ({type(error).__name__}: {error})")
        return None


def commands_of(out: str) -> tuple[tuple[str, str], ...]:
    """What can be done with a run, and the command line that does it."""
    from nnspark.report import command_for

    run, recipe = shlex.quote(out), shlex.quote(f"{out.rstrip('/')}/recipe.toml")
    return (
        ("evaluate it again", f"{command_for('evaluate')} {run}"),
        ("predict rows of your own", f"{command_for('predict')} {run} ROWS.csv --out PREDICTED.csv"),
        ("train it again", f"{command_for('train')} {recipe} --out ANOTHER_RUN"),
    )


@dataclass
class _Rows:
    """An accumulator of a few test rows: those of the first test block."""

    first: tuple[int, Array, Array] | None = None

    def merge(self, other: "_Rows") -> "_Rows":
        """Keep the rows of the lower block; returns self."""
        if other.first is not None and (self.first is None or other.first[0] < self.first[0]):
            self.first = other.first
        return self


def _samples(shards: Shards, model: Model) -> Any:
    """Pictures of some test rows, where rows are square images; None where they are not."""
    from nnspark.report import pick_samples

    rows = shards.run(partial(_first_rows, SAMPLE_ROWS), None, _Rows).first
    if rows is None or model.classes is None or model.encoding is not None:
        return None
    features = shards.plan.scaling.undo(rows[1].astype(np.float64))
    labels = [model.classes[rows[2]].astype(str).tolist(), model.predict(features).astype(str).tolist()]
    return pick_samples(features, *labels)


def _first_rows(limit: int, sets: Iterable[BlockSet], value: None) -> _Rows:
    """Worker function: the first rows of the lowest test block here."""
    found = _Rows()
    for blocks in sets:
        for block in blocks.blocks(("test",)):
            found.merge(_Rows((block.index, block.X[:limit].copy(), block.y[:limit].copy())))
    return found
