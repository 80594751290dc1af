"""PySpark's worker processes in local mode: one that is killed is replaced, and none speaks at the end."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from nnspark.engines.session import defaults, with_attempts

ROOT = Path(__file__).parents[2]

KILLED = """
import os, signal
from pyspark import TaskContext
from nnspark.runs.command import run_job
from nnspark.engines.session import open_session

def square(x):
    if TaskContext.get().attemptNumber() == 0 and x == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return x * x

def main(arguments):
    print(open_session("killed").sparkContext.parallelize(range(4), 2).map(square).sum())

run_job(main)
"""

QUIET = """
import os, signal, sys
from nnspark.runs.command import run_job
from nnspark.engines.session import open_session

def main(arguments):
    folder = arguments[0]
    def listen(x):
        sys.stderr = open(os.path.join(folder, str(os.getpid())), "w", buffering=1)
        return os.getppid()
    (daemon,) = set(open_session("quiet").sparkContext.parallelize(range(4), 2).map(listen).collect())
    os.kill(daemon, signal.SIGSTOP)  # too slow to end its workers
    print(daemon)

run_job(main)
"""


def run(program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end."""
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_a_python_worker_that_is_killed_in_local_mode_is_replaced() -> None:
    """As on a cluster: the session's own master and conf/spark-local.conf give a task four attempts."""
    done = run(KILLED)
    assert done.stdout == "14\n"
    assert "Python worker exited unexpectedly" in done.stderr  # what can be acted on passes
    settings = [line.split() for line in (ROOT / "conf/spark-local.conf").read_text().splitlines()]
    assert ["spark.master", "local[*,4]"] in settings


@pytest.mark.parametrize(
    ("master", "expected"),
    [("local", "local[1,4]"), ("local[*]", "local[*,4]"), ("local[2]", "local[2,4]")]
    + [(master, master) for master in ("local[2,1]", "local[*,7]", "local-cluster[2,1,1024]", "yarn", "")],
)
def test_attempts_that_were_asked_for_are_left_alone(master: str, expected: str) -> None:
    """Local masters without a number get one."""
    assert with_attempts(master) == expected


def test_on_yarn_sockets_have_a_short_path() -> None:
    """Spark puts 43 characters behind it and allows 104; a container's temporary folder has about 107."""
    folder = "spark.python.unix.domain.socket.dir"
    assert 0 < len(defaults("yarn")[folder]) <= 104 - 43
    assert folder not in defaults("spark://host:7077")
    settings = [line.split() for line in (ROOT / "conf/spark-yarn.conf").read_text().splitlines()]
    assert [folder, defaults("yarn")[folder]] in settings


def test_workers_say_nothing_when_a_job_has_succeeded(tmp_path: Path) -> None:
    """Even if their daemon does not come to ending them before Spark closes their sockets."""
    done = run(QUIET, str(tmp_path))
    with suppress(ProcessLookupError):
        os.kill(int(done.stdout), signal.SIGKILL)
    said = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert said
    assert set(said.values()) == {""}
    assert "Traceback" not in done.stderr
