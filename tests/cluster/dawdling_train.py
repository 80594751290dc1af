"""Run as a job: jobs/train.py with a first attempt of one task that dawdles, once.

    dawdling_train.py MARKS ARGUMENTS-OF-TRAIN...

In the folder MARKS, which all hosts see, an attempt that computes leaves "<stage>-<partition>-<attempt>",
and the one that dawdles "slept-<stage>-<partition>" before.
"""

import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "jobs"))
import train

from nnspark.runs.command import run_job
from nnspark.training import cost

SECONDS = 30.0


def dawdle(marks: Path, *args: Any) -> Any:
    """Worker function: the totals of one partition's blocks, late if this is the first attempt ever."""
    from pyspark import TaskContext

    from nnspark.training.cost import _totals

    context = TaskContext.get()
    assert context is not None
    partition, attempt = context.partitionId(), context.attemptNumber()
    if partition == 0 and attempt == 0 and not list(marks.glob("slept-*")):
        (marks / f"slept-{context.stageId()}-{partition}").touch()
        time.sleep(SECONDS)
    (marks / f"{context.stageId()}-{partition}-{attempt}").touch()
    return _totals(*args)


if __name__ == "__main__":
    cost._totals = partial(dawdle, Path(sys.argv.pop(1)))
    run_job(train.main)
