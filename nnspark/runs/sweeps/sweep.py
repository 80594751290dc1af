"""One sweep: a recipe with a ``[sweep]`` section in, a directory with its results and the best model out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nnspark.engines.base import Shards
from nnspark.engines.folds import FoldShards
from nnspark.engines.interrupts import interrupt_on_terminate, interruptible
from nnspark.errors import DivergedError
from nnspark.log import log, warn
from nnspark.net import weights as weights_module
from nnspark.recipe import Recipe, Sweep
from nnspark.recipe.sweep import rungs
from nnspark.runs.data import load_folds, load_shards
from nnspark.runs.directory import RunDirectory
from nnspark.runs.failures import one_line_for_failed_jobs
from nnspark.runs.lock import held
from nnspark.runs.run import run_on, session_for
from nnspark.runs.storage import Folder, open_folder
from nnspark.runs.sweeps.board import Board, table_lines
from nnspark.runs.sweeps.candidates import (
    Candidate,
    Ranked,
    Result,
    candidates_of,
    check_monitor,
    result_of,
    winner_recipe,
)
from nnspark.runs.sweeps.directory import SweepDirectory
from nnspark.runs.sweeps.halving import Dropped, Halving
from nnspark.runs.sweeps.keeping import Keeper
from nnspark.runs.sweeps.page import write_page
from nnspark.training.loop import Trained, train
from nnspark.training.measure import measure
from nnspark.training.state import Epoch
from nnspark.training.steps import first_state, network_for, objective_for
from nnspark.training.together import Member, Together

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["run_sweep", "sweep_in"]

SUM_BYTES = 16  # of each weight's exact sum, two words


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
    candidates = candidates_of(recipe, sweep)
    session = session_for(recipe, title)
    sc = session.sparkContext if session else None

    def below(name: str = "") -> Folder:
        return open_folder(f"{out.rstrip('/')}/{name}" if name else out, sc)

    return sweep_in(
        below, recipe, sweep, candidates, session, title=title, resume=resume, overwrite=overwrite
    )


def sweep_in(
    below: Callable[[str], Folder],
    recipe: Recipe,
    sweep: Sweep,
    candidates: Sequence[Candidate],
    session: "SparkSession | None",
    *,
    title: str,
    data: Any = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = True,
) -> str:
    """Train all models of a sweep: ``below(name)`` opens a folder in its directory, "" the directory."""
    sc, folder = session.sparkContext if session else None, below("")

    def work() -> str:
        directory = SweepDirectory(folder, below, recipe, sweep)
        with _laid_out(candidates[0].recipe, sweep, session, data) as (shared, view):
            fingerprint = shared.plan.fingerprint
            if not (resume and directory.resume(fingerprint)):
                directory.begin(fingerprint)
            for warning in shared.plan.warnings:
                warn(warning)
            board = Board(sweep, candidates, recipe.report.every, shown=progress)
            models = Models(directory, candidates, shared, view, board)
            try:
                models.train()
            except BaseException:
                board.close()
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
            kept = winner_recipe(best, candidates, sweep)
            run_on(
                view(-1 if sweep.folds else None)(shared), below("best"), kept, session, title=f"{title}, best",
                resume=resume, progress=progress, check=hold.check,
            )  # fmt: skip
            write_page(directory, ranked, title)
            return table

    with (
        interrupt_on_terminate(),
        held(below(""), sc.applicationId if sc else "without Spark") as hold,
        one_line_for_failed_jobs(folder),
    ):
        RunDirectory.check_free(folder, resume=resume, overwrite=overwrite)
        return interruptible(sc, work)


View = Callable[[int | None], Callable[[Shards | Member], Any]]


@contextmanager
def _laid_out(
    recipe: Recipe, sweep: Sweep, session: "SparkSession | None", data: Any
) -> Iterator[tuple[Shards, View]]:
    """The rows that all models share, and what a fold's model sees of them: ``view(fold)(shards)``."""
    if not sweep.folds:
        with load_shards(recipe, session, data) as shards:
            yield shards, lambda fold: lambda own: own
        return
    with load_folds(recipe, session, data) as folds:
        views: dict[int, FoldShards] = {}

        def view(fold: int | None) -> Callable[[Any], Any]:
            number = -1 if fold is None else fold
            if number not in views:
                views[number] = folds.shards(number)
            return views[number].over

        for fold in range(sweep.folds):
            view(fold)
        yield folds.shared, view


