"""What happens to HDFS, YARN and its containers while they train.

Rows and run directory are on hdfs://. In cluster mode the driver is in a container too, and dies with it;
YARN starts it again, and since it was submitted with ``--resume`` it goes on from its checkpoint by itself.
"""

import random
import subprocess
import time
import urllib.error
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from disasters.drivers import in_peace
from disasters.hadoop import Hadoop
from disasters.pausing_train import MOMENTS
from disasters.runs import Outcome, as_parquet, compare, settings_of, wait_until
from disasters.webhdfs import WebHdfs

__all__ = ["MOMENTS", "Hadoop", "kill_a_container", "kill_application_masters", "kill_the_application_master",
           "lose_a_data_node", "lose_a_node", "lose_data_nodes", "lose_nodes", "restart_the_name_node",
           "restart_the_name_node_in_a_checkpoint", "train"]  # fmt: skip

SECONDS = 1800  # a run at most
LOOK = 0.05  # seconds between two looks into HDFS


def kill_the_application_master(hadoop: Hadoop, rng: random.Random) -> None:
    """SIGKILL its JVM; in cluster mode that is the driver's."""
    wait_until(lambda: bool(hadoop.containers("deploy.yarn.ApplicationMaster")))
    rng.choice(hadoop.containers("deploy.yarn.ApplicationMaster")).kill()


def kill_a_container(hadoop: Hadoop, rng: random.Random) -> None:
    """SIGKILL an executor's JVM."""
    wait_until(lambda: bool(hadoop.containers("YarnCoarseGrainedExecutorBackend")))
    rng.choice(hadoop.containers("YarnCoarseGrainedExecutorBackend")).kill()


def lose_a_node(hadoop: Hadoop, rng: random.Random) -> None:
    """SIGKILL a NodeManager and its containers, be the driver among them or not; start it again."""
    hadoop.call("restart", rng.choice(hadoop.daemons("nodemanager")))


def lose_a_data_node(hadoop: Hadoop, rng: random.Random) -> None:
    """SIGKILL a DataNode that is not the last; it stays away."""
    hadoop.call("kill", "datanode-0")


def restart_the_name_node(hadoop: Hadoop, rng: random.Random) -> None:
    """SIGKILL it and start it again."""
    hadoop.call("restart", "namenode")


Fault = Callable[[Hadoop, random.Random], None]


def train(
    hadoop: Hadoop, folder: Path, *, faults: Sequence[Fault] = (), rng: random.Random, mode: str = "cluster",
    moment: str = "", method: str = "gd",
) -> tuple[list[str], str]:  # fmt: skip
    """A run on YARN with faults at random moments, or all at one of a checkpoint's write: problems, notes."""
    rows = as_parquet(folder)
    peace = in_peace(method, folder, *rows)
    name = f"run-{rng.getrandbits(32):08x}"
    out, log, marks = f"/runs/{name}", folder / f"{name}.log", folder / f"{name}-marks"
    marks.mkdir()
    pausing = (marks, moment) if moment else ()
    attempts, hit = len(faults) + 1, 0
    process = hadoop.run(
        f"hdfs://{out}", log, settings_of(method, *rows), mode=mode, attempts=attempts, pausing=pausing
    )
    saved = sorted(rng.sample(range(2, 12), len(faults)))
    try:
        for checkpoint, fault in zip(saved, faults, strict=True):
            if moment:
                wait_until(lambda: (marks / "writing").exists() or process.poll() is not None, SECONDS)
            else:
                wait_for_checkpoint(hadoop, out, 3 * checkpoint, process)
            if process.poll() is None:
                fault(hadoop, rng)
                hit += 1
            (marks / "go").touch()
        code = process.wait(SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
    if code:
        return [log.read_text()[-3000:]], ""
    wait_until(lambda: bool(names_in(hadoop.files, out)))
    problems = compare(hadoop.copy(out, folder / name), peace)
    if hit < len(faults):
        problems.append(f"only {hit} of {len(faults)} faults came in time")
    return problems, ""


def wait_for_checkpoint(hadoop: Hadoop, out: str, epoch: int, process: subprocess.Popen[bytes]) -> None:
    """Until the checkpoint of an epoch, or a later one, is in HDFS, or the run has ended."""
    until = time.monotonic() + SECONDS
    while process.poll() is None:
        saved = [name for name in names_in(hadoop.files, f"{out}/checkpoints") if name.endswith(".ckpt")]
        if any(int(name[6:14]) >= epoch for name in saved):
            return
        if time.monotonic() > until:
            raise TimeoutError(f"no checkpoint of epoch {epoch} in {SECONDS} s")
        time.sleep(LOOK)


def names_in(files: WebHdfs, path: str) -> list[str]:
    """Names in a folder; none while the NameNode is away."""
    try:
        return files.names(path)
    except (urllib.error.URLError, OSError):
        return []


def scenario(
    fault: str,
    run: Callable[[Hadoop, Path, random.Random, int], tuple[list[str], str]],
    most: int,
    where: str,
) -> Callable[[Path, random.Random, int], Iterator[Outcome]]:
    """A scenario on a Hadoop of its own, so many times at most."""

    def outcomes(folder: Path, rng: random.Random, faults: int) -> Iterator[Outcome]:
        times = min(most, max(1, faults // 4))
        with Hadoop(folder) as hadoop:
            yield Outcome(fault, where, times, *run(hadoop, folder, rng, times))

    return outcomes


def repeated(fault: Fault) -> Callable[[Hadoop, Path, random.Random, int], tuple[list[str], str]]:
    """One run with the fault so many times."""

    def run(hadoop: Hadoop, folder: Path, rng: random.Random, times: int) -> tuple[list[str], str]:
        return train(hadoop, folder, faults=[fault] * times, rng=rng)

    return run


def in_checkpoints(hadoop: Hadoop, folder: Path, rng: random.Random, times: int) -> tuple[list[str], str]:
    """A run for each moment of a checkpoint's write, the NameNode restarted in it."""
    problems = []
    for moment in MOMENTS[:times]:
        found, _ = train(hadoop, folder, faults=[restart_the_name_node], rng=rng, moment=moment)
        problems += [f"{moment}: {problem}" for problem in found]
    return problems, ", ".join(MOMENTS[:times])


CLUSTER = "gd on Parquet, YARN cluster mode"
lose_nodes = scenario("NodeManager and containers killed", repeated(lose_a_node), 5, CLUSTER)
kill_application_masters = scenario(
    "ApplicationMaster killed", repeated(kill_the_application_master), 3, CLUSTER
)
lose_data_nodes = scenario("DataNode killed", repeated(lose_a_data_node), 1, CLUSTER)
restart_the_name_node_in_a_checkpoint = scenario(
    "NameNode restarted in a checkpoint", in_checkpoints, 3, CLUSTER
)
