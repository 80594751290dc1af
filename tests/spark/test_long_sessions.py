"""A session that trains for a long time gives back what each training took, however it ended."""

import gc
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from spark.training import recipe_of, without_spark

from nnspark.engines import resident
from nnspark.errors import CheckpointError, DataError, DivergedError
from nnspark.runs.data import load_shards
from nnspark.runs.directory import RunDirectory
from nnspark.runs.run import run

PLAIN = ("training.epochs=2", "report.html=false")


class RefusedError(RuntimeError):
    """What a callback raises."""


def folders(spark: Any) -> list[str]:
    """Shard folders in the executors' directories."""

    def found(_: Any) -> Iterator[str]:
        for root in resident.local_roots():
            yield from map(str, root.glob("nnspark/*/*"))

    return spark.sparkContext.parallelize([0], 1).mapPartitions(found).collect()


def kept_by_spark(spark: Any) -> tuple[int, int]:
    """Persisted RDDs, and broadcast files in the driver's directory."""
    sc = spark.sparkContext
    return len(sc._jsc.getPersistentRDDs()), len(list(Path(sc._temp_dir).rglob("*")))


def worker_state(spark: Any) -> tuple[int, int]:
    """Descriptors and resident MB of the largest Python worker."""

    def state(_: Any) -> Iterator[tuple[int, int]]:
        status = Path("/proc/self/status").read_text().split()
        yield len(os.listdir("/proc/self/fd")), int(status[status.index("VmRSS:") + 1]) >> 10

    states = spark.sparkContext.parallelize(range(2), 2).mapPartitions(state).collect()
    return max(one[0] for one in states), max(one[1] for one in states)


def good(out: Path) -> None:
    """A training as it should be."""
    run(recipe_of(*PLAIN), str(out), title="good")


def diverged(out: Path) -> None:
    """The cost is not finite any more."""
    with pytest.raises(DivergedError):
        run(
            recipe_of(*PLAIN, 'network.output="identity"', 'network.loss="squared_error"',
                      "network.activation=identity", "training.learning_rate=1e200", 'data.scale="none"'),
            str(out), title="diverged",
        )  # fmt: skip


def refused(out: Path) -> None:
    """A resume with another recipe."""
    good(out)
    with pytest.raises(CheckpointError, match=r"training\.seed"):
        run(recipe_of(*PLAIN, "training.seed=7"), str(out), title="refused", resume=True)


def bad_data(out: Path) -> None:
    """Found while the rows are surveyed."""
    with pytest.raises(DataError):
        run(recipe_of(*PLAIN, 'data.source="parquet"', "data.path=/nothing/there"), str(out), title="bad")


def failing_callback(out: Path) -> None:
    """Something else goes wrong after an epoch."""
    plain = RunDirectory.__call__

    def failing(self: RunDirectory, epoch: Any) -> None:
        plain(self, epoch)
        raise RefusedError

    RunDirectory.__call__ = failing  # type: ignore[method-assign]
    try:
        with pytest.raises(RefusedError):
            run(recipe_of(*PLAIN), str(out), title="callback")
    finally:
        RunDirectory.__call__ = plain  # type: ignore[method-assign]


WAYS: tuple[Callable[[Path], None], ...] = (good, diverged, refused, bad_data, failing_callback)


@pytest.mark.parametrize(
    "at_once", [pytest.param(1, marks=pytest.mark.slow), 2], ids=["one after the other", "two at once"]
)
def test_twenty_trainings_leave_nothing_behind(spark: Any, tmp_path: Path, at_once: int) -> None:
    """Good and bad by turns: no folder, no persisted RDD, no broadcast file, no growth of the workers."""
    rounds = 4 // at_once
    for way in WAYS:
        way(tmp_path / f"first-{way.__name__}")
    before, state_before = kept_by_spark(spark), worker_state(spark)
    assert folders(spark) == []
    for number in range(rounds):
        for way in WAYS:
            if way is failing_callback and at_once > 1:
                continue  # it changes a class that both use
            outs = [tmp_path / f"{number}-{at}-{way.__name__}" for at in range(at_once)]
            with_threads([partial(way, out) for out in outs])
    good(
        tmp_path / "last"
    )  # a worker lets go of closed shards where it maps the next: of two data sets, of one
    assert folders(spark) == []
    assert kept_by_spark(spark) == before
    descriptors, megabytes = worker_state(spark)
    assert descriptors <= state_before[0] + 2
    assert megabytes <= state_before[1] + 30


def with_threads(works: list[Callable[[], None]]) -> None:
    """All at once; raises what one of them raised."""
    from pyspark.util import InheritableThread

    failures: list[BaseException] = []

    def body(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [InheritableThread(target=body, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_two_trainings_at_once_give_their_own_weights(spark: Any, tmp_path: Path) -> None:
    """Each that of its own recipe."""
    options = [(*PLAIN, f"training.seed={seed}") for seed in (1, 2)]
    expected = [without_spark(recipe_of(*one)).sha256 for one in options]
    outs = [tmp_path / str(at) for at in range(2)]
    with_threads([partial(run, recipe_of(*options[at]), str(outs[at]), title="t") for at in range(2)])
    found = [json.loads((out / "metrics.json").read_text())["weights_sha256"] for out in outs]
    assert found == expected


def test_shards_that_nobody_closes_go_with_their_object(spark: Any) -> None:
    """Forgotten in a notebook's cell."""
    shards = load_shards(recipe_of(*PLAIN), spark)
    assert folders(spark)
    del shards
    gc.collect()
    deadline = time.monotonic() + 20
    while folders(spark) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert folders(spark) == []


# At moments that are named: tests/spark/test_notebook.py.
@pytest.mark.parametrize("seconds", [*(pytest.param(s, marks=pytest.mark.slow) for s in (0.2, 0.7)), 1.5])
def test_an_interrupt_leaves_the_session_usable(spark: Any, tmp_path: Path, seconds: float) -> None:
    """Ctrl-C in whatever the driver does then; the next cell trains, and goes on to the same bits."""
    out = tmp_path / "run"
    forever = recipe_of("training.epochs=1000000", "report.html=false")
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run(forever, str(out), title="interrupted")
    assert folders(spark) == []
    done = json.loads((out / "metrics.json").read_text())["epochs"] if out.exists() else 0
    epochs = done + 3
    recipe = recipe_of(f"training.epochs={epochs}", "report.html=false")
    run(recipe, str(out), title="resumed", resume=True)
    found = json.loads((out / "metrics.json").read_text())
    assert (found["epochs"], found["weights_sha256"]) == (epochs, without_spark(recipe).sha256)
