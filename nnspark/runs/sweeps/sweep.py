"""One sweep: a recipe with a ``[sweep]`` section in, a directory with its results and the best model out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from nnspark.data.block_rows import with_block_rows
from nnspark.engines.base import Shards
from nnspark.engines.connections import context_of
from nnspark.engines.folds import View, whole_view
from nnspark.engines.interrupts import interrupt_on_terminate, interruptible
from nnspark.engines.types import Session
from nnspark.errors import DivergedError
from nnspark.log import log, warn
from nnspark.recipe import Recipe, Sweep
from nnspark.runs.data import load_folds, load_shards
from nnspark.runs.engine import with_engine
from nnspark.runs.failures import one_line_for_failed_jobs
from nnspark.runs.lock import held
from nnspark.runs.memory_folder import MemoryFolder
from nnspark.runs.run import run_on, session_for
from nnspark.runs.storage import Folder, open_folder
from nnspark.runs.sweeps.board import Board, table_lines
from nnspark.runs.sweeps.candidates import (
    Candidate,
    Ranked,
    candidates_of,
    check_monitor,
    winner_recipe,
)
from nnspark.runs.sweeps.directory import SweepDirectory
from nnspark.runs.sweeps.models import Models, ViewOf
from nnspark.runs.sweeps.page import write_page

__all__ = ["run_sweep", "sweep_in"]


def run_sweep(
    recipe: Recipe, sweep: Sweep, out: str, *, title: str, resume: bool = False, overwrite: bool = False
) -> str:
    """Train all models of a sweep into the directory ``out``; returns the path of results.csv.

    Raises
    ------
    NNSparkError : a bad recipe or sweep, bad data, a directory that cannot be used.
    DivergedError : no setting came to an end with a finite score.
    KeyboardInterrupt : after the models' checkpoints are written.
    """
    check_monitor(sweep, recipe)
    recipe, data = with_engine(recipe, out=out, models=len(candidates_of(recipe, sweep)))
    candidates = candidates_of(recipe, sweep)
    session = session_for(recipe, title)
    sc = context_of(session)

    def below(name: str = "") -> Folder:
        return open_folder(f"{out.rstrip('/')}/{name}" if name else out, sc)

    return sweep_in(
        below, recipe, sweep, candidates, session, title=title, data=data, resume=resume,
        overwrite=overwrite,
    )  # fmt: skip


def sweep_in(
    below: Callable[[str], Folder],
    recipe: Recipe,
    sweep: Sweep,
    candidates: Sequence[Candidate],
    session: "Session | None",
    *,
    title: str,
    data: Any = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = True,
) -> str:
    """Train all models of a sweep: ``below(name)`` opens a folder in its directory, "" the directory."""
    sc, folder = context_of(session), below("")

    def work() -> str:
        with _laid_out(candidates[0].recipe, sweep, session, data) as (shared, view):
            block_rows, fingerprint = shared.plan.block_rows, shared.plan.fingerprint
            members = [one._replace(recipe=with_block_rows(one.recipe, block_rows)) for one in candidates]
            directory = SweepDirectory(folder, below, with_block_rows(recipe, block_rows), sweep)
            if not (resume and directory.resume(fingerprint)):
                directory.begin(fingerprint)
            for warning in shared.plan.warnings:
                warn(warning)
            board = Board(sweep, candidates, recipe.report.every, shown=progress)
            models = Models(directory, members, shared, view, board)
            try:
                models.train()
            except BaseException:
                board.close()
                if not isinstance(folder, MemoryFolder):
                    log(f"the models' checkpoints are in {folder.path()}: go on with --resume")
                raise
            finally:
                board.close()
            ranked = Ranked.all_of(directory.results, sweep)
            table = directory.finish()
            best = ranked[0]
            if best.mean is None:
                raise DivergedError(
                    f"none of the {len(ranked)} settings has a finite {sweep.monitor}; see the reasons in "
                    "results.jsonl; try smaller values of training.learning_rate"
                )
            if progress:
                for line in table_lines(ranked, sweep):
                    log(line)
                log("training the best setting" + (" on all folds" if sweep.folds else ""))
            kept = winner_recipe(best, members, sweep)
            if sweep.folds and recipe.prediction.calibration != "none":
                warn("the best model trains on all folds and is not calibrated: no rows are left to do so")
            run_on(
                view(-1 if sweep.folds else None)(shared), below("best"), kept, session,
                title=f"{title}, best", resume=resume, progress=progress, check=hold.check,
            )  # fmt: skip
            if recipe.report.html:
                write_page(directory, ranked, title)
            return table

    with (
        interrupt_on_terminate(),
        held(below(""), sc.applicationId if sc else "without Spark") as hold,
        one_line_for_failed_jobs(folder),
    ):
        SweepDirectory.check_free(folder, resume=resume, overwrite=overwrite)
        return interruptible(sc or session, work)


@contextmanager
def _laid_out(
    recipe: Recipe, sweep: Sweep, session: "Session | None", data: Any
) -> Iterator[tuple[Shards, ViewOf]]:
    """The rows that all models share, and what a fold's model sees of them: ``view(fold)(shards)``."""
    if not sweep.folds:
        with load_shards(recipe, session, data) as shards:
            yield shards, lambda fold: whole_view
        return
    with load_folds(recipe, session, data) as folds:
        views: dict[int, View] = {}

        def view(fold: int | None) -> View:
            number = -1 if fold is None else fold
            if number not in views:
                views[number] = folds.shards(number).view
            return views[number]

        for fold in range(sweep.folds):
            view(fold)
        yield folds.shared, view
