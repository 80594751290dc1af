"""The report of a finished run: gathers what the page shows; a fault in it never costs the run."""

from typing import Any

from nnspark.model import Model
from nnspark.recipe import Recipe, dumps
from nnspark.rundir import RunDirectory
from nnspark.shards import Shards
from nnspark.train import Trained

__all__ = ["report_page"]


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

        record = RunRecord(
            title=title,
            recipe_text=dumps(recipe),
            history=directory.history,
            metrics=metrics,
            classes=[] if model.classes is None else [str(label) for label in model.classes.tolist()],
            warnings=shards.plan.warnings,
            best_epoch=trained.best_epoch,
            stopped_because=trained.stopped_because,
            environment=describe_environment(),
            run_dir=directory.folder.path(),
        )
        return write_report(record)
    except Exception as error:
        directory.warn(f"the report could not be made ({type(error).__name__}: {error})")
        return None
