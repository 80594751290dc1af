"""Helpers: processes beside this one that hold the same blocks, for many small sums at a time.

A sum over few rows is mostly Python, and threads take turns at that. So the models of a search are shared
out: each request goes to a helper that is free, and what it adds up comes back. Sums are exact, so it does
not matter which process takes one.

    this process  ──blocks, once──>  helper        function(blocks, value)  for each request, in order
                  ──requests─────>
                  <──────sums─────

A helper is a new Python, not a fork, which threads (a Spark session's, BLAS's) would make unsafe; it imports
nnspark and nothing of the user's program. Ctrl-C does not reach it; it ends with the connection, and so with
this process. What a lost helper had to do, what cannot be sent, and what raises, is done here.
"""

import copyreg
import gc
import io
import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import product
from multiprocessing.connection import Connection, Pipe, wait
from queue import SimpleQueue
from typing import Any

from nnspark.data.rows import BlockSet
from nnspark.engines.base import Function, Shards
from nnspark.engines.local import LocalShards
from nnspark.net.activations import ACTIVATIONS, OUTPUTS
from nnspark.net.blas import one_blas_thread
from nnspark.net.losses import HEADS
from nnspark.objective.metrics import METRICS
from nnspark.objective.problems import PROBLEMS
from nnspark.sums.exact import ExactVector

__all__ = ["Helpers", "Request", "helpers_for", "serve"]

Request = tuple[Function[Any], Any]  # a function of blocks and its value
MOST = 8  # about as many as one process can keep busy
AHEAD = 2  # requests that a helper is given at a time, so that it need not wait for the next
CANNOT = b""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
PROGRAM = "import sys; sys.path[:] = {path!r}; from nnspark.engines.processes import serve; serve({number})"


def helpers_for(shards: Shards, models: int) -> "Helpers | None":
    """Helpers for models that train together, started; None where they would not help.

    They do where the blocks lie in this process and are too few for threads, and there are cores.
    """
    if not isinstance(shards, LocalShards) or len(shards.blocks) > 1 or os.name != "posix":
        return None
    count = min(shards.most, models, MOST)
    return Helpers(shards.blocks, count) if count > 1 and sys.executable else None


class _Helper:
    """One process, and the numbers of the requests that it has, in order."""

    def __init__(self, blocks: bytes) -> None:
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
        self.given: deque[int] = deque()
        self.sender = threading.Thread(target=self._send, args=(blocks,), daemon=True)
        self.sender.start()

    def _send(self, blocks: bytes) -> None:
        """Takes until the helper has imported what it needs."""
        with suppress(OSError):
            self.connection.send_bytes(blocks)

    def end(self) -> None:
        """Leave no process."""
        self.process.kill()
        self.process.wait()
        self.sender.join()
        self.connection.close()


class Helpers:
    """``count`` processes that sum over blocks, each over all of them."""

    def __init__(self, sets: Sequence[BlockSet], count: int) -> None:
        blocks = pickle.dumps(list(sets), 5)
        self._sets = sets
        self._starting = [_Helper(blocks) for _ in range(count)]
        self._helpers: list[_Helper] = []

    @property
    def ready(self) -> bool:
        """Whether there are any, and all that live have their blocks."""
        for helper in wait([one.connection for one in self._starting], 0) if self._starting else ():
            one = next(one for one in self._starting if one.connection is helper)
            self._starting.remove(one)
            with suppress(EOFError, OSError):
                if one.connection.recv_bytes() == _known():
                    self._helpers.append(one)
                    continue
            one.end()
        return bool(self._helpers) and not self._starting

    def sums(self, requests: Sequence[Request]) -> Iterator[tuple[int, Any]]:
        """Each request's number and sum, as they come."""
        waiting = deque(range(len(requests)))
        while waiting or any(one.given for one in self._helpers):
            for depth, one in product(range(AHEAD), self._helpers):
                if waiting and len(one.given) <= depth:
                    number = waiting.popleft()
                    if self._sent(one, requests[number]):
                        one.given.append(number)
                    else:
                        yield number, self._here(requests[number])
            busy: dict[Any, _Helper] = {one.connection: one for one in self._helpers if one.given}
            for connection in wait(list(busy)) if busy else ():
                one = busy[connection]
                try:
                    answer = one.connection.recv_bytes()
                except (EOFError, OSError):
                    waiting.extendleft(reversed(one.given))
                    self._helpers.remove(one)
                    one.end()
                    continue
                number = one.given.popleft()
                yield number, pickle.loads(answer) if answer else self._here(requests[number])
            if not self._helpers and waiting:
                number = waiting.popleft()
                yield number, self._here(requests[number])

    def _sent(self, helper: _Helper, request: Request) -> bool:
        """Whether the request is on its way; a helper that is gone is noticed where it should answer."""
        try:
            packed = pickle.dumps(request, 5)
        except (pickle.PicklingError, AttributeError, TypeError):
            return False
        with suppress(OSError):
            helper.connection.send_bytes(packed)
        return True

    def _here(self, request: Request) -> Any:
        function, value = request
        with one_blas_thread():
            return function(self._sets, value)

    def close(self) -> None:
        """End the processes."""
        for one in (*self._starting, *self._helpers):
            one.end()


def serve(descriptor: int) -> None:
    """What a helper does; ends with its connection."""
    connection = Connection(descriptor)
    with suppress(OSError, EOFError), one_blas_thread():
        sets = pickle.loads(connection.recv_bytes())
        gc.freeze()
        connection.send_bytes(_known())
        requests: SimpleQueue[bytes] = SimpleQueue()
        threading.Thread(target=_read, args=(connection, requests), daemon=True).start()
        while request := requests.get():
            connection.send_bytes(_answer(request, sets))


def _known() -> bytes:
    """The names that can be computed with: a program may have added its own, which a new Python lacks."""
    return repr([*ACTIVATIONS, *OUTPUTS, *HEADS, *PROBLEMS, *METRICS]).encode()


def _read(connection: "Connection[Any, Any]", requests: "SimpleQueue[bytes]") -> None:
    """Take requests in while others are worked on: neither side waits for the other to read."""
    with suppress(OSError, EOFError):
        while True:
            requests.put(connection.recv_bytes())
    requests.put(b"")


def _answer(request: bytes, sets: Sequence[BlockSet]) -> bytes:
    try:
        function, value = pickle.loads(request)
        answer, ways = io.BytesIO(), dict[type, Any](copyreg.dispatch_table)
        pickler = pickle.Pickler(answer, 5)
        pickler.dispatch_table = ways | {ExactVector: ExactVector.as_it_is}
        pickler.dump(function(sets, value))
        return answer.getvalue()
    except Exception:
        return CANNOT
