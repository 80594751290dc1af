"""Give back the disk that a data set took: on every executor, also when nobody closed it."""

import threading
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from nnspark import executors, resident

if TYPE_CHECKING:
    from pyspark import SparkContext

__all__ = ["sweep_everywhere", "sweep_later"]

TRIES = 3


def sweep_everywhere(sc: "SparkContext", data_set: str) -> None:
    """Delete a data set's folders on every executor that lives; nothing to do where Spark has stopped.

    A task is asked for on each executor. One may run elsewhere all the same, so homes are counted.
    """
    if sc._jsc is None:
        return
    worker = partial(_sweep, f"nnspark/{data_set}")
    for _ in range(TRIES):
        places: list[str | None] = [*sorted(executors.alive(sc))] or [None]
        reached = executors.placed(sc, [(place, [place]) for place in places]).mapPartitions(worker).collect()
        if len(set(reached)) >= len(places):
            return


def sweep_later(sc: "SparkContext", data_set: str) -> None:
    """Release shards that nobody closed; not in the garbage collector's thread, which may be anyone's."""

    def work() -> None:
        try:
            sweep_everywhere(sc, data_set)
        except Exception:  # Spark stops at this moment: its directories go with it
            return

    threading.Thread(target=work, name="nnspark sweep", daemon=True).start()


def _sweep(folder: str, places: Iterator[Any]) -> Iterator[str]:
    """Worker function: delete a folder here, and say where this is."""
    list(places)
    resident.sweep([folder])
    yield resident.home()
