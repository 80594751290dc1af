"""One driver at a time in a run directory; a dead one's lock keeps nobody out."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import make_recipe, one_line_error

from nnspark.errors import CheckpointError
from nnspark.runs import holder, lock
from nnspark.runs.holder import Holder
from nnspark.runs.local_folder import LocalFolder
from nnspark.runs.lock import held
from nnspark.runs.run import run

HOLDING = """
import sys, time
from nnspark.runs.lock import held
from nnspark.runs.local_folder import LocalFolder
with held(LocalFolder(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> LocalFolder:
    """A run directory that does not exist yet."""
    return LocalFolder(str(tmp_path / "runs/one"))


@pytest.fixture
def other(folder: LocalFolder, request: pytest.FixtureRequest) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds it, by default as app-1."""
    command = [sys.executable, "-c", HOLDING, folder.path(), getattr(request, "param", "app-1")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def quick(monkeypatch: pytest.MonkeyPatch, patience: float = 0.4) -> None:
    """Beats and patience of fractions of a second."""
    monkeypatch.setattr(lock, "BEAT", 0.05)
    monkeypatch.setattr(lock, "PATIENCE", patience)


def test_a_second_driver_is_told_who_holds_the_directory(folder: LocalFolder, other: Any) -> None:
    """Its process, host, application and since when; and what to do. At once, without waiting for a beat."""
    parts = (folder.path(), f"process {other.pid} on", "app-1", "since 20", "--out")
    began = time.monotonic()
    with one_line_error(*parts, kind=CheckpointError), held(folder, "app-2"):
        pytest.fail("both hold it")
    assert time.monotonic() - began < 5
    assert folder.names() == ["driver.lock"]


def test_a_run_into_a_held_directory_changes_nothing_in_it(folder: LocalFolder, other: Any) -> None:
    """Neither --resume nor --overwrite."""
    folder.write("history.jsonl", b"theirs")
    for how in ({"resume": True}, {"overwrite": True}, {}):
        with one_line_error("in use by", other.pid, kind=CheckpointError):
            run(make_recipe("training.epochs=1", source="iris"), folder.path(), title="", **how)
    assert folder.names() == ["driver.lock", "history.jsonl"]
    assert folder.read("history.jsonl") == b"theirs"


def test_a_killed_drivers_lock_is_taken_over_at_once(folder: LocalFolder, other: Any) -> None:
    """On its machine, by --resume right after kill -9: while it is a zombie, and after."""
    other.kill()
    time.sleep(0.1)  # dead, but nobody has waited for it
    began = time.monotonic()
    with held(folder, "second"):
        assert b"second" in folder.read("driver.lock")
    other.wait()
    folder.write("driver.lock", Holder.me("dead")._replace(pid=other.pid, started="1").signature())
    with held(folder, "third"):
        pass
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("other", ["application_7_0001"], indirect=True)
def test_the_next_attempt_of_a_yarn_application_waits_for_the_one_before(
    folder: LocalFolder, other: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """It may still be ending when YARN starts the next; one that lives on is left alone, and others' are."""
    quick(monkeypatch, patience=0.3)
    with (
        one_line_error("in use by", "application_7_0001", kind=CheckpointError),
        held(folder, "application_7_0001"),
    ):
        pytest.fail("both hold it")
    quick(monkeypatch, patience=30)
    began = time.monotonic()
    with one_line_error("in use by", kind=CheckpointError), held(folder, "application_7_0002"):
        pytest.fail("both hold it")
    assert time.monotonic() - began < 5
    capsys.readouterr()
    threading.Timer(0.3, other.kill).start()
    with held(folder, "application_7_0001"):
        assert json.loads(folder.read("driver.lock"))["pid"] == os.getpid()
    assert "an earlier attempt of this application" in capsys.readouterr().err


def test_a_process_of_the_same_number_is_not_the_driver(folder: LocalFolder, other: Any) -> None:
    """It was started at another time."""
    content = json.loads(folder.read("driver.lock"))
    folder.write("driver.lock", json.dumps({**content, "started": "12345"}).encode())
    with held(folder, "second"):
        pass


def test_nothing_is_left_of_a_directory_that_stayed_empty(folder: LocalFolder, tmp_path: Path) -> None:
    """Those above it that were made for it go too; what was there before stays."""
    with held(folder, "app"):
        assert folder.names() == ["driver.lock"]
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "runs").mkdir()
    with held(folder, "app"):
        folder.write("mine", b"")
    assert folder.names() == ["mine"]
    folder.delete("mine")
    with held(folder, "app"):
        pass
    assert folder.names() == []
    assert (tmp_path / "runs/one").is_dir()


def left_elsewhere(folder: LocalFolder) -> None:
    """A lock as a driver on another machine leaves it."""
    folder.write("driver.lock", Holder.me("far")._replace(machine="elsewhere", host="far").signature())


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[1]", b'{"token": '])
def test_a_lock_without_a_sign_of_life_is_taken_over(
    folder: LocalFolder, monkeypatch: pytest.MonkeyPatch, capsys: Any, content: bytes | None
) -> None:
    """From another machine, or unsigned because its driver was killed in between: after PATIENCE seconds."""
    quick(monkeypatch)
    left_elsewhere(folder)
    if content is not None:
        folder.write("driver.lock", content)
    began = time.monotonic()
    with held(folder, "second"):
        assert b"second" in folder.read("driver.lock")
    assert 0.4 <= time.monotonic() - began < 5
    assert "waiting up to 0.4 s to see whether it lives" in capsys.readouterr().err


def test_a_driver_elsewhere_that_beats_is_left_alone(
    folder: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its beat is a sign of life whatever its clock says; the second is refused at the first one."""
    quick(monkeypatch, patience=20)
    monkeypatch.setattr(holder, "this_machine", lambda: threading.current_thread().name)
    ready, done = threading.Event(), threading.Event()

    def far() -> None:
        with held(folder, "far"):
            ready.set()
            done.wait(30)

    thread = threading.Thread(target=far)
    thread.start()
    assert ready.wait(10)
    began = time.monotonic()
    with one_line_error("in use by", "far", kind=CheckpointError), held(folder, "near"):
        pytest.fail("both hold it")
    assert time.monotonic() - began < 10
    done.set()
    thread.join()
    with held(folder, "near"):
        pass


def test_a_driver_that_was_taken_for_dead_stops(folder: LocalFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sees another's lock, and neither writes nor deletes anything more."""
    quick(monkeypatch)
    seen = []
    with held(folder, "first") as hold:
        hold.check()
        left_elsewhere(folder)
        until = time.monotonic() + 10
        while not seen and time.monotonic() < until:
            time.sleep(0.01)
            try:
                hold.check()
            except CheckpointError as error:
                seen.append(str(error))
    assert "no longer this driver's" in seen[0]
    assert b"far" in folder.read("driver.lock")


def test_a_driver_that_slept_looks_before_it_writes(
    folder: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its beats slept too, so the first check looks at the lock itself."""
    with held(folder, "first") as hold:
        left_elsewhere(folder)
        hold.check()  # nobody has looked yet
        later = time.time() + lock.PATIENCE
        monkeypatch.setattr(time, "time", lambda: later)
        with pytest.raises(CheckpointError):
            hold.check()


@pytest.mark.parametrize("left", [["driver.lock"], ["driver.lock", "driver.lock+"], ["driver.lock+"]])
def test_of_many_who_take_over_from_the_dead_one_succeeds(folder: LocalFolder, left: list[str]) -> None:
    """Also where one of the dead was killed while it took over; the others are told who won."""
    for round_ in range(10):
        for name in left:
            folder.write(name, Holder.me("dead")._replace(pid=2**22 + 1).signature())
        start, done = threading.Barrier(6), threading.Barrier(6)
        winners, refusals = [], []

        def driver(
            start: Any = start, done: Any = done, winners: Any = winners, refusals: Any = refusals
        ) -> None:
            start.wait()
            try:
                with held(folder, "racer"):
                    winners.append(1)
                    done.wait()
            except CheckpointError as error:
                refusals.append(str(error))
                done.wait()

        threads = [threading.Thread(target=driver) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(winners), len(refusals)) == (1, 5), (round_, refusals)
        assert not folder.names() or folder.names() == ["driver.lock+"]


def test_a_process_that_is_none_was_not_started() -> None:
    """This one was, and stays so."""
    assert holder.started(2**22 + 1) is None
    assert holder.started(os.getpid()) == holder.started(os.getpid())
