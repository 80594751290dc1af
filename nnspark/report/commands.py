"""The command lines that a page shows: those of the way in which its run was started."""

import os
import shlex
import sys
from pathlib import Path

__all__ = ["command_for"]

JOBS = ("train", "sweep", "evaluate", "predict")
RUNNER = "NNSPARK_RUN"
"""Where ``scripts/run`` says how it was called."""


def command_for(what: str) -> str:
    """How to train, sweep, evaluate or predict from here.

    A job of spark-submit's names the jobs beside it, ``scripts/run`` itself, all else ``nnspark``.
    """
    runner = os.environ.get(RUNNER)
    if runner:
        return shlex.quote(runner) if what == "train" else f"nnspark {what}"
    script = Path(next(iter(sys.argv), ""))
    if "PYSPARK_GATEWAY_PORT" in os.environ and script.suffix == ".py" and script.stem in JOBS:
        folder = script.parent if script.parent.name == "jobs" else Path("jobs")
        return f"spark-submit {shlex.quote(str(folder / f'{what}.py'))}"
    return f"nnspark {what}"
