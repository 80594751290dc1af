"""After shards are lost: which copies are old, and how long tasks wait for those that are elsewhere."""

from typing import Any

import pytest

from nnspark.engines import executors, rdd
from nnspark.engines.gather import Gathered
from nnspark.engines.rdd import SparkShards
from nnspark.engines.resident import Handle


class Wandering(SparkShards):
    """One shard whose next home is said beforehand; no Spark."""

    def __init__(self, home: str) -> None:
        self._data_set, self._superseded, self._built = "ds", set(), Any
        self.next = home
        self._handles, self._places = {}, {}
        self._lay_out([0], "")

    @property
    def context(self) -> Any:
        """None is asked for."""

    def _lay_out(self, shards: Any, step: str) -> None:
        self._handles = {0: Handle("ds", 0, self.next, (5, 0, 0), (1, 2))}
        self._places = {0: f"executor of {self.next}"}

    def lose(self, home: str) -> set[str]:
        """The shard is lost and laid out again at ``home``; what the tasks that follow delete."""
        self.next = home
        self._mend(Gathered(None, lost=frozenset([0])), frozenset())
        return self._superseded


def test_a_shard_that_comes_back_to_an_old_place_is_not_deleted_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From one executor to another and back: each time, only the copy that was left is old."""
    monkeypatch.setattr(executors, "alive", lambda sc: {"executor of /a", "executor of /b,/c"})
    shards = Wandering("/a")
    folder = shards.handles[0].folder
    assert shards.lose("/b,/c") == {f"/a/{folder}"}
    assert shards.lose("/a") == {f"/b/{folder}", f"/c/{folder}"}
    assert shards.lose("/a") == {f"/b/{folder}", f"/c/{folder}"}
    assert shards.lose("/b,/c") == {f"/a/{folder}"}


def test_all_that_a_dead_executor_left_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its homes' whole folder of the data set."""
    monkeypatch.setattr(executors, "alive", lambda sc: {"executor of /b"})
    assert Wandering("/a").lose("/b") == {"/a/nnspark/ds"}


class Lossy(Wandering):
    """Evaluations whose jobs take so many seconds and find some shards away."""

    def __init__(self, jobs: list[tuple[float, set[int]]], clock: list[float]) -> None:
        super().__init__("/a")
        self.platforms, self._tasks, self._longest = set(), 1, 0.0
        self._jobs, self._clock, self.patience = iter(jobs), clock, []

    @property
    def context(self) -> Any:
        """What broadcasts."""
        return self

    def broadcast(self, value: Any) -> Any:
        """Nothing goes anywhere."""
        return self

    def destroy(self) -> None:
        """Nothing to destroy."""

    def _sum_over(self, shards: Any, worker: Any, zero: Any, result_bytes: int) -> Any:
        self.patience.append(worker.args[4])
        seconds, away = next(self._jobs)
        self._clock[0] += seconds
        return Gathered(Total(), away=frozenset(away))


class Total:
    """A sum of nothing."""

    def merge(self, other: Any) -> Any:
        """The same."""
        return self


def test_a_task_does_not_wait_longer_after_each_executor_that_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It waits twice as long as an evaluation takes where nothing is lost, not as one that was waited in."""
    clock = [0.0]
    monkeypatch.setattr(executors, "alive", lambda sc: {"executor of /a"})
    monkeypatch.setattr(rdd.time, "monotonic", lambda: clock[0])
    away = [(60.0, {0}), (5.0, set())]
    shards = Lossy([(5.0, set()), *away, *away, (5.0, set())], clock)
    for _ in range(4):
        shards.run(None, None, Total)
    assert shards.patience == [rdd.LEAST_PATIENCE, 10, 10, 10, 10, 10]
