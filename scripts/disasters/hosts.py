"""What happens to the network between hosts while they train: cut, slow, lossy, a host gone for good."""

import os
import random
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import hosts as network

from disasters.cluster import TRAIN, Cluster
from disasters.drivers import in_peace
from disasters.runs import (
    EPOCHS,
    Outcome,
    as_parquet,
    compare,
    epochs_of,
    history_of,
    settings_of,
    wait_until,
)

__all__ = ["TROUBLES", "HostsCluster", "Trouble", "disturb_hosts", "trouble"]

WORKERS = 3
MASTER, A_WORKER, LAST_WORKER, DRIVER = 0, 1, WORKERS, WORKERS + 1  # hosts
SECONDS = 1200  # a run at most
BEFORE = 10  # epochs before a link is cut
# Rows and tasks are on every host: there are blocks for all, and the driver waits for all executors.
BLOCKS = "training.block_rows=128"
EVERYWHERE = {"spark.cores.max": WORKERS, "spark.scheduler.minRegisteredResourcesRatio": "1.0",
              "spark.scheduler.maxRegisteredResourcesWaitingTime": "120s"}  # fmt: skip
IN_HASTE = {"spark.network.timeout": "30s", "spark.network.timeoutInterval": "10s",
            "spark.executor.heartbeatInterval": "5s"}  # fmt: skip


class Trouble(NamedTuple):
    """Delay each way in seconds and a share of lost frames, all along; hosts cut off after ``BEFORE`` epochs.

    They are cut off for so many seconds, 0 is for good; an epoch has to have waited ``felt`` seconds at
    least, or the run says nothing. ``settings`` are Spark's.
    """

    delay: float = 0.0
    loss: float = 0.0
    cut: tuple[int, ...] = ()
    seconds: float = 0.0
    felt: float = 0.0
    settings: Mapping[str, str] = MappingProxyType({})


TROUBLES = {
    "three hosts in peace": Trouble(),
    "a worker's link cut for 5 s": Trouble(cut=(A_WORKER,), seconds=5, felt=4),
    "a worker's link cut for 40 s": Trouble(cut=(A_WORKER,), seconds=40, felt=35),
    "the driver's link cut for 40 s": Trouble(cut=(DRIVER,), seconds=40, felt=35),
    "the master's link cut for 40 s": Trouble(cut=(MASTER,), seconds=40),
    "1 ms each way": Trouble(delay=0.001),
    "10 ms each way": Trouble(delay=0.01),
    "1 % of frames lost": Trouble(loss=0.01),
    "a host gone, missed after 30 s": Trouble(cut=(LAST_WORKER,), felt=15, settings=IN_HASTE),
    "a host gone for good": Trouble(cut=(LAST_WORKER,), felt=60),
}


class HostsCluster(Cluster):
    """A master, three workers and the driver, each on a host of its own; all ends with this process."""

    def __enter__(self) -> "HostsCluster":
        sizes = ("--cores", "1", "--memory", "1g")
        self.call("up", "--hosts", str(WORKERS), "--owner", str(os.getpid()), *sizes)
        return self

    def disturb(self, what: Trouble, *, cut: bool) -> None:
        """Have the wire do this, with or without its cut."""
        network.disturb(self.state, delay=what.delay, loss=what.loss, cut=what.cut if cut else ())

    def is_idle(self) -> bool:
        """Whether the master knows all workers to be alive and without work."""
        return self.call("status").count("  ALIVE  cores 0/1") == WORKERS


def trouble(cluster: HostsCluster, folder: Path, name: str, method: str = "gd") -> Outcome:
    """A run from Parquet files with one of the troubles: what is wrong in the end, and the epochs' times."""
    what, more = TROUBLES[name], (*as_parquet(folder), BLOCKS)
    peace = in_peace(method, folder, *more)
    out = Path(tempfile.mkdtemp(dir=folder)) / "run"
    log = out.with_name("log")
    wait_until(cluster.is_idle)
    cluster.disturb(what, cut=False)
    settings = {**EVERYWHERE, **what.settings}
    options = [part for key, value in settings.items() for part in ("--conf", f"{key}={value}")]
    process = cluster.submit(out, log, settings_of(method, *more), job=(*options, *TRAIN))
    try:
        if what.cut:
            wait_until(lambda: epochs_of(out) >= BEFORE or process.poll() is not None, SECONDS)
            cluster.disturb(what, cut=True)
        if what.seconds:
            time.sleep(what.seconds)
            cluster.disturb(what, cut=False)
        code = process.wait(SECONDS)
    finally:
        cluster.disturb(Trouble(), cut=False)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    where = f"{method} on Parquet, {WORKERS} hosts"
    if code:
        return Outcome(name, where, 1, [log.read_text()[-3000:]])
    history = history_of(out)
    lost = EPOCHS - len({row["epoch"] for row in history})
    times = [row["seconds"] for row in history]
    took = f"median {1000 * statistics.median(times):.0f} ms, longest {max(times):.1f} s"
    problems = compare(out, peace)
    if max(times) < what.felt:
        problems.append("no epoch felt it")
    return Outcome(name, where, 1, problems, f"{len(history)} epochs, {lost} lost; {took}")


def disturb_hosts(folder: Path, rng: random.Random, faults: int) -> Iterator[Outcome]:
    """Each trouble once; the host that is gone comes last."""
    if network.why_not():
        yield Outcome("network between hosts", f"{WORKERS} hosts", 0, [], f"not tried: {network.why_not()}")
        return
    with HostsCluster(folder) as cluster:
        for name in TROUBLES:
            yield trouble(cluster, folder, name)
