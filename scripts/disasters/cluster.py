"""The standalone cluster of scripts/cluster, and what happens to its executors while they train.

(Above 200 lines: the cluster and all that is done to it are one class.)
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from glob import escape, glob
from pathlib import Path

import psutil

from disasters.disk_use import DiskUse
from disasters.drivers import in_peace
from disasters.runs import (
    RECIPE,
    ROOT,
    Outcome,
    as_parquet,
    compare,
    epochs_of,
    settings_of,
    wait_until,
)

__all__ = ["TRAIN", "Cluster", "disturb", "kill_a_python_worker", "kill_an_executor", "kill_executors",
           "kill_python_workers", "restart_a_worker", "restart_workers", "wipe_disks",
           "wipe_local_directories"]  # fmt: skip


# The folder of settings too: where it is that of the tests, the JVMs share class data (tests/class_data.py).
KEPT = ("JAVA_HOME", "LANG", "TMPDIR", "SPARK_CONF_DIR", "SPARK_SUBMIT_OPTS", "SPARK_DAEMON_JAVA_OPTS")
TRAIN = (ROOT / "jobs/train.py",)


class Cluster:
    """A cluster of two workers in a folder, whose nodes have a Python without NumPy."""

    program = ROOT / "scripts/cluster"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        bare = folder / "bare"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
        find = "[name for name in ('numpy', 'nnspark', 'pyarrow') if importlib.util.find_spec(name)]"
        ask = ["python3", "-c", f"import importlib.util; print({find})"]
        clean = {"PATH": f"{bare}/bin:/usr/bin:/bin", "HOME": str(folder)}
        found = subprocess.check_output(ask, cwd=folder, env=clean, text=True)
        if found != "[]\n":
            raise RuntimeError(f"the nodes' Python has {found}")
        keep = {key: os.environ[key] for key in KEPT if key in os.environ}
        self.environment = {**keep, **clean, "CLUSTER_STATE": str(self.state)}

    def __enter__(self) -> "Cluster":
        self.call("up", "--workers", "2", "--cores", "1", "--memory", "1g")
        return self

    def __exit__(self, *error: object) -> None:
        self.call("down")

    def call(self, *arguments: str) -> str:
        """The program with these arguments; its standard output."""
        command = [self.program, *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        return done.stdout

    def submit(
        self, out: Path, log: Path, settings: list[str], *, job: tuple[str | Path, ...] = TRAIN
    ) -> subprocess.Popen[bytes]:
        """Start a training job; ``job`` is the program, after options and before arguments of its own."""
        of_executors = f"spark.executor.extraJavaOptions={self.environment.get('SPARK_SUBMIT_OPTS', '')}"
        command = [self.program, "submit", "--conf", of_executors, *job, RECIPE, "--out", out]
        return self.start(command, log, settings)

    def start(
        self, command: Sequence[str | Path], log: Path, settings: Sequence[str]
    ) -> subprocess.Popen[bytes]:
        """Start a command, with these settings of the recipe at its end, that prints to ``log``."""
        with log.open("ab") as file:
            return subprocess.Popen(
                [*command, *(part for setting in settings for part in ("--set", setting))],
                env=self.environment,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def workers(self) -> list[str]:
        """Names of the standalone workers."""
        return [str(one["name"]) for one in self._started() if one["role"] == "worker.Worker"]

    def executors(self) -> list[psutil.Process]:
        """The JVMs of this cluster's executors."""
        return [
            child
            for one in self._started()
            for child in children(one["pid"])
            if "CoarseGrainedExecutorBackend" in command_of(child)
        ]

    def python_workers(self) -> list[psutil.Process]:
        """The Python processes that executors run tasks in: what their daemons have forked."""
        return [
            worker
            for executor in self.executors()
            for daemon in children(executor.pid)
            for worker in children(daemon.pid)
            if "pyspark.daemon" in command_of(worker)
        ]

    def local_directories(self) -> list[Path]:
        """What the executors have on their local disks; a directory that goes meanwhile is passed over."""
        return [Path(place) for place in glob(f"{escape(str(self.state))}/worker-*/local/*")]

    def _started(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads((self.state / "processes.json").read_text())["processes"]
        return found


def children(pid: object) -> list[psutil.Process]:
    """A process's children; none of one that is gone."""
    try:
        return psutil.Process(pid).children()
    except psutil.Error:
        return []


def command_of(process: psutil.Process) -> str:
    """Its command line; empty if it is gone."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def kill_an_executor(cluster: Cluster, rng: random.Random) -> None:
    """SIGKILL one; waits for one to be there."""
    wait_until(lambda: bool(cluster.executors()))
    rng.choice(cluster.executors()).kill()


def kill_a_python_worker(cluster: Cluster, rng: random.Random) -> None:
    """SIGKILL one, as the kernel does where memory runs out."""
    wait_until(lambda: bool(cluster.python_workers()))
    rng.choice(cluster.python_workers()).kill()


def restart_a_worker(cluster: Cluster, rng: random.Random) -> None:
    """SIGKILL a standalone worker, whose executor goes with it, and start it again."""
    cluster.call("restart", rng.choice(cluster.workers()))


def wipe_local_directories(cluster: Cluster, rng: random.Random) -> None:
    """Delete all that the executors keep on disk."""
    for path in cluster.local_directories():
        shutil.rmtree(path, ignore_errors=True)


def disturb(
    cluster: Cluster,
    folder: Path,
    rng: random.Random,
    faults: Sequence[Callable[[Cluster, random.Random], None]],
    *,
    method: str = "gd",
    more: tuple[str, ...] = (),
) -> tuple[list[str], str]:
    """A run on the cluster with faults at random moments: what is wrong in the end, and notes."""
    peace = in_peace(method, folder, *more)
    out, log = Path(tempfile.mkdtemp(dir=folder)) / "run", folder / "cluster.log"
    process = cluster.submit(out, log, settings_of(method, *more))
    try:
        epochs = sorted(rng.sample(range(2, epochs_of(peace) - 1), len(faults)))
        with DiskUse(cluster.local_directories, lambda: epochs_of(out) >= 1) as disk_use:
            for epoch, fault in zip(epochs, faults, strict=True):
                wait_until(lambda: epochs_of(out) >= epoch or process.poll() is not None)  # noqa: B023
                time.sleep(rng.random() * 0.1)
                if process.poll() is None:
                    fault(cluster, rng)
            code = process.wait(600)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return [log.read_text()[-3000:]] if code else compare(out, peace), str(disk_use)


def disturbances(
    name: str, fault: Callable[[Cluster, random.Random], None], divided_by: int, cases: tuple[str, ...]
) -> Callable[[Path, random.Random, int], Iterator[Outcome]]:
    """A scenario: the fault at random moments of one run of each case, on one cluster.

    A case is a method, or a method and " on Parquet" for rows that come through a shuffle.
    """

    def scenario(folder: Path, rng: random.Random, faults: int) -> Iterator[Outcome]:
        times = max(1, faults // divided_by)
        with Cluster(folder) as cluster:
            for case in cases:
                method, _, parquet = case.partition(" on ")
                more = tuple(as_parquet(folder)) if parquet else ()
                problems, notes = disturb(cluster, folder, rng, [fault] * times, method=method, more=more)
                yield Outcome(name, f"{case}, standalone cluster", times, problems, notes)

    return scenario


kill_executors = disturbances("executor killed", kill_an_executor, 2, ("gd", "adam on Parquet"))
kill_executors_of_others = disturbances(
    "executor killed", kill_an_executor, 4, ("lbfgs", "rounds on Parquet")
)
wipe_disks = disturbances(
    "all local directories deleted", wipe_local_directories, 10, ("gd", "adam on Parquet")
)
kill_python_workers = disturbances(
    "Python worker killed", kill_a_python_worker, 2, ("adam on Parquet", "rounds")
)
restart_workers = disturbances("worker killed and started again", restart_a_worker, 7, ("gd on Parquet",))
