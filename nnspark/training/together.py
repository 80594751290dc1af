"""Trainings side by side: what they ask of the same shards at the same time is one job.

Each training runs in a thread of its own, with code that knows nothing of the others. Where it asks its
shards for a sum, it waits; once all that are alive wait, their requests go out as one job, and each goes on
with its own answer. Sums are exact, so a training's bits do not depend on its company.

    training ──run(function, value)──┐
    training ──run(function, value)──┤ all wait:  shards.run(all functions, all values)
    training ──run(function, value)──┘

One training computes at a time: Python would let no two, and threads that compete for it lose time to that.
Where there are helpers, a training may have one do what it does next (``apart.py``); others go on meanwhile.

(Above 200 lines: the trainings' side and the side that answers share one lock and one count.)
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from nnspark.engines.base import Shards
from nnspark.engines.processes import Helpers, Work
from nnspark.errors import NNSparkError
from nnspark.training import helping
from nnspark.training.members import CalledOff, Member, Request
from nnspark.training.several import sums_of

__all__ = ["AT_ONCE", "Together"]

AT_ONCE = 256
"""Trainings that are alive at a time, at most, but for those that wait for the others: each has a thread."""


class Together:
    """Runs trainings over the same shards.

    Parameters
    ----------
    shards : what all train on.
    at_once : trainings that are alive at the same time, at most; others begin when some have ended.
    passes : that a training will ask for, about. Helpers are started where that is long enough for them.
    """

    def __init__(self, shards: Shards, at_once: int, passes: int = 1) -> None:
        self.shards, self._at_once, self._passes = shards, at_once, passes
        self._lock, self._turn = threading.Condition(), threading.Lock()
        self._computing, self._elsewhere = 0, 0
        self._asking: list[tuple[Member, Request]] = []
        self._paused: list[tuple[Member, threading.Event]] = []
        self._called_off = False
        self._helpers: Helpers | None = None

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
        self._help(len(waiting) * helping.LEAST, len(waiting))
        ended: list[Member] = []
        alive = 0
        try:
            while True:
                while waiting and alive - len(self._paused) < self._at_once:
                    self._begin(*waiting.pop(), ended)
                    alive += 1
                asking = self._all_that_ask(ended)
                while ended:
                    member, alive = ended.pop(0), alive - 1
                    if member.error is not None and not isinstance(member.error, Exception):
                        raise member.error
                    yield member
                if asking:
                    self._answer(asking)
                elif waiting or self._elsewhere:
                    continue
                elif self._paused:
                    self._go_on(at_pause)
                elif not alive:
                    return
        finally:
            self._call_off()

    def ask(self, member: Member, request: Request) -> Any:
        """Put a training's request to the others', and wait for its answer."""
        with self._lock:
            self._refuse_called_off()
            self._asking.append((member, request))
            self._computing -= 1
            self._lock.notify_all()
        with self._out_of_turn():
            return request.wait()

    @property
    def has_helpers(self) -> bool:
        """Whether helpers are ready: they are started where the passes will take a while."""
        return self._helpers is not None and self._helpers.ready

    def elsewhere(self, work: Work, value: Any, told: Callable[[Any], None]) -> Any:
        """Have a helper do it; ``told`` is called in turn with the trainings that compute."""

        def in_turn(what: Any) -> None:
            with self._turn:
                self._refuse_called_off()
                told(what)

        assert self._helpers is not None
        with self._lock:
            self._refuse_called_off()
            self._computing -= 1
            self._elsewhere += 1
            self._lock.notify_all()
        try:
            with self._out_of_turn():
                return self._helpers.work(work, value, in_turn)
        finally:
            with self._lock:
                self._elsewhere -= 1
                self._computing += 1
                self._refuse_called_off()

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
        try:
            threading.Thread(target=body, name=f"nnspark training {name}", daemon=True).start()
        except RuntimeError:
            raise NNSparkError(
                f"expected a thread for each model that trains at a time, but no more than the "
                f"{threading.active_count()} there are can start: raise the limit, or search fewer settings"
            ) from None

    def _all_that_ask(self, ended: Sequence[Member]) -> list[tuple[Member, Request]]:
        """What is asked for, once no training computes; nothing where one has ended before any asks."""
        with self._lock:
            self._lock.wait_for(
                lambda: not self._computing and (self._asking or ended or not self._elsewhere)
            )
            return list(self._asking)

    def _answer(self, asking: Sequence[tuple[Member, Request]]) -> None:
        """One pass for all requests."""
        began = time.monotonic()
        asked = [(request.function, request.value, request.zero) for _, request in asking]
        answers = sums_of(self.shards, asked)
        seconds = time.monotonic() - began
        self._help(seconds, len(asking))
        for (member, request), answer in zip(asking, answers, strict=True):
            member.seconds += seconds / len(asking)
            with self._lock:
                self._asking.remove((member, request))
                self._computing += 1
            request.answer = answer
            request.answered.set()

    def _help(self, seconds: float, models: int) -> None:
        """Start helpers, if there are none, where a pass over all these models takes so long at least."""
        if seconds * self._passes > helping.HELP_FROM and self._helpers is None:
            self._helpers = helping.helpers_for(self.shards, models)

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
        if self._helpers is not None:
            self._helpers.close()