class Models:
    """The models of a sweep while they train together."""

    def __init__(
        self,
        directory: SweepDirectory,
        candidates: Sequence[Candidate],
        shared: Shards,
        view: View,
        board: Board,
    ) -> None:
        self._directory, self._sweep = directory, directory.sweep
        self._candidates, self._shared, self._view, self._board = candidates, shared, view, board
        self._halving = Halving(self._sweep, rungs(self._sweep, directory.recipe.training.epochs), directory)
        self._keepers: dict[str, Keeper] = {}
        self._waiting: dict[str, Result] = {}

    def train(self) -> None:
        """Train all whose results are not known yet; results go to the directory as models end."""
        left = [one for one in self._candidates if not self._directory.is_done(one)]
        for _ in range(len(self._candidates) - len(left)):
            self._board.ended()
        together = Together(self._shared, self._at_once(left))
        works = [(one, partial(self._train_one, one)) for one in left]
        try:
            for member in together.run(works, at_pause=self._at_rung):
                self._end(member)
        except BaseException:
            for keeper in self._keepers.values():
                keeper.save()
            raise

    def _at_once(self, candidates: Sequence[Candidate]) -> int:
        """Models whose weights and sums fit into a job."""
        if not candidates:
            return 1
        networks = [network_for(one.recipe, self._view(one.fold)(self._shared).plan) for one in candidates]
        most = max(weights_module.count(network.layers) for network in networks)
        item = np.dtype(self._directory.recipe.training.dtype).itemsize
        return max(1, (self._sweep.memory << 20) // (most * (item + SUM_BYTES)))

    def _train_one(self, candidate: Candidate, member: Member) -> Trained:
        """One model, in a thread of its own."""
        recipe, shards = candidate.recipe, self._view(candidate.fold)(member)
        keeper = Keeper(
            self._directory.below(f"models/{candidate.name}"), recipe, shards.plan.fingerprint,
            shards.platforms,
        )  # fmt: skip
        self._keepers[candidate.name] = keeper
        start = keeper.resume(first_state(recipe, shards))
        callbacks: list[Callable[[Epoch], object]] = [
            keeper,
            lambda epoch: self._board.epoch(candidate, epoch.row),
            partial(self._rung, candidate, member, shards),
        ]
        return train(recipe, shards, start=start, seconds=keeper.seconds, callbacks=callbacks)

    def _rung(self, candidate: Candidate, member: Member, shards: Any, epoch: Epoch) -> None:
        """Where an epoch ends a rung: be measured, wait for the others, go on or end."""
        number = self._halving.rung_at(epoch.progress.epoch)
        if number is None or epoch.progress.stop.reason:
            return
        objective = objective_for(candidate.recipe, shards.plan)
        theta = epoch.progress.theta
        metrics = measure(objective, shards, theta, ("train", "validation"))
        trained = Trained(
            objective.network, theta, metrics, epoch.progress, None,
            f"halving dropped it after epoch {epoch.progress.epoch}",
        )  # fmt: skip
        result = self._result(candidate, trained, member) | {"rungs": number}
        if self._halving.kept_after(number) is None:
            self._waiting[candidate.name] = result
            member.pause()
        if candidate.setting not in (self._halving.kept_after(number) or []):
            raise Dropped(number, epoch.progress.epoch, result)

    def _at_rung(self, members: Sequence[Member]) -> None:
        """All that are alive wait at the same rung: choose."""
        results = [self._waiting.pop(member.name.name) for member in members]
        self._halving.decide(results[0]["rungs"], results)

    def _end(self, member: Member) -> None:
        """A model has ended: by itself, by halving, by diverging, or by an error that ends all."""
        candidate: Candidate = member.name
        if isinstance(member.error, Dropped):
            result = dict(member.error.metrics)
        elif member.error is not None and not isinstance(member.error, DivergedError):
            raise member.error
        else:
            result = self._result(candidate, member.error or member.outcome, member)
        self._directory.add(candidate, result, self._keepers.pop(candidate.name).history)
        self._board.ended()

    def _result(self, candidate: Candidate, outcome: Any, member: Member) -> Result:
        keeper = self._keepers[candidate.name]
        last: Mapping[str, Any] = keeper.history[-1] if keeper.history else {}
        return result_of(
            candidate,
            self._sweep,
            outcome,
            epochs=last.get("epoch", 0),
            evaluations=last.get("evaluations", 0),
            seconds=member.seconds,
        )
