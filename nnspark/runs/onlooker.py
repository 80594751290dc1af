"""Whether the driver of a run directory lives, as somebody sees it who neither takes nor breaks its lock."""

import time
from typing import NamedTuple

from nnspark.runs import lock
from nnspark.runs.failures import STACK
from nnspark.runs.holder import Holder
from nnspark.runs.storage import Folder

__all__ = ["Driver", "Onlooker"]


class Driver(NamedTuple):
    """Whether a driver lives, None where that is not known yet, and the same in words."""

    lives: bool | None
    said: str


class Onlooker:
    """Looks again and again at a lock: one of another machine lives while its beat changes."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._seen: tuple[bytes | None, bytes | None] = (None, None)
        self._since = time.monotonic()
        self._beats = 0

    def look(self) -> Driver:
        """The driver as it is now."""
        signature = self._read(lock.LOCK)
        if signature is None:
            failed = f"; {self._folder.path(STACK)} says why it ended" if self._read(STACK) else ""
            return Driver(False, f"no driver is at work{failed}")
        holder = Holder.of(signature)
        lives = holder.runs() if holder else None
        if lives is None:
            lives = self._beat(signature)
        name = str(holder or "a driver that did not sign")
        said = {True: "is at work", False: "is gone: --resume goes on", None: "has shown no sign of life yet"}
        return Driver(lives, f"{name} {said[lives]}")

    def _beat(self, signature: bytes) -> bool | None:
        """By its beat: one seen lately is life, none for long is death."""
        now = signature, self._read(lock.SIGN)
        if now != self._seen:
            self._beats = self._beats + 1 if now[0] == self._seen[0] else 0
            self._seen, self._since = now, time.monotonic()
        if time.monotonic() - self._since > lock.PATIENCE:
            return False
        return True if self._beats else None

    def _read(self, name: str) -> bytes | None:
        try:
            return self._folder.read(name)
        except FileNotFoundError:
            return None
