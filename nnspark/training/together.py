"""Trainings side by side: what they ask of the same shards at the same time is one job.

Each training runs in a thread of its own, with code that knows nothing of the others. Where it asks its
shards for a sum, it waits; once all that are alive wait, their requests go out as one job, and each goes on
with its own answer. Sums are exact, so a training's bits do not depend on its company.

    training ──run(function, value)──┐
    training ──run(function, value)──┤ all wait:  shards.run(all functions, all values)
    training ──run(function, value)──┘

One training computes at a time: Python would let no two, and threads that compete for it lose time to that.
Where processes share the requests (``several.py``), it goes on as soon as its own answer is there.

(Above 200 lines: the trainings' side and the side that answers share one lock and one count.)
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from nnspark.data.plan import Plan
from nnspark.engines.base import Function, Shards, Sum
from nnspark.training.several import Several

__all__ = ["CalledOff", "Member", "Together"]


class CalledOff(BaseException):
    """What a training's wait ends with where all are called off."""


@dataclass(eq=False)
class _Request:
    """A sum that a training waits for."""

    function: Function[Any]
    value: Any
    zero: Callable[[], Any]
    answered: threading.Event = field(default_factory=threading.Event)
    answer: Any = None
    error: BaseException | None = None

    def wait(self) -> Any:
        self.answered.wait()
        if self.error is not None:
            raise self.error
        return self.answer


class Member:
    """One training's place among those that run together, and the shards it trains on.

    ``seconds`` are its share of the time that the jobs took.
    """

    def __init__(self, together: "Together", name: Any) -> None:
        self._together, self.name = together, name
        self.seconds, self.outcome, self.error = 0.0, None, None  # type: float, Any, BaseException | None

    @property
    def plan(self) -> Plan:
        """The plan of what all share."""
        return self._together.shards.plan

    @property
    def platforms(self) -> set[str]:
        """What the machines compute with."""
        return self._together.shards.platforms

    def run(self, function: Function[Sum], value: Any, zero: Callable[[], Sum]) -> Sum:
        """``function(blocks, value)`` of every shard, merged: in a job with what the others ask for."""
        total: Sum = self._together.ask(self, _Request(function, value, zero))
        return total

    def pause(self) -> None:
        """Wait until ``Together.go_on``: all that are alive wait there, or have asked for a sum first."""
        self._together.pause(self)

    def close(self) -> None:
        """The shards are not this training's to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *about: object) -> None:
        self.close()


class Together:
    """Runs trainings over the same shards.

    Parameters
    ----------
    shards : what all train on.
    at_once : trainings that are alive at the same time, at most; others begin when some have ended.
    """

    def __init__(self, shards: Shards, at_once: int) -> None:
        self.shards, self._at_once = shards, at_once
        self._lock, self._turn = threading.Condition(), threading.Lock()
        self._computing = 0
        self._asking: list[tuple[Member, _Request]] = []
        self._paused: list[tuple[Member, threading.Event]] = []
        self._called_off = False
        self._several = Several(shards)

    def run(
        self,
        works: Sequence[tuple[Any, Callable[[Member], Any]]],
        *,
        at_pause: Callable[[Sequence[Member]], None] = lambda members: None,
    ) -> Iterator[Member]:
        """Do each ``work(member)``, and give the members back as they end, with outcome or error.

        A work whose error is no ``Exception`` ends all. ``at_pause`` is called with the members that wait in
        ``pause`` once no training is left that does not; then they go on.

        Parameters
        ----------
        works : (name, work) pairs, begun in this order.
        """
        waiting = list(works)[::-1]
        ended: list[Member] = []
        alive = 0
        try:
            while True:
                while waiting and alive - len(self._paused) < self._at_once:
                    self._begin(*waiting.pop(), ended)
                    alive += 1
                asking = self._all_that_ask()
                while ended:
                    member, alive = ended.pop(0), alive - 1
                    if member.error is not None and not isinstance(member.error, Exception):
                        raise member.error
                    yield member
                if asking:
                    self._answer(asking)
                elif waiting:
                    continue
                elif self._paused:
                    self._go_on(at_pause)
                elif not alive:
                    return
        finally:
            self._call_off()
            self._several.close()

    def ask(self, member: Member, request: _Request) -> Any:
        """Put a training's request to the others', and wait for its answer."""
        with self._lock:
            self._refuse_called_off()
            self._asking.append((member, request))
            self._computing -= 1
            self._lock.notify_all()
        with self._out_of_turn():
            return request.wait()

    def pause(self, member: Member) -> None:
        """Wait for ``at_pause``."""
        event = threading.Event()
        with self._lock:
            self._refuse_called_off()
            self._paused.append((member, event))
            self._computing -= 1
            self._lock.notify_all()
        with self._out_of_turn():
            event.wait()
        with self._lock:
            self._refuse_called_off()

    @contextmanager
    def _out_of_turn(self) -> Iterator[None]:
        """Another training may compute meanwhile."""
        self._turn.release()
        try:
            yield
        finally:
            self._turn.acquire()

    def _refuse_called_off(self) -> None:
        if self._called_off:
            raise CalledOff

    def _begin(self, name: Any, work: Callable[[Member], Any], ended: list[Member]) -> None:
        member = Member(self, name)

        def body() -> None:
            try:
                with self._turn:
                    member.outcome = work(member)
            except BaseException as error:  # goes to the thread that runs them all
                member.error = error
            with self._lock:
                ended.append(member)
                self._computing -= 1
                self._lock.notify_all()

        with self._lock:
            self._computing += 1
        threading.Thread(target=body, name=f"nnspark training {name}", daemon=True).start()

    def _all_that_ask(self) -> list[tuple[Member, _Request]]:
        """What is asked for, once no training computes."""
        with self._lock:
            self._lock.wait_for(lambda: not self._computing)
            return list(self._asking)

    def _answer(self, asking: Sequence[tuple[Member, _Request]]) -> None:
        """One pass for all requests."""
        asked = [(request.function, request.value, request.zero) for _, request in asking]
        for number, answer, seconds in self._several.answers(asked):
            member, request = asking[number]
            member.seconds += seconds
            with self._lock:
                self._asking.remove((member, request))
                self._computing += 1
            request.answer = answer
            request.answered.set()

    def _go_on(self, at_pause: Callable[[Sequence[Member]], None]) -> None:
        paused, self._paused = self._paused, []
        at_pause([member for member, _ in paused])
        with self._lock:
            self._computing += len(paused)
        for _, event in paused:
            event.set()

    def _call_off(self) -> None:
        """Let every thread that still waits end."""
        with self._lock:
            self._called_off = True
            asking, self._asking = self._asking, []
            paused, self._paused = self._paused, []
            self._computing += len(asking) + len(paused)
        for _, request in asking:
            request.error = CalledOff()
            request.answered.set()
        for _, event in paused:
            event.set()
