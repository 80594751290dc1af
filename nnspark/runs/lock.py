"""One driver at a time in a run directory: who holds it, and whether that driver still lives.

A driver creates ``driver.lock``, which only one can, and deletes it at its end. A second driver is told who
the first one is. A driver that was killed leaves its lock behind: on its own machine its process is looked
up; from another machine the only sign of life is ``driver.beat``, which a driver writes every ``BEAT``
seconds. It is watched for ``PATIENCE`` seconds, by one clock, since two machines' clocks need not agree. A
driver that was taken for dead, because it was suspended or cut off, sees so by the lock and stops.

YARN starts a driver again whose container it has given up, as another attempt of the same application; the
first one may still be ending. So a lock of one's own application is waited for, up to ``PATIENCE`` seconds.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from nnspark.errors import CheckpointError
from nnspark.log import log
from nnspark.runs.holder import Holder, held_here
from nnspark.runs.storage import Folder

__all__ = ["BEAT", "LOCK", "PATIENCE", "SIGN", "Hold", "held", "is_of_lock"]

LOCK, NEXT, SIGN = "driver.lock", "driver.lock+", "driver.beat"
BEAT, PATIENCE = 10.0, 60.0  # seconds
TRIES = 20
OF_YARN = "application_"


class Hold:
    """A lock that this process holds: beats while it lives."""

    def __init__(self, folder: Folder, me: Holder) -> None:
        self._folder, self._signature, self._token = folder, me.signature(), me.token
        self._lost, self._seen = False, time.time()  # a clock that goes on while the machine sleeps
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="nnspark lock", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise CheckpointError if another driver has taken the directory over."""
        if time.time() - self._seen > PATIENCE / 2:
            with suppress(OSError):
                self._look()
        if self._lost:
            raise CheckpointError(
                f"{self._folder.path()} is no longer this driver's, which was suspended or cut off: its "
                f"{LOCK} is another's, or deleted; it stops here, and --resume goes on from its checkpoint"
            )

    def release(self) -> None:
        """Delete the lock, if it is still this process's."""
        self._end.set()
        self._thread.join(BEAT)
        with suppress(Exception):  # the store, or Spark's JVM, may be gone: the lock is seen to be dead then
            if not self._lost and self._folder.read(LOCK) == self._signature:
                self._folder.delete(SIGN)
                self._folder.delete(LOCK)

    def _beat(self) -> None:
        beats = 0
        while not self._lost and not self._end.wait(BEAT):
            with suppress(Exception):  # told by ``check``, if it lasts
                self._look()
                beats += 1
                self._folder.write(SIGN, f"{self._token} {beats}\n".encode())

    def _look(self) -> None:
        try:
            self._lost = self._folder.read(LOCK) != self._signature
        except FileNotFoundError:
            self._lost = True
        self._seen = time.time()


def is_of_lock(name: str) -> bool:
    """Whether a file of a run directory belongs to its lock."""
    return name.startswith((LOCK, SIGN, f".{LOCK}", f".{SIGN}"))


@contextmanager
def held(folder: Folder, application: str) -> Iterator[Hold]:
    """Hold a run directory, made if need be, while the block runs; no trace is left of one that stays empty.

    ``folder`` is used by a thread of its own meanwhile, so nobody else may use the same object.

    Raises
    ------
    CheckpointError : another driver holds it, or it is none that can be written to.
    """
    try:
        made = folder.make()
    except OSError as error:
        raise _unusable(folder, error) from None
    me = Holder.me(application)
    try:
        held_here.add(me.token)
        try:
            _acquire(folder, LOCK, me)
        except OSError as error:
            raise _unusable(folder, error) from None
        hold = Hold(folder, me)
        try:
            yield hold
        finally:
            hold.release()
    finally:
        held_here.discard(me.token)
        with suppress(Exception):
            folder.prune(made)


def _acquire(folder: Folder, name: str, me: Holder) -> None:
    """Create a lock; whoever finds a dead one there has to hold the next one while it is deleted."""
    for _ in range(TRIES):
        if folder.create(name, me.signature()) and _read(folder, name) == me.signature():
            return
        content = _read(folder, name)
        if content is None:
            continue
        _refuse_living(folder, name, content, me)
        _acquire(folder, f"{name}+", me)
        try:
            if _read(folder, name) == content:
                folder.delete(name)
        finally:
            folder.delete(f"{name}+")
    raise CheckpointError(f"{folder.path()} cannot be locked: others do so at the same time; try again")


def _refuse_living(folder: Folder, name: str, content: bytes, me: Holder) -> None:
    holder = Holder.of(content)
    if _lives(folder, name, content, holder) and not _ends(folder, name, content, holder, me):
        raise CheckpointError(
            f"{folder.path()} is in use by {holder or 'a driver that is just starting'}: wait for its "
            "end, or end it, or pass another --out"
        )
    log(f"{folder.path()} was left behind by {holder or 'a driver'}, which is gone: taking it over")


def _ends(folder: Folder, name: str, content: bytes, holder: Holder | None, me: Holder) -> bool:
    """Whether the holder of a lock is an earlier attempt of this YARN application, and ends soon."""
    if holder is None or holder.application != me.application or not me.application.startswith(OF_YARN):
        return False
    log(f"{folder.path()} is held by an earlier attempt of this application: waiting for its end")
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        time.sleep(BEAT / 10)
        if _read(folder, name) != content or not _lives(folder, name, content, holder):
            return True
    return False


def _lives(folder: Folder, name: str, content: bytes, holder: Holder | None) -> bool:
    runs = holder.runs() if holder else None
    return _shows_life(folder, name, content, holder) if runs is None else runs


def _shows_life(folder: Folder, name: str, content: bytes, holder: Holder | None) -> bool:
    """Whether the holder of a lock beats within ``PATIENCE`` seconds."""
    log(
        f"{folder.path()} is held by {holder or 'a driver that did not sign'}: waiting up to {PATIENCE:g} s "
        "to see whether it lives"
    )
    before, until = _read(folder, SIGN), time.monotonic() + PATIENCE
    while time.monotonic() < until:
        time.sleep(BEAT / 10)
        if _read(folder, name) != content:
            return False  # gone meanwhile, or another's
        if _read(folder, SIGN) != before:
            return True
    return False


def _read(folder: Folder, name: str) -> bytes | None:
    try:
        return folder.read(name)
    except FileNotFoundError:
        return None


def _unusable(folder: Folder, error: OSError) -> CheckpointError:
    reason = error.strerror or str(error)
    return CheckpointError(
        f"{folder.path()} cannot be a run directory: {reason}; pass --out a directory that can be written to"
    )
