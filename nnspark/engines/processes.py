"""Helpers: processes beside this one that hold what they work on, for work that is mostly Python.

Threads take turns at Python, so models of a search whose rows are few gain nothing by them. A helper is
given the rows once, and then one piece of work after another: a whole training, say.

    this process  ──state, once──>  helper        function(state, value, tell)
                  ──a function and its value──>
                  <──what it tells, then what it returns or raises──

A helper is a new Python, not a fork, which threads (a Spark session's, BLAS's) would make unsafe; it imports
nnspark and nothing of the user's program. Ctrl-C does not reach it; it ends with the connection, and so with
this process. Work that a helper is lost with, or that cannot be sent, raises ``LostError``: it is the
caller's to do.
"""

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe, wait
from queue import SimpleQueue
from typing import Any

from nnspark.net.activations import ACTIVATIONS, OUTPUTS
from nnspark.net.blas import one_blas_thread
from nnspark.net.losses import HEADS
from nnspark.objective.metrics import METRICS
from nnspark.objective.problems import PROBLEMS

__all__ = ["Helpers", "LostError", "Work", "serve"]

Work = Callable[[Any, Any, Callable[[Any], None]], Any]
"""``work(state, value, tell)``: what a helper does; ``tell`` sends something on the way."""
TOLD, DONE, RAISED = b"t", b"d", b"r"
WATCH = 0.2  # seconds
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
PROGRAM = "import sys; sys.path[:] = {path!r}; from nnspark.engines.processes import serve; serve({number})"


class LostError(Exception):
    """The helper is gone, or what it should do, or says, cannot be sent."""


class _Helper:
    """One process, and the connection to it."""

    def __init__(self, state: bytes) -> None:
        self.connection, theirs = Pipe()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM.format(path=sys.path, number=theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=os.environ | ONE_THREAD,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        threading.Thread(target=self._send, args=(state,), daemon=True).start()

    def _send(self, state: bytes) -> None:
        """Takes until the helper has imported what it needs."""
        with suppress(OSError):
            self.connection.send_bytes(state)

    def is_able(self) -> bool:
        """Whether it has its state, and knows what this process knows."""
        with suppress(EOFError, OSError):
            return self.connection.recv_bytes() == _known()
        return False

    def end(self) -> None:
        """Leave no process. Its connection is whose thread reads from it."""
        self.process.kill()
        self.process.wait()


class Helpers:
    """``count`` processes that hold ``state``; each works for one thread of this process at a time."""

    def __init__(self, state: Any, count: int) -> None:
        packed = pickle.dumps(state, 5)
        self._all = [_Helper(packed) for _ in range(count)]
        self._starting = list(self._all)
        self._free: SimpleQueue[_Helper | None] = SimpleQueue()
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
            one.connection.send_bytes(packed)
            while (message := one.connection.recv_bytes())[:1] == TOLD:
                told(pickle.loads(message[1:]))
        except (EOFError, OSError):
            self._forget(one)
            raise LostError from None
        except BaseException:  # told's: the helper is in the middle of its work, which nobody wants any more
            self._forget(one)
            raise
        self._free.put(one)
        if not message:
            raise LostError
        found = pickle.loads(message[1:])
        if message[:1] == RAISED:
            raise found
        return found

    def _forget(self, one: _Helper) -> None:
        one.end()
        one.connection.close()
        with self._lock:
            self._alive -= 1
            if not self._alive:
                self._free.put(None)

    def close(self) -> None:
        """End the processes; threads that wait for one get a LostError."""
        for one in self._all:
            one.end()
        self._free.put(None)


def serve(descriptor: int) -> None:
    """What a helper does; ends with its connection."""
    connection: Connection[Any, Any] = Connection(descriptor)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    with suppress(OSError, EOFError), one_blas_thread():
        state = pickle.loads(connection.recv_bytes())
        connection.send_bytes(_known())
        while True:
            request = connection.recv_bytes()
            connection.send_bytes(_answer(request, state, connection))


def _end_with(parent: int) -> None:
    """In the middle of its work a helper would see only at its next word that nobody listens any more."""
    while os.getppid() == parent:
        time.sleep(WATCH)
    os._exit(1)


def _known() -> bytes:
    """The names that can be computed with: a program may have added its own, which a new Python lacks."""
    return repr([*ACTIVATIONS, *OUTPUTS, *HEADS, *PROBLEMS, *METRICS]).encode()


def _answer(request: bytes, state: Any, connection: "Connection[Any, Any]") -> bytes:
    """What the work returns or raises; empty where that, or the work itself, cannot be sent."""

    def tell(told: Any) -> None:
        connection.send_bytes(TOLD + pickle.dumps(told, 5))

    try:
        function, value = pickle.loads(request)
        try:
            return DONE + pickle.dumps(function(state, value, tell), 5)
        except Exception as error:
            packed = RAISED + pickle.dumps(error, 5)
            pickle.loads(packed[1:])  # an exception that takes other arguments than it keeps cannot be read
            return packed
    except Exception:
        return b""
