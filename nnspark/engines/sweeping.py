"""Give back the disk that a data set took: on every executor, also when nobody closed it."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from nnspark.engines import executors, resident
from nnspark.engines.interrupts import shielded

if TYPE_CHECKING:
    from pyspark import SparkContext

__all__ = ["sweep_everywhere", "sweep_later"]

TRIES = 3


def sweep_everywhere(sc: "SparkContext", data_set: str) -> None:
    """Delete a data set's folders on every executor that lives.

    A task is asked for on each executor. One may run elsewhere all the same, so homes are counted. Where
    Spark has stopped, or stops at this moment, the folders go with its directories.
    """
    if sc._jsc is None:
        return
    worker = partial(_sweep, f"nnspark/{data_set}")
    with suppress(Exception), shielded(sc):
        for _ in range(TRIES):
            places: list[str | None] = [*sorted(executors.alive(sc))] or [None]
            tasks = executors.placed(sc, [(place, [place]) for place in places])
            if len(set(tasks.mapPartitions(worker).collect())) >= len(places):
                return


def sweep_later(sc: "SparkContext", data_set: str) -> None:
    """Release shards that nobody closed; not in the garbage collector's thread, which may be anyone's."""
    work = partial(sweep_everywhere, sc, data_set)
    threading.Thread(target=work, name="nnspark sweep", daemon=True).start()


def _sweep(folder: str, places: Iterator[Any]) -> Iterator[str]:
    """Worker function: delete a folder here, and say where this is."""
    list(places)
    resident.sweep([folder])
    yield resident.home()
