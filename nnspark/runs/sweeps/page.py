"""The report of a sweep; a fault in it never costs the sweep."""

import shlex
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nnspark.log import warn
from nnspark.objective.metrics import METRICS
from nnspark.recipe.reading import dumps_sweep
from nnspark.report.series import column
from nnspark.runs.sweeps.candidates import Ranked
from nnspark.runs.sweeps.directory import SweepDirectory

__all__ = ["write_page"]

LEADING = 3


def write_page(directory: SweepDirectory, ranked: Sequence[Ranked], title: str) -> None:
    """Write report.html; a warning if it cannot be made."""
    try:
        from nnspark.report import SearchRecord, Tried, write_search

        sweep, out = directory.sweep, directory.folder.path()
        tried = [
            Tried(
                one.settings,
                one.mean,
                one.standard_error,
                max(result["epochs"] for result in one.results),
                sum(result["seconds"] for result in one.results),
                "" if one.results[0]["rungs"] is None else one.results[0]["stopped_because"],
                _curve(directory, one) if rank < LEADING else None,
            )
            for rank, one in enumerate(ranked)
        ]
        record = SearchRecord(
            title=title,
            monitor=sweep.monitor,
            higher_is_better=METRICS[sweep.monitor.removeprefix("validation_")].higher_is_better,
            models=len(directory.results),
            folds=sweep.folds,
            evaluations=sum(result["evaluations"] for result in directory.results),
            tried=tried,
            recipe_text=dumps_sweep(directory.recipe, sweep),
            commands=_commands(out),
        )
        directory.folder.write("report.html", write_search(record).encode())
    except Exception as error:
        warn(f"the report could not be made ({type(error).__name__}: {error})")


def _commands(out: str) -> tuple[tuple[str, str], ...]:
    from nnspark.report import command_for

    best, recipe = (shlex.quote(f"{out.rstrip('/')}/{name}") for name in ("best", "recipe.toml"))
    return (
        ("evaluate the best model", f"{command_for('evaluate')} {best}"),
        ("train the best setting again", f"{command_for('train')} {best}/recipe.toml --out ANOTHER_RUN"),
        ("sweep again", f"{command_for('sweep')} {recipe} --out ANOTHER_SWEEP"),
    )


def _curve(directory: SweepDirectory, one: Ranked) -> NDArray[np.float64] | None:
    """The monitored figure after each epoch, the mean of the folds that went as far."""
    histories = [directory.history_of(result) for result in one.results]
    curves = [column(rows, directory.sweep.monitor) for rows in histories]
    least = min(map(len, curves), default=0)
    return np.mean([curve[:least] for curve in curves], axis=0) if least else None
