"""Train while things break, and compare with a run in peace.

Every fault's run has to end with the weights, history and metrics of the run that was left alone. Drivers
without Spark are processes forked from one that has imported everything, so that many can be killed.
"""

import argparse
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil

ROOT = Path(__file__).resolve().parents[1]
RECIPE = ROOT / "conf/digits.toml"
CHECKPOINT_EVERY = 3
EPOCHS = 40
COMMON = (f"training.epochs={EPOCHS}", f"checkpoint.every={CHECKPOINT_EVERY}", "report.html=false")
METHODS = {
    "gd": (),
    "adam": ('training.optimizer="adam"', "training.learning_rate=0.01"),
    "lbfgs": ('training.optimizer="lbfgs"',),
    "rounds": (
        *('training.optimizer="adam"', "training.learning_rate=0.01"),
        *("rounds.batch_size=32", "rounds.replicas=4"),
    ),
}
MOMENTS = ("half written", "not yet renamed", "just renamed")


class Outcome(NamedTuple):
    """One row of the table."""

    fault: str
    where: str
    times: int
    problems: list[str]
    notes: str = ""


def main() -> int:
    """Print the table; 0 if every run ended as in peace."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--faults", type=int, default=20, help="driver kills a method; half as many of executors"
    )
    parser.add_argument("--only", choices=SCENARIOS, action="append", help="leave out the others")
    args = parser.parse_args()
    print(f"seed {args.seed}\n{'fault':34} {'method, engine':28} {'times':>5}  outcome", flush=True)
    good = True
    for name in args.only or SCENARIOS:
        with tempfile.TemporaryDirectory(prefix="nnspark-chaos-") as folder:
            for outcome in SCENARIOS[name](Path(folder), random.Random(f"{args.seed} {name}"), args.faults):
                good &= not outcome.problems
                result = "; ".join(outcome.problems) or "the same weights, history and metrics"
                notes = f" ({outcome.notes})" if outcome.notes else ""
                print(f"{outcome.fault:34} {outcome.where:28} {outcome.times:5}  {result}{notes}", flush=True)
    return 0 if good else 1


def compare(run: Path, peace: Path) -> list[str]:
    """What differs between two run directories, but for time and place."""
    problems = []
    history = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    if [row["epoch"] for row in history] != list(range(1, len(history) + 1)):
        problems.append(f"epochs {[row['epoch'] for row in history]}")
    expected = [json.loads(line) for line in (peace / "history.jsonl").read_text().splitlines()]
    if [timeless(row) for row in history] != [timeless(row) for row in expected]:
        problems.append(f"another history ({len(history)} and {len(expected)} lines)")
    metrics, wanted = (json.loads((folder / "metrics.json").read_text()) for folder in (run, peace))
    if timeless(metrics) != timeless(wanted):
        problems.append(
            f"other metrics ({metrics['weights_sha256'][:8]}, not {wanted['weights_sha256'][:8]})"
        )
    return problems


def timeless(row: dict[str, Any]) -> dict[str, Any]:
    """Without what may differ between two runs of one recipe."""
    return {key: value for key, value in row.items() if "seconds" not in key and key != "spark"}


def epochs_of(run: Path) -> int:
    """Whole lines of a run's history so far."""
    path = run / "history.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def saved_epoch(run: Path) -> int:
    """The epoch of the newest checkpoint."""
    return max((int(path.stem[6:]) for path in (run / "checkpoints").glob("epoch-*.ckpt")), default=0)


# Drivers without Spark.


def driver(
    method: str, out: Path, log: Path, *, moment: str = "", saves: int = 1, resume: bool = True
) -> None:
    """The process of a driver: train, and die at a moment of the so-many-th checkpoint write, if told to."""
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    from nnspark import recipe, run

    if moment:
        die_in_a_checkpoint(moment, saves)
    overrides = (*COMMON, *METHODS[method], 'training.engine="local"')
    run.run(recipe.read(str(RECIPE), overrides), str(out), title="chaos", resume=resume)


