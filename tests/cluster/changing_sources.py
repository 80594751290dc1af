"""Run as a program: FOLDER; each source that changes, an executor killed in mid-run, on ``local-cluster``.

Prints a JSON line a case: how it ended, "the right bits", or the one line it was refused with.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from cluster.train_at_size import open_session
from spark.test_changing_sources import CASES, ROWS, expected_of, write
from spark.training import Outcome, outcome, recipe_of

from nnspark.engines.frames import build
from nnspark.errors import NNSparkError
from nnspark.training.state import Epoch

EXECUTOR = "org.apache.spark.executor.CoarseGrainedExecutorBackend"


def main() -> None:
    """One session, one case after another."""
    folder = Path(sys.argv[1])
    session = open_session("local-cluster[2,1,1024]")
    for number, (case, (make, change)) in enumerate(CASES.items()):
        rows = folder / str(number)
        for seed, name in enumerate("ac"):  # two files: both executors hold some of what is shuffled
            write(rows, seed=seed, name=name, rows=450)
        recipe = recipe_of(f"data.path={rows}", text=ROWS)
        df = make(session, rows)
        expected = expected_of(recipe, df, case)
        ended = trained(df, recipe, expected, lambda change=change, rows=rows: change(session, rows))
        print(json.dumps({"case": case, **ended}), flush=True)
    session.stop()


def trained(df: Any, recipe: Any, expected: Outcome | None, change: Callable[[], None]) -> dict[str, Any]:
    """How a training ends whose source changes, and which then loses an executor, after its first epoch."""
    killed: list[int] = []

    def fault(epoch: Epoch) -> None:
        if epoch.progress.epoch == 1:
            change()
            killed.append(kill_an_executor())

    try:
        found = outcome(recipe, build.frame_shards(df, recipe), callbacks=[fault])
    except NNSparkError as error:
        return {"killed": killed, "message": str(error)}
    return {"killed": killed, "right": expected is None or found == expected}


def kill_an_executor() -> int:
    """Kill the executor that has lived longest, with its Python workers, and wait until it is gone."""
    children = psutil.Process().children(recursive=True)
    oldest = min(filter(is_executor, children), key=psutil.Process.create_time)
    family = [oldest, *oldest.children(recursive=True)]
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=30)
    return oldest.pid


def is_executor(process: psutil.Process) -> bool:
    """Whether a process is an executor that lives; of one that is gone nothing can be read."""
    try:
        return EXECUTOR in process.cmdline()
    except psutil.Error:
        return False


if __name__ == "__main__":
    main()
