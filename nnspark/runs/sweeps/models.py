"""The models of a sweep while they train together: begun, kept, measured at rungs, and ended one by one."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from nnspark.engines.base import Shards
from nnspark.engines.folds import View
from nnspark.errors import DivergedError
from nnspark.net import weights as weights_module
from nnspark.objective.decision import PLAIN
from nnspark.recipe.sweep import rungs
from nnspark.runs.sweeps.board import Board
from nnspark.runs.sweeps.candidates import Candidate, Result, result_of
from nnspark.runs.sweeps.directory import SweepDirectory
from nnspark.runs.sweeps.halving import DroppedError, Halving
from nnspark.runs.sweeps.keeping import Keeper
from nnspark.training.apart import train_in_company
from nnspark.training.decide import Decided
from nnspark.training.loop import Trained
from nnspark.training.measure import measure
from nnspark.training.members import Member
from nnspark.training.state import Progress, Row
from nnspark.training.steps import first_state, network_for, objective_for
from nnspark.training.together import AT_ONCE, Together

__all__ = ["Models", "ViewOf"]

SUM_BYTES = 16  # of each weight's exact sum, two words

ViewOf = Callable[[int | None], View]
"""What a model of a fold sees of the rows that all share: ``view(fold)(shards)``."""


class Models:
    """The models of a sweep while they train together."""

    def __init__(
        self,
        directory: SweepDirectory,
        candidates: Sequence[Candidate],
        shared: Shards,
        view: ViewOf,
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
        epochs = max((one.recipe.training.epochs for one in left), default=0)
        together = Together(self._shared, self._at_once(left), epochs)
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
        return min(AT_ONCE, max(1, (self._sweep.memory << 20) // (most * (item + SUM_BYTES))))

    def _train_one(self, candidate: Candidate, member: Member) -> Trained:
        """One model, in a thread of its own."""
        recipe, view = candidate.recipe, self._view(candidate.fold)
        shards = view(member)
        keeper = Keeper(
            self._directory.below(f"models/{candidate.name}"), recipe, shards.plan.fingerprint,
            shards.platforms,
        )  # fmt: skip
        self._keepers[candidate.name] = keeper

        def after(rows: Sequence[Row], progress: Progress) -> None:
            keeper.remember(rows, progress)
            for row in rows:
                self._board.epoch(candidate, row)

        first = first_state(recipe, shards)
        return train_in_company(
            member,
            view,
            recipe,
            keeper.resume(first) or first,
            after,
            seconds=keeper.seconds,
            stops=self._halving.epochs,
            at_stop=partial(self._rung, candidate, member, shards),
        )

    def _rung(self, candidate: Candidate, member: Member, shards: Any, progress: Progress) -> None:
        """Where an epoch ends a rung: be measured, wait for the others, go on or end."""
        number = self._halving.rung_at(progress.epoch)
        objective = objective_for(candidate.recipe, shards.plan)
        theta = progress.theta
        metrics = measure(objective, shards, theta, ("train", "validation"))
        trained = Trained(
            objective.network, theta, Decided(PLAIN), metrics, progress, None,
            f"halving dropped it after epoch {progress.epoch}",
        )  # fmt: skip
        result = self._result(candidate, trained, member) | {"rungs": number}
        if self._halving.kept_after(number) is None:
            self._waiting[candidate.name] = result
            member.pause()
        if candidate.setting not in (self._halving.kept_after(number) or []):
            raise DroppedError(number, progress.epoch, result)

    def _at_rung(self, members: Sequence[Member]) -> None:
        """All that are alive wait at the same rung: choose."""
        results = [self._waiting.pop(member.name.name) for member in members]
        self._halving.decide(results[0]["rungs"], results)

    def _end(self, member: Member) -> None:
        """A model has ended: by itself, by halving, by diverging, or by an error that ends all."""
        candidate: Candidate = member.name
        if isinstance(member.error, DroppedError):
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
