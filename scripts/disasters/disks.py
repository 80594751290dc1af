"""Disks that lose a bit, and disks that fill."""

import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from disasters.drivers import driver, in_peace, run
from disasters.runs import Outcome, compare, saved_epoch

__all__ = ["fill_the_disk", "flip_bits"]


def flip_bits(folder: Path, rng: random.Random, faults: int) -> Iterator[Outcome]:
    """Flip a bit of the newest checkpoint of a killed run: the one before it is used, and that is said."""
    peace, problems = in_peace("lbfgs", folder), []
    times = max(1, faults // 4)
    for fault in range(times):
        out, log = folder / f"flip-{fault}", folder / f"flip-{fault}.log"
        run(driver, "lbfgs", out, log, moment="just renamed", saves=rng.randint(2, 6))
        path = max((out / "checkpoints").glob("epoch-*.ckpt"))
        content = bytearray(path.read_bytes())
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        problems += [log.read_text()[-500:]] if run(driver, "lbfgs", out, log) else compare(out, peace)
        if f"checkpoint {path} is damaged" not in log.read_text():
            problems.append("the damage was not told")
    yield Outcome("a bit of a checkpoint flipped", "lbfgs", times, problems)


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
            code = run(driver_on_a_full_disk, disk, folder / "log", first, first + 15)
            said = (folder / "log").read_text()
            problems = [said[-500:]] if code else compare(disk / "run", peace)
    except OSError as error:
        yield Outcome("disk full", "gd", 0, [], f"not tried: {error}")
        return
    if "training goes on" not in said:
        problems.append("the full disk was not told")
    notes = f"{said.count('could not be written')} warnings"
    yield Outcome("disk full", "gd", 1, problems, notes)


def driver_on_a_full_disk(disk: Path, log: Path, first: int, last: int) -> None:
    """A driver that fills its disk after one epoch and gives the room back after another."""
    from nnspark.runs.directory import RunDirectory

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
