"""Helpers: processes beside this one that hold what they work on, for work that is mostly Python.

Threads take turns at Python, so models of a search whose rows are few gain nothing by them. A helper is
given the rows once, and then one piece of work after another: a whole training, say (``helper.py``).

A helper takes a third of a second to start. So those that are at rest when their work is done stay for
``KEPT`` seconds, without what they held, and the next search begins with them. Work that a helper is lost
with, or that cannot be sent, raises ``LostError``: it is the caller's to do.
"""

import atexit
import os
import pickle
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from queue import Empty, SimpleQueue
from typing import Any

from nnspark.engines.helper import Helper, LostError, Work, opened
from nnspark.net.blas import cores

__all__ = ["Helpers", "LostError", "Work", "end_idle"]

KEPT = 60.0  # seconds


class Helpers:
    """``count`` processes that hold ``state``; each works for one thread of this process at a time."""

    def __init__(self, state: Any, count: int) -> None:
        packed = pickle.dumps(state, 5)
        self._all = _idle.take(count)
        self._all += [Helper() for _ in range(count - len(self._all))]
        for one in self._all:
            one.hold(packed)
        self._starting = list(self._all)
        self._free: SimpleQueue[Helper | None] = SimpleQueue()
        self._alive, self._lock = 0, threading.Lock()

    @property
    def pids(self) -> list[int]:
        """Of all that were started."""
        return [one.process.pid for one in self._all]

    @property
    def ready(self) -> bool:
        """Whether there are any, and all that live have their state."""
        with self._lock:
            for connection in wait([one.connection for one in self._starting], 0) if self._starting else ():
                one = next(one for one in self._starting if one.connection is connection)
                self._starting.remove(one)
                if one.is_able():
                    self._alive += 1
                    self._free.put(one)
                else:
                    one.end()
            return self._alive > 0 and not self._starting

    def work(self, function: Work, value: Any, told: Callable[[Any], None]) -> Any:
        """What ``function(state, value, tell)`` returns in the next helper that is free, once ``ready``.

        ``told`` is called here with what it tells. What it raises is raised here. LostError where the helper
        or all of them are gone, or something cannot be sent.
        """
        try:
            packed = pickle.dumps((function, value), 5)
        except (pickle.PicklingError, AttributeError, TypeError):
            raise LostError from None
        one = self._free.get()
        if one is None:
            self._free.put(None)
            raise LostError
        try:
            message = one.work(packed, told)
        except (EOFError, OSError):
            self._forget(one)
            raise LostError from None
        except BaseException:  # told's: the helper is in the middle of its work, which nobody wants any more
            self._forget(one)
            raise
        self._free.put(one)
        return opened(message)

    def _forget(self, one: Helper) -> None:
        one.end()
        one.connection.close()
        with self._lock:
            self._alive -= 1
            if not self._alive:
                self._free.put(None)

    def close(self) -> None:
        """Let those go that are at rest, and end the others; threads that wait get a LostError."""
        resting = []
        while True:
            try:
                resting.append(self._free.get_nowait())
            except Empty:
                break
        for one in self._all:
            if one not in resting or not _idle.put(one):
                one.end()
        self._free.put(None)


class _Idle:
    """Helpers that hold nothing and wait for the next search, each for ``KEPT`` seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: list[tuple[float, Helper]] = []
        self._timer: threading.Timer | None = None

    def forget(self) -> None:
        """Know of none: they are another process's, which forked into this one."""
        for _, one in self._since:
            one.process.returncode = 0  # as far as this process is concerned: Popen would warn that it runs
        self.__init__()  # type: ignore[misc]

    def take(self, count: int) -> list[Helper]:
        """As many, at most, of those that live and import from where this process does."""
        with self._lock:
            able = [one for _, one in self._since if one.path == tuple(sys.path)][-count:]
            self._since = [(since, one) for since, one in self._since if one not in able]
        return [one for one in able if one.process.poll() is None]

    def put(self, helper: Helper) -> bool:
        """Keep one, of as many as there are cores; False where it is gone, or one too many."""
        if not helper.rest():
            return False
        with self._lock:
            if len(self._since) >= cores():
                return False
            self._since.append((time.monotonic(), helper))
            self._wait()
        return True

    def end(self, older: float = 0.0) -> None:
        """End those that have waited for so many seconds."""
        with self._lock:
            until = time.monotonic() - older
            late = [one for since, one in self._since if since <= until]
            self._since = [(since, one) for since, one in self._since if since > until]
            self._timer = None
            self._wait()
        for one in late:
            one.end()
            one.connection.close()

    def _wait(self) -> None:
        """For the oldest one's time to be over."""
        if self._since and self._timer is None:
            left = self._since[0][0] + KEPT - time.monotonic()
            self._timer = threading.Timer(max(left, 0.0) + 0.01, self.end, [KEPT])
            self._timer.daemon = True
            self._timer.start()


def end_idle() -> None:
    """End the helpers that wait for a next search, which happens by itself after ``KEPT`` seconds."""
    _idle.end()


_idle = _Idle()
atexit.register(end_idle)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.forget)