def die_in_a_checkpoint(moment: str, saves: int) -> None:
    """Have this process kill itself inside a checkpoint write."""
    real_fsync, real_open, left = os.fsync, Path.open, [saves]

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def fsync(descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        left[0] -= ".ckpt." in path
        if left[0] <= 0 and ".ckpt." in path and moment == "not yet renamed":
            die()
        if left[0] <= 0 and path.endswith("checkpoints") and moment == "just renamed":
            die()
        real_fsync(descriptor)

    def half(path: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
        file = real_open(path, mode, *args, **options)
        if left[0] <= 1 and "w" in mode and ".ckpt." in path.name and moment == "half written":
            file.write(b"x" * 5000)
            file.flush()
            die()
        return file

    os.fsync, Path.open = fsync, half  # type: ignore[assignment,method-assign]


def forks() -> Any:
    """Processes forked from one that has imported what a driver needs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["nnspark.run", "nnspark.optimizers", "sklearn.datasets", "safetensors.numpy"]
    )
    return context


def in_peace(method: str, folder: Path) -> Path:
    """The run directory of an undisturbed run, which is made once."""
    out = folder / f"peace-{method}"
    if not (out / "metrics.json").exists():
        process = forks().Process(target=driver, args=(method, out, folder / "log"), kwargs={"resume": False})
        process.start()
        process.join()
        if process.exitcode:
            raise RuntimeError((folder / "log").read_text())
    return out


def kill_drivers(folder: Path, rng: random.Random, faults: int) -> Iterator[Outcome]:
    """SIGKILL drivers at random moments, every fourth inside a checkpoint write; resume each time."""
    for method in METHODS:
        peace, out, log = in_peace(method, folder), folder / method, folder / f"{method}.log"
        hit, written, recomputed, with_spark = 0, 0, 0, 0
        last = len((peace / "history.jsonl").read_text().splitlines())
        for fault in range(faults):
            # The moments are spread over the run; the later ones find it further on.
            target = 1 + (last - 2) * (fault + rng.random()) / faults
            before = epochs_of(out)
            inside = fault % 4 == 3
            if not inside and faults >= 10 and fault % 7 == 0:
                kill_spark_driver(method, out, log, int(target), rng)
                with_spark += 1
                hit += 1
            else:
                moment = rng.choice(MOMENTS) if inside else ""
                options = {"moment": moment, "resume": True}
                process = forks().Process(target=driver, args=(method, out, log), kwargs=options)
                process.start()
                wait_until(lambda: epochs_of(out) >= target or not process.is_alive())  # noqa: B023
                if not inside:
                    time.sleep(rng.random() * 0.01)
                    process.kill()
                process.join()
                hit += process.exitcode == -signal.SIGKILL
                written += inside and process.exitcode == -signal.SIGKILL
            recomputed = max(recomputed, epochs_of(out) - saved_epoch(out))
            if epochs_of(out) < before - CHECKPOINT_EVERY:
                raise RuntimeError(f"{method} went from epoch {before} to {epochs_of(out)}")
            if (out / "metrics.json").exists():
                (out / "metrics.json").unlink()
        process = forks().Process(target=driver, args=(method, out, log))
        process.start()
        process.join()
        problems = [log.read_text()[-500:]] if process.exitcode else compare(out, peace)
        if recomputed > CHECKPOINT_EVERY:
            problems.append(f"{recomputed} epochs were to be computed again")
        kinds = f"{hit} hit, {written} in a checkpoint write, {with_spark} with Spark"
        notes = f"{kinds}; at most {recomputed} epochs again"
        yield Outcome("driver killed, then --resume", method, faults, problems, notes)


# Drivers with Spark on this machine.


def spark_driver(method: str, out: str, log: Path, partitions: int, *options: str) -> subprocess.Popen[bytes]:
    """A driver under spark-submit, in a process group of its own."""
    settings = (*COMMON, *METHODS[method], f"spark.partitions={partitions}")
    command = [
        *(Path(os.environ["SPARK_HOME"], "bin/spark-submit"), "--master", "local[2]"),
        *("--properties-file", ROOT / "conf/spark-local.conf", ROOT / "jobs/train.py", RECIPE, "--out", out),
        *(part for setting in settings for part in ("--set", setting)),
        *options,
    ]
    with log.open("ab") as file:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )


def kill_spark_driver(method: str, out: Path, log: Path, target: int, rng: random.Random) -> None:
    """Go on with a run under Spark on a random number of partitions; SIGKILL Python and JVM at an epoch."""
    process = spark_driver(method, str(out), log, rng.randint(1, 5), "--resume")
    wait_until(lambda: epochs_of(out) >= target or process.poll() is not None)
    time.sleep(rng.random() * 0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def use_a_uri(folder: Path, rng: random.Random, faults: int) -> Iterator[Outcome]:
    """A run directory named as file: URI, through the Hadoop client; driver killed, resumed."""
    peace, out, log = in_peace("adam", folder), folder / "uri", folder / "uri.log"
    process = spark_driver("adam", out.as_uri(), log, 3)
    wait_until(lambda: saved_epoch(out) >= rng.randint(6, 30) or process.poll() is not None)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    went_on = spark_driver("adam", out.as_uri(), log, 2, "--resume").wait()
    problems = [log.read_text()[-500:]] if went_on else compare(out, peace)
    resumed = re.findall("resuming after epoch [0-9]+", log.read_text())
    yield Outcome("driver killed, RUN_DIR a file: URI", "adam, local[2]", 1, problems, "".join(resumed))


# Disks.


def flip_bytes(folder: Path, rng: random.Random, faults: int) -> Iterator[Outcome]:
    """Flip a bit of the newest checkpoint of a killed run: the one before it is used, and that is said."""
    peace, problems = in_peace("lbfgs", folder), []
    for fault in range(max(1, faults // 4)):
        out, log = folder / f"flip-{fault}", folder / f"flip-{fault}.log"
        options = {"moment": "just renamed", "saves": rng.randint(2, 6)}
        process = forks().Process(target=driver, args=("lbfgs", out, log), kwargs=options)
        process.start()
        process.join()
        path = max((out / "checkpoints").glob("epoch-*.ckpt"))
        content = bytearray(path.read_bytes())
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        process = forks().Process(target=driver, args=("lbfgs", out, log))
        process.start()
        process.join()
        problems += [log.read_text()[-500:]] if process.exitcode else compare(out, peace)
        if f"checkpoint {path} is damaged" not in log.read_text():
            problems.append("the damage was not told")
    yield Outcome("a bit of a checkpoint flipped", "lbfgs", max(1, faults // 4), problems)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of half a megabyte; OSError where one cannot be had, which takes root."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "nnspark-chaos", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        raise OSError("cannot mount a small file system here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill_the_disk(folder: Path, rng: random.Random, faults: int) -> Iterator[Outcome]:
    """Let the disk be full from one epoch to another: the run goes on, says so, and ends well."""
    peace = in_peace("gd", folder)
    try:
        with small_disk(folder) as disk:
            first = rng.randint(5, 15)
            process = forks().Process(
                target=driver_on_a_full_disk, args=(disk, folder / "log", first, first + 15)
            )
            process.start()
            process.join()
            said = (folder / "log").read_text()
            problems = [said[-500:]] if process.exitcode else compare(disk / "run", peace)
    except OSError as error:
        yield Outcome("disk full", "gd", 0, [], f"not tried: {error}")
        return
    if "training goes on" not in said:
        problems.append("the full disk was not told")
    notes = f"{said.count('could not be written')} warnings"
    yield Outcome("disk full", "gd", 1, problems, notes)


def driver_on_a_full_disk(disk: Path, log: Path, first: int, last: int) -> None:
    """A driver that fills its disk after one epoch and gives the room back after another."""
    from nnspark.rundir import RunDirectory

    real = RunDirectory.__call__
    kept = [0]

    def call(self: RunDirectory, epoch: Any) -> None:
        if epoch.row["epoch"] == first:
            kept[0] = saved_epoch(disk / "run")
            fill(disk / "filler")
        if epoch.row["epoch"] == last:
            assert saved_epoch(disk / "run") == kept[0], "a checkpoint was written on a full disk"
            (disk / "filler").unlink()
        real(self, epoch)

    RunDirectory.__call__ = call  # type: ignore[method-assign]
    driver("gd", disk / "run", log, resume=False)


def fill(path: Path) -> None:
    """Write until there is no room for another byte."""
    with path.open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                pass


# The standalone cluster of scripts/cluster.


class Cluster:
    """A cluster of two workers in a folder, whose nodes have a Python without NumPy."""

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
        keep = {key: os.environ[key] for key in ("JAVA_HOME", "LANG", "TMPDIR") if key in os.environ}
        self.environment = {**keep, **clean, "CLUSTER_STATE": str(self.state)}

    def __enter__(self) -> "Cluster":
        self.call("up", "--workers", "2", "--cores", "1", "--memory", "1g")
        return self

    def __exit__(self, *error: object) -> None:
        self.call("down")

    def call(self, *arguments: str) -> str:
        """scripts/cluster with these arguments; its standard output."""
        command = [ROOT / "scripts/cluster", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        return done.stdout

    def submit(self, method: str, out: Path, log: Path, *options: str) -> subprocess.Popen[bytes]:
        """Start a training job."""
        settings = [part for setting in (*COMMON, *METHODS[method]) for part in ("--set", setting)]
        command = [ROOT / "scripts/cluster", "submit", ROOT / "jobs/train.py", RECIPE, "--out", out]
        with log.open("ab") as file:
            return subprocess.Popen(
                [*command, *settings, *options],
                env=self.environment,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def executors(self) -> list[psutil.Process]:
        """The JVMs of this cluster's executors."""
        workers = [p["pid"] for p in json.loads((self.state / "processes.json").read_text())["processes"]]
        found = []
        for pid in workers:
            for child in psutil.Process(pid).children():
                try:
                    if "CoarseGrainedExecutorBackend" in " ".join(child.cmdline()):
                        found.append(child)
                except psutil.Error:
                    continue
        return found

    def local_directories(self) -> list[Path]:
        """What the executors have on their local disks."""
        return list(self.state.glob("worker-*/local/*"))


def disturb(
    cluster: Cluster,
    folder: Path,
    rng: random.Random,
    times: int,
    fault: Callable[[Cluster, random.Random], None],
) -> list[str]:
    """A run on the cluster with a fault at random moments of random epochs; what is wrong in the end."""
    out, log = Path(tempfile.mkdtemp(dir=folder)) / "run", folder / "cluster.log"
    process = cluster.submit("gd", out, log)
    try:
        for epoch in sorted(rng.sample(range(1, EPOCHS - 1), times)):
            wait_until(lambda: epochs_of(out) >= epoch or process.poll() is not None)  # noqa: B023
            time.sleep(rng.random() * 0.1)
            fault(cluster, rng)
        code = process.wait(600)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return [log.read_text()[-3000:]] if code else compare(out, in_peace("gd", folder))


def kill_an_executor(cluster: Cluster, rng: random.Random) -> None:
    """SIGKILL one; waits for one to be there."""
    wait_until(lambda: bool(cluster.executors()))
    rng.choice(cluster.executors()).kill()


def wipe_local_directories(cluster: Cluster, rng: random.Random) -> None:
    """Delete all that the executors keep on disk."""
    for path in cluster.local_directories():
        shutil.rmtree(path, ignore_errors=True)


def kill_executors(folder: Path, rng: random.Random, faults: int) -> Iterator[Outcome]:
    """Executors killed at random moments of a 40-epoch run on a cluster of bare Pythons."""
    times = max(1, faults // 2)
    with Cluster(folder) as cluster:
        problems = disturb(cluster, folder, rng, times, kill_an_executor)
    yield Outcome("executor killed", "gd, standalone cluster", times, problems)


def wipe_disks(folder: Path, rng: random.Random, faults: int) -> Iterator[Outcome]:
    """All local directories of all executors deleted mid-run."""
    with Cluster(folder) as cluster:
        problems = disturb(cluster, folder, rng, max(1, faults // 10), wipe_local_directories)
    yield Outcome("all local directories deleted", "gd, standalone cluster", max(1, faults // 10), problems)


def wait_until(condition: Callable[[], bool], seconds: float = 300) -> None:
    """Look every two milliseconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("nothing happened")
        time.sleep(0.002)


SCENARIOS: dict[str, Callable[[Path, random.Random, int], Iterator[Outcome]]] = {
    "drivers": kill_drivers,
    "bits": flip_bytes,
    "disk": fill_the_disk,
    "uri": use_a_uri,
    "executors": kill_executors,
    "wipe": wipe_disks,
}

if __name__ == "__main__":
    sys.exit(main())
