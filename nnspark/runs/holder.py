"""Who is at work in a run directory: how a driver signs its lock, and whether its process runs."""

import json
import os
import socket
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Holder", "held_here", "started", "this_machine"]

held_here: set[str] = set()  # tokens of the locks that this process holds


class Holder(NamedTuple):
    """A driver, as it signs a lock."""

    token: str
    host: str
    machine: str
    pid: int
    started: str
    since: str
    application: str

    @classmethod
    def me(cls, application: str) -> "Holder":
        """This process."""
        return cls(
            token=uuid.uuid4().hex,
            host=socket.gethostname(),
            machine=this_machine(),
            pid=os.getpid(),
            started=started(os.getpid()) or "",
            since=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
            application=application,
        )

    @classmethod
    def of(cls, content: bytes) -> "Holder | None":
        """Who signed a lock; None if the signature is not whole."""
        try:
            return cls(**json.loads(content))
        except (TypeError, ValueError):
            return None

    def signature(self) -> bytes:
        """What is written into the lock."""
        return json.dumps(self._asdict()).encode()

    def runs(self) -> bool | None:
        """Whether the process runs; None where that cannot be told from here."""
        if self.machine != this_machine():
            return None
        if self.pid == os.getpid():
            return self.token in held_here
        now = started(self.pid)
        if now is None or (now and self.started):
            return now is not None and now == self.started
        return None

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} (application {self.application}, since {self.since})"


def this_machine() -> str:
    """What process numbers are numbers of: host, boot and process namespace; the host alone where unknown."""
    known = [socket.gethostname()]
    with suppress(OSError):
        known.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        known.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(known)


def started(pid: int) -> str | None:
    """When a process was started, in the system's own words; "" if that is unknown, None if it is none."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:  # another user's
        pass
    try:
        fields: list[Any] = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return None if fields[0] in "ZX" else str(fields[19])  # a zombie writes nothing any more
