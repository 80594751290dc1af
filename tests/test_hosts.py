"""The hosts of ``scripts/cluster up --hosts``, without Spark: what their wire does, what is left of them."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
import hosts
import standalone

ECHO = """import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
    here.bind(("{address}", 9))
    print("ready", flush=True)
    while True:
        here.sendto(*here.recvfrom(9))
"""
ASK = """import socket, time
took, lost = [], 0
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
    here.settimeout(0.3)
    for number in range({times}):
        asked, question = time.monotonic(), str(number).encode()
        here.sendto(question, ("{address}", 9))
        try:
            while here.recv(9) != question:
                pass
            took.append(time.monotonic() - asked)
        except TimeoutError:
            lost += 1
print(lost, min(took, default=0.0))
"""


class Wired(NamedTuple):
    """A wire of two hosts and an echo on the second."""

    state: Path
    wire: "subprocess.Popen[bytes]"
    echo: "subprocess.Popen[str]"

    def ask(self, times: int) -> tuple[int, float]:
        """Questions from the first host: how many got no answer, and the shortest time of one that did."""
        program = ASK.format(times=times, address=hosts.address(1))
        command = [*hosts.inside(self.wire.pid, 0), sys.executable, "-c", program]
        lost, took = subprocess.check_output(command, text=True).split()
        return int(lost), float(took)


@pytest.fixture
def owner() -> Iterator["subprocess.Popen[bytes]"]:
    """A process to work for."""
    with subprocess.Popen(["sleep", "300"]) as process:
        yield process
        process.kill()


@pytest.fixture
def wired(tmp_path: Path, owner: "subprocess.Popen[bytes]") -> Iterator[Wired]:
    """The hosts, up."""
    if hosts.why_not():
        pytest.skip(hosts.why_not())
    state = tmp_path / "state"
    (state / "wire").mkdir(parents=True)
    with subprocess.Popen([sys.executable, hosts.__file__, str(state), "2", str(owner.pid)]) as wire:
        try:
            wait_until(lambda: (state / "wire/control").exists() or wire.poll() is not None)
            command = [
                *hosts.inside(wire.pid, 1),
                sys.executable,
                "-c",
                ECHO.format(address=hosts.address(1)),
            ]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as echo:
                try:
                    assert echo.stdout is not None
                    assert echo.stdout.readline() == "ready\n"
                    yield Wired(state, wire, echo)
                finally:
                    echo.kill()
        finally:
            wire.terminate()


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Look again and again."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_frames_are_passed_on_late_lost_or_not_at_all(wired: Wired) -> None:
    """By a host's clock: a delay each way; about one answer in four lost where each way loses an eighth."""
    assert wired.ask(20)[0] == 0
    hosts.disturb(wired.state, delay=0.02)
    lost, took = wired.ask(5)
    assert lost == 0
    assert took > 0.04
    hosts.disturb(wired.state, loss=0.125)
    assert 5 <= wired.ask(60)[0] <= 28
    hosts.disturb(wired.state, cut=[1])
    assert wired.ask(2)[0] == 2
    hosts.disturb(wired.state)
    wired.ask(1)  # the neighbour may have to be found again
    assert wired.ask(20)[0] == 0


@pytest.mark.parametrize("end", ["told to", "with its owner"])
def test_nothing_is_left_of_the_hosts(wired: Wired, owner: "subprocess.Popen[bytes]", end: str) -> None:
    """What ran on them is killed; neither device nor namespace has ever been this machine's."""
    ours = subprocess.check_output([str(hosts.IP), "link"], text=True)
    assert "02:00:00:00:00:0" not in ours
    (owner if end == "with its owner" else wired.wire).send_signal(signal.SIGTERM)
    assert wired.wire.wait(30) == 0
    assert wired.echo.wait(30) == -signal.SIGKILL
    assert wired.state.exists() == (end == "told to")


def test_hosts_are_refused_without_root_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """It says what is needed, and starts nothing."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "argv", ["cluster", "up", "--hosts", "3"])
    assert standalone.main() == 1
    said = capsys.readouterr().err
    assert re.fullmatch(r"cluster: --hosts needs root, [^\n]+\n", said)


@pytest.mark.parametrize("option", ["--hosts", "--workers", "--cores"])
def test_none_of_what_a_cluster_is_made_of_is_refused(
    option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is started; 0 hosts are not "no hosts wanted"."""
    monkeypatch.setattr(sys, "argv", ["cluster", "up", option, "0"])
    with pytest.raises(SystemExit) as stopped:
        standalone.main()
    assert stopped.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: {option}: expected 1 or more, got 0\n")
