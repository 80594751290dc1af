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
    killed: list[str] = []
    shards = build.frame_shards(df, recipe)

    def fault(epoch: Epoch) -> None:
        if epoch.progress.epoch == 1:
            change()
            killed.append(kill_who_holds_both(shards))

    try:
        found = outcome(recipe, shards, callbacks=[fault])
    except NNSparkError as error:
        return {"killed": killed, "message": str(error)}
    return {"killed": killed, "right": expected is None or found == expected}


def kill_who_holds_both(shards: Any) -> str:
    """Kill an executor that holds shards and some of what they were shuffled from; its number.

    Its shards have to be built again, and their source read again. Its Python workers go with it.
    """
    holders = with_shards(shards) & with_shuffle_output(shards.context)
    victim = min(holders)
    children = psutil.Process().children(recursive=True)
    (executor,) = (child for child in children if number_of(child) == victim)
    family = [executor, *executor.children(recursive=True)]
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=30)
    return victim


def with_shards(shards: Any) -> set[str]:
    """Numbers of the executors in whose directories there are shards."""
    held = {handle.home for handle in shards.handles}
    executors = filter(number_of, psutil.Process().children(recursive=True))
    return {
        number_of(executor)
        for executor in executors
        if any(home_of(worker) in held for worker in executor.children(recursive=True))
    }


def with_shuffle_output(sc: Any) -> set[str]:
    """Numbers of the executors that hold what some map task of the last shuffle has written."""
    tracker = sc._jvm.org.apache.spark.SparkEnv.get().mapOutputTracker()
    statuses = tracker.shuffleStatuses()
    last = statuses.apply(max(int(key) for key in ints(statuses.keys().toSeq())))
    return {status.location().executorId() for status in last.mapStatuses() if status is not None}


def ints(numbers: Any) -> list[int]:
    """A Scala sequence's numbers."""
    return [numbers.apply(at) for at in range(numbers.size())]


def number_of(process: psutil.Process) -> str:
    """An executor's number; empty for other processes, and for those that are gone."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return ""
    return words[words.index("--executor-id") + 1] if EXECUTOR in words else ""


def home_of(process: psutil.Process) -> str:
    """The local directories of the executor that a Python process works for."""
    try:
        return process.environ().get("SPARK_LOCAL_DIRS", "")
    except psutil.Error:
        return ""


if __name__ == "__main__":
    main()
