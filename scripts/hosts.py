"""Hosts of their own on one machine: network namespaces, an address each, and the wire between them.

Each namespace has a TAP device whose other end one process holds: the wire. It passes frames on: at once,
late, some lost at random, none from or to a host that is cut off. This needs root and /dev/net/tun, and no
module of the kernel for delay and loss (netem), which many kernels come without.

No namespace has a name or a way out, and this machine's own network is left as it is: the wire's open files
keep them. Told to end, or when the process that it works for has ended, it kills what runs on the hosts, and
with it go namespaces and devices.
"""

import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

CLONE_NEWNET = 0x40000000
TUNSETIFF, TAP_WITHOUT_HEADER = 0x400454CA, 0x0002 | 0x1000
MOST_BYTES = 9000  # of a frame's content
FIRST = 100  # the wire's descriptor of the first host's namespace; those of the others follow
IP, NSENTER = (
    shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin:/bin")
    for name in ("ip", "nsenter")
)


def address(host: int) -> str:
    """A host's address, the same in every wire: no two wires meet."""
    return f"10.77.0.{host + 1}"


def inside(wire: int, host: int) -> list[str]:
    """What to put before a command that is to run on a host of the wire, which is a process."""
    return [str(NSENTER), f"--net=/proc/{wire}/fd/{FIRST + host}"]


def why_not() -> str:
    """What keeps this machine from having hosts; empty if nothing does."""
    if os.geteuid():
        return "needs root, for network namespaces: run it with sudo, or leave --hosts out"
    if IP is None or NSENTER is None or not Path("/dev/net/tun").exists():
        return "needs the commands ip and nsenter (apt-get install iproute2 util-linux) and /dev/net/tun"
    return ""


def disturb(state: Path, *, delay: float = 0.0, loss: float = 0.0, cut: Iterable[int] = ()) -> None:
    """Tell the wire what to do from now on: seconds each way, the share of frames lost, hosts cut off."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as control:
        order = {"delay": delay, "loss": loss, "cut": list(cut)}
        control.sendto(json.dumps(order).encode(), str(state / "wire/control"))


class Wire:
    """Passes frames between the hosts, until it is told to end or its ``owner``, a process, has ended."""

    def __init__(self, state: Path, hosts: int, owner: int = 0) -> None:
        self.owner = os.pidfd_open(owner) if owner else None
        self.taps = [add_host(host) for host in range(hosts)]
        self.delay, self.loss, self.cut = 0.0, 0.0, frozenset[int]()
        self.late: list[tuple[float, int, int, bytes]] = []
        self.rng, self.number = random.Random(1), 0
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.control.bind(str(state / "wire/control"))  # last: whoever sees it finds all hosts up

    def work(self) -> None:
        """Until the owner has ended."""
        ends = [self.control, *([] if self.owner is None else [self.owner])]
        while True:
            wait = max(0.0, self.late[0][0] - time.monotonic()) if self.late else None
            ready, _, _ = select.select([*ends, *self.taps], [], [], wait)
            if self.owner in ready:
                return
            for one in ready:
                if one is self.control:
                    order = json.loads(self.control.recv(4096))
                    self.delay, self.loss, self.cut = order["delay"], order["loss"], frozenset(order["cut"])
                else:
                    self.take(self.taps.index(one), os.read(one, MOST_BYTES + 100))
            while self.late and self.late[0][0] <= time.monotonic():
                self.give(*heapq.heappop(self.late)[2:])

    def take(self, host: int, frame: bytes) -> None:
        """A frame of a host's: to the host whose number its address ends in, or to all others."""
        everyone = frame[0] & 1  # broadcast and multicast
        for to in range(len(self.taps)) if everyone else [frame[5] - 1]:
            if to == host or not 0 <= to < len(self.taps) or {host, to} & self.cut:
                continue
            if self.loss and self.rng.random() < self.loss:
                continue
            if self.delay:
                self.number += 1
                heapq.heappush(self.late, (time.monotonic() + self.delay, self.number, to, frame))
            else:
                self.give(to, frame)

    def give(self, to: int, frame: bytes) -> None:
        """Its host may be full: such a frame is lost, as on any wire."""
        with suppress(OSError):
            os.write(self.taps[to], frame)


def add_host(host: int) -> int:
    """Move this process into a new namespace, which is kept open, with a TAP device: its other end."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "no new network namespace")
    namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
    os.dup2(namespace, FIRST + host, inheritable=False)
    os.close(namespace)
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", b"eth0", TAP_WITHOUT_HEADER))
    for words in (
        "link set lo up",
        f"link set eth0 address 02:00:00:00:00:{host + 1:02x} mtu {MOST_BYTES}",
        f"addr add {address(host)}/24 dev eth0",
        "link set eth0 up",
    ):
        subprocess.run([str(IP), *words.split()], check=True)
    return end


def kill_all(hosts: int) -> None:
    """SIGKILL what runs on the hosts, until nothing does."""
    namespaces = {os.fstat(FIRST + host).st_ino for host in range(hosts)}
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and (found := within(namespaces)):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def within(namespaces: set[int]) -> list[int]:
    """The processes in these network namespaces, but for this one; one that has ended is in none."""
    found = []
    for pid in (int(path.name) for path in Path("/proc").glob("[0-9]*")):
        with suppress(OSError):
            if os.stat(f"/proc/{pid}/ns/net").st_ino in namespaces and pid != os.getpid():
                found.append(pid)
    return found


def main(state: Path, hosts: int, owner: int = 0) -> None:
    """Be the wire in a state folder, which goes with it if the owner has ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        Wire(state, hosts, owner).work()
    finally:
        kill_all(hosts)
    shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
