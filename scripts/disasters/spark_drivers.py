"""Drivers under spark-submit: killed with their JVM, resumed on other numbers of partitions."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from disasters.drivers import MOMENTS, die_in_a_checkpoint, in_peace
from disasters.runs import (
    CHECKPOINT_EVERY,
    METHODS,
    RECIPE,
    ROOT,
    Outcome,
    compare,
    epochs_of,
    saved_epoch,
    settings_of,
    wait_until,
)

__all__ = ["kill_spark_drivers", "use_a_uri"]

MOST_PARTITIONS = 7


def submit(
    method: str, out: str, log: Path, partitions: int, *options: str, moment: str = ""
) -> subprocess.Popen[bytes]:
    """A driver under spark-submit, in a process group of its own; it dies at a moment, if told to."""
    settings = settings_of(method, f"spark.partitions={partitions}")
    job = [ROOT / "jobs/train.py"] if not moment else [Path(__file__), moment]
    command = [
        *(Path(os.environ["SPARK_HOME"], "bin/spark-submit"), "--master", "local[2]"),
        *("--properties-file", ROOT / "conf/spark-local.conf", *job, RECIPE, "--out", out),
        *(part for setting in settings for part in ("--set", setting)),
        *options,
    ]
    path = os.pathsep.join(filter(None, [str(ROOT / "scripts"), str(ROOT), os.environ.get("PYTHONPATH")]))
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": path},
        )


def kill_spark_drivers(
    folder: Path, rng: random.Random, faults: int, methods: Iterable[str] = METHODS
) -> Iterator[Outcome]:
    """SIGKILL, one time in four inside a checkpoint write; each resume has another number of partitions."""
    for method in methods:
        peace, out, log = in_peace(method, folder), folder / method, folder / f"{method}.log"
        written, recomputed, partitions, used = 0, 0, 0, []
        last = epochs_of(peace)
        for fault in range(faults):
            target = 1 + (last - 2) * (fault + rng.random()) / faults
            moment = rng.choice(MOMENTS) if fault % 4 == 0 else ""
            partitions = another(partitions, rng)
            used.append(partitions)
            process = submit(method, str(out), log, partitions, "--resume", moment=moment)
            wait_until(lambda: epochs_of(out) >= target or process.poll() is not None)  # noqa: B023
            if moment:
                process.wait()
                written += not (out / "metrics.json").exists()
            else:
                time.sleep(rng.random() * 0.05)
                with suppress(ProcessLookupError):  # it may have ended by itself, with its last epoch
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            recomputed = max(recomputed, epochs_of(out) - saved_epoch(out))
            (out / "metrics.json").unlink(missing_ok=True)
        code = submit(method, str(out), log, another(partitions, rng), "--resume").wait()
        problems = [log.read_text()[-500:]] if code else compare(out, peace)
        if recomputed > CHECKPOINT_EVERY:
            problems.append(f"{recomputed} epochs were to be computed again")
        notes = f"{written} in a checkpoint write; at most {recomputed} epochs again; partitions {used}"
        yield Outcome("driver killed, then --resume", f"{method}, local[2]", faults, problems, notes)


def another(partitions: int, rng: random.Random) -> int:
    """A number of partitions other than this one."""
    return rng.choice([count for count in range(1, MOST_PARTITIONS + 1) if count != partitions])


def use_a_uri(folder: Path, rng: random.Random, faults: int) -> Iterator[Outcome]:
    """A run directory named as file: URI, through the Hadoop client; driver killed, resumed."""
    peace, out, log = in_peace("adam", folder), folder / "uri", folder / "uri.log"
    process = submit("adam", out.as_uri(), log, 3)
    target = rng.randint(6, 30)
    wait_until(lambda: saved_epoch(out) >= target or process.poll() is not None)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    went_on = submit("adam", out.as_uri(), log, 2, "--resume").wait()
    problems = [log.read_text()[-500:]] if went_on else compare(out, peace)
    resumed = re.findall("resuming after epoch [0-9]+", log.read_text())
    yield Outcome("driver killed, RUN_DIR a file: URI", "adam, local[2]", 1, problems, "".join(resumed))


if __name__ == "__main__":  # the driver of ``submit`` that is to die in a checkpoint write
    import runpy

    moment_to_die, *sys.argv[1:] = sys.argv[1:]
    die_in_a_checkpoint(moment_to_die, 1)
    runpy.run_path(str(ROOT / "jobs/train.py"), run_name="__main__")
