"""A helper: a process beside this one, and both ends of the connection to it (see ``processes.py``).

    this process  --STATE, what it is to hold-->  helper     --what it can compute with-->
                  --WORK, function and value-->              function(state, value, tell)
                  <--TOLD, what it tells, then DONE or RAISED
                  --REST-->                                  holds nothing any more, and waits

It is a new Python, not a fork, which threads (a Spark session's, BLAS's) would make unsafe; it imports
nnspark and nothing of the user's program. Ctrl-C does not reach it; it ends with the connection, and so with
this process.
"""

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import Any

from nnspark.net.activations import ACTIVATIONS, OUTPUTS
from nnspark.net.blas import one_blas_thread
from nnspark.net.losses import HEADS
from nnspark.objective.metrics import METRICS
from nnspark.objective.problems import PROBLEMS

__all__ = ["Helper", "LostError", "Work", "opened", "serve"]

Work = Callable[[Any, Any, Callable[[Any], None]], Any]
"""``work(state, value, tell)``: what a helper does; ``tell`` sends something on the way."""
STATE, WORK, REST, TOLD, DONE, RAISED = b"s", b"w", b"n", b"t", b"d", b"r"
WATCH = 0.2  # seconds
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
PROGRAM = "import sys; sys.path[:] = {path!r}; from nnspark.engines.helper import serve; serve({number})"


class LostError(Exception):
    """The helper is gone, or what it should do, or says, cannot be sent."""


class Helper:
    """One process, and this side of the connection to it."""

    def __init__(self) -> None:
        self.connection, theirs = Pipe()
        self.path = tuple(sys.path)
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

    def hold(self, packed: bytes) -> None:
        """Send the state; a thread does, as it takes until the helper has imported what it needs."""

        def send() -> None:
            with suppress(OSError):
                self.connection.send_bytes(STATE + packed)

        threading.Thread(target=send, daemon=True).start()

    def is_able(self) -> bool:
        """Whether it has its state, and knows what this process knows; waits until it says."""
        with suppress(EOFError, OSError):
            return self.connection.recv_bytes() == _known()
        return False

    def work(self, packed: bytes, told: Callable[[Any], None]) -> bytes:
        """Its last word on a piece of work, for ``opened``; EOFError or OSError where it is gone."""
        self.connection.send_bytes(WORK + packed)
        while (message := self.connection.recv_bytes())[:1] == TOLD:
            told(pickle.loads(message[1:]))
        return message

    def rest(self) -> bool:
        """Let go of the state, and wait for another; whether it will."""
        with suppress(OSError):
            self.connection.send_bytes(REST)
            return self.process.poll() is None
        return False

    def end(self) -> None:
        """Leave no process. Its connection is whose thread reads from it."""
        self.process.kill()
        self.process.wait()


def opened(message: bytes) -> Any:
    """What a helper's last word on its work says: the result, or an exception, which is raised."""
    if not message:
        raise LostError
    found = pickle.loads(message[1:])
    if message[:1] == RAISED:
        raise found
    return found


def serve(descriptor: int) -> None:
    """What a helper does; ends with its connection."""
    connection: Connection[Any, Any] = Connection(descriptor)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    state = None
    with suppress(OSError, EOFError), one_blas_thread():
        while True:
            message = connection.recv_bytes()
            if message[:1] == WORK:
                connection.send_bytes(_answer(message[1:], state, connection))
            elif message[:1] == STATE:
                state = pickle.loads(message[1:])
                connection.send_bytes(_known())
            else:
                state = None
            del message


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
