"""Drivers without Spark: forks of a process that has imported everything, so that many can be killed."""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from disasters.runs import (
    CHECKPOINT_EVERY,
    METHODS,
    RECIPE,
    Outcome,
    compare,
    epochs_of,
    saved_epoch,
    settings_of,
    wait_until,
)

__all__ = ["MOMENTS", "die_in_a_checkpoint", "driver", "in_peace", "kill_drivers", "run"]

MOMENTS = ("half written", "not yet renamed", "just renamed")


def driver(
    method: str,
    out: Path,
    log: Path,
    *,
    moment: str = "",
    saves: int = 1,
    resume: bool = True,
    more: tuple[str, ...] = (),
) -> None:
    """The process of a driver: train, and die at a moment of the so-many-th checkpoint write, if told to."""
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    from nnspark import recipe
    from nnspark.runs.run import run as train

    if moment:
        die_in_a_checkpoint(moment, saves)
    overrides = settings_of(method, 'training.engine="local"', *more)
    train(recipe.read(str(RECIPE), overrides), str(out), title="chaos", resume=resume)


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


def start(target: Callable[..., None], *args: Any, **options: Any) -> Any:
    """Start a function in a process of its own."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["nnspark.runs.run", "nnspark.optimizers", "sklearn.datasets", "safetensors.numpy"]
    )
    process = context.Process(target=target, args=args, kwargs=options)
    process.start()
    return process


def run(target: Callable[..., None], *args: Any, **options: Any) -> Any:
    """Run a function in a process of its own to its end; the exit code."""
    process = start(target, *args, **options)
    process.join()
    return process.exitcode


def in_peace(method: str, folder: Path, *more: str) -> Path:
    """The run directory of an undisturbed run, which is made once."""
    out = folder / "-".join(["peace", method, *(["more"] if more else [])])
    done = (out / "metrics.json").exists()
    if not done and run(driver, method, out, folder / "log", resume=False, more=more):
        raise RuntimeError((folder / "log").read_text())
    return out


def kill_drivers(folder: Path, rng: random.Random, faults: int) -> Iterator[Outcome]:
    """SIGKILL drivers at random moments, every fourth inside a checkpoint write; resume each time."""
    for method in METHODS:
        peace, out, log = in_peace(method, folder), folder / method, folder / f"{method}.log"
        hit, written, recomputed = 0, 0, 0
        last = epochs_of(peace)
        for fault in range(faults):
            # The moments are spread over the run; the later ones find it further on.
            target = 1 + (last - 2) * (fault + rng.random()) / faults
            inside = fault % 4 == 3
            process = start(driver, method, out, log, moment=rng.choice(MOMENTS) if inside else "")
            wait_until(lambda: epochs_of(out) >= target or not process.is_alive())  # noqa: B023
            if not inside:
                time.sleep(rng.random() * 0.01)
                process.kill()
            process.join()
            killed = process.exitcode == -signal.SIGKILL
            hit, written = hit + killed, written + (inside and killed)
            recomputed = max(recomputed, epochs_of(out) - saved_epoch(out))
            (out / "metrics.json").unlink(missing_ok=True)
        problems = [log.read_text()[-500:]] if run(driver, method, out, log) else compare(out, peace)
        if recomputed > CHECKPOINT_EVERY:
            problems.append(f"{recomputed} epochs were to be computed again")
        notes = f"{hit} hit, {written} in a checkpoint write; at most {recomputed} epochs again"
        yield Outcome("driver killed, then --resume", f"{method}, without Spark", faults, problems, notes)
