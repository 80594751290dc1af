"""Helpers: work in processes beside this one, what happens to it there, and none left behind."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import psutil
import pytest
from engines.chores import chore

from nnspark.engines import processes
from nnspark.engines.processes import Helpers, LostError, end_idle
from nnspark.errors import DivergedError
from nnspark.objective.metrics import METRICS


@pytest.fixture(autouse=True)
def _own_helpers():
    """No test begins with another's helpers, or leaves any."""
    end_idle()
    yield
    end_idle()


def started(count, state=(1, 2, 3)):
    """Helpers that hold three numbers, once they are ready."""
    helpers, deadline = Helpers(state, count), time.monotonic() + 60
    while not helpers.ready and time.monotonic() < deadline:
        time.sleep(0.02)
    return helpers


def gone(pid):
    """Whether there is no such process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def is_dead(pid):
    """Whether it has ended, whoever is to be told."""
    return gone(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_work_is_done_there_and_tells_on_the_way():
    """With the state; what it raises is raised here, and the helper does the next."""
    helpers, told = started(1), []
    found = helpers.work(chore, "return", told.append)
    assert found == (6, helpers.pids[0])
    assert told == [1, 2, 3]
    with pytest.raises(DivergedError, match="it diverged"):
        helpers.work(chore, "raise", told.append)
    with pytest.raises(LostError):
        helpers.work(chore, "raise what cannot be read", told.append)
    with pytest.raises(LostError):
        helpers.work(lambda state, value, tell: None, 0, told.append)
    assert helpers.work(chore, "return", told.append) == found
    helpers.close()
    end_idle()
    assert gone(helpers.pids[0])


def test_the_next_search_begins_with_those_at_rest_and_its_own_state():
    """They hold nothing meanwhile; one that was killed there is started anew; another path has its own."""
    first = started(2)
    first.close()
    again = started(2, [5])
    assert sorted(again.pids) == sorted(first.pids)
    assert again.work(chore, "return", lambda told: None)[0] == 5
    again.close()
    os.kill(first.pids[0], signal.SIGKILL)
    deadline = time.monotonic() + 30
    while not is_dead(first.pids[0]) and time.monotonic() < deadline:
        time.sleep(0.01)
    third = started(2)
    assert first.pids[1] in third.pids
    assert first.pids[0] not in third.pids
    assert {third.work(chore, "return", lambda told: None)[0] for _ in range(4)} == {6}
    third.close()
    sys.path.append("/nowhere")
    try:
        other = started(1)
        assert other.pids[0] not in third.pids
        other.close()
    finally:
        sys.path.remove("/nowhere")


def test_one_at_work_does_not_come_to_rest():
    """Nobody wants its work any more: it is ended; the one at rest is kept."""
    helpers, begun = started(2), threading.Event()
    at_work = []

    def work():
        with pytest.raises(LostError):
            helpers.work(chore, "linger", lambda told: (at_work.append(told), begun.set()))

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(30)
    helpers.close()
    thread.join(30)
    again = started(2)
    assert gone(at_work[0])
    assert len(set(again.pids) & set(helpers.pids)) == 1
    again.close()


def test_no_more_are_kept_than_there_are_cores(monkeypatch):
    """Of searches that went on side by side."""
    monkeypatch.setattr(processes, "cores", lambda: 1)
    helpers = started(2)
    helpers.close()
    again = started(2)
    assert len(set(again.pids) & set(helpers.pids)) == 1
    assert sum(map(gone, helpers.pids)) == 1
    again.close()


def test_those_at_rest_end_after_a_while(monkeypatch):
    """And what they held is gone at once."""
    monkeypatch.setattr(processes, "KEPT", 0.5)
    helpers = started(1)
    helpers.close()
    again = started(1, [])
    assert again.pids == helpers.pids
    again.close()
    deadline = time.monotonic() + 30
    while not gone(helpers.pids[0]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(helpers.pids[0])


def test_a_fork_leaves_them_to_the_process_that_forked():
    """Two processes that ask one helper would get each other's answers."""
    helpers = started(1)
    helpers.close()
    child = os.fork()
    if not child:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            others = processes._idle.take(1)
            gc.collect()
        os._exit(int(bool(others or said)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    again = started(1)
    assert again.pids == helpers.pids
    again.close()


def test_a_lost_helper_loses_its_work_alone():
    """Killed in the middle; when all are gone nobody waits for one."""
    helpers, first = started(2), []

    def kill(told):
        if not first:
            first.append(told)
            os.kill(told, signal.SIGKILL)

    with pytest.raises(LostError):
        helpers.work(chore, "linger", kill)
    assert helpers.ready
    assert helpers.work(chore, "return", lambda told: None)[0] == 6
    os.kill(next(pid for pid in helpers.pids if pid != first[0]), signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(LostError):
            helpers.work(chore, "return", lambda told: None)
    assert not helpers.ready
    helpers.close()


def test_closing_wakes_those_that_wait():
    """One that is at work and one that waits for the helper."""
    helpers, lost, begun = started(1), [], threading.Event()

    def work():
        try:
            helpers.work(chore, "linger", lambda told: begun.set())
        except LostError:
            lost.append(threading.current_thread())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for one in threads:
        one.start()
    assert begun.wait(30)
    helpers.close()
    for one in threads:
        one.join(30)
    assert sorted(map(id, lost)) == sorted(map(id, threads))
    assert gone(helpers.pids[0])  # it was at work


PARENT = """
import threading, time
from engines.chores import chore
from nnspark.engines.processes import Helpers

helpers = Helpers(None, 1)
while not helpers.ready:
    time.sleep(0.01)
threading.Thread(target=helpers.work, args=(chore, "linger", print), daemon=True).start()
print(*helpers.pids, flush=True)
time.sleep(60)
"""


def test_a_helper_ends_with_its_parent_in_the_middle_of_its_work():
    """Which it does not hear of before it has something to tell."""
    command = [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}\n{PARENT}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        time.sleep(0.3)
        parent.kill()
    until = time.monotonic() + 5
    while not gone(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert gone(pid)


def test_a_program_with_a_metric_of_its_own_has_no_helpers(monkeypatch):
    """A new Python would not know it."""
    monkeypatch.setitem(METRICS, "own", METRICS["accuracy"])
    helpers, deadline = Helpers([], 1), time.monotonic() + 60
    while not gone(helpers.pids[0]) and time.monotonic() < deadline:
        assert not helpers.ready
        time.sleep(0.02)
    assert gone(helpers.pids[0])
    helpers.close()
