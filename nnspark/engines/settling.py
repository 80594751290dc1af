"""What a worker process of PySpark is told first: one BLAS thread, little garbage, a quiet end."""

import gc
import os
import sys
import traceback
from typing import Any

from nnspark.errors import NNSparkError

__all__ = ["settle_task", "settle_worker"]

LOOSE, MOST_TIMES = 10_000, 4
"""Objects that are worth setting aside, and how often that is done in a process."""

_settled = False
_times = 0


def settle_worker() -> None:
    """Once per worker process: one BLAS thread, no garbage collection of what is there to stay, a quiet end.

    PySpark's daemon collects garbage after every task, and the next task of the process waits for it: 25 ms
    over the 45,000 objects of the imported modules, 0.1 ms once they are set aside, which is done again where
    many more have come (pandas, which PySpark imports after a process's first task). One BLAS thread whatever
    the environment says, because another number of threads gives other bits.
    """
    global _settled
    _set_aside()
    if not _settled:
        try:
            from threadpoolctl import threadpool_limits
        except ImportError:
            _refuse_threads_of_blas()
        else:
            threadpool_limits(1)
        _end_quietly()
        _settled = True


def _refuse_threads_of_blas() -> None:
    """NNSparkError where BLAS may have several threads and nothing here can tell it to have one.

    Spark sets the variable to ``spark.task.cpus``, which is 1 unless set otherwise.
    """
    threads = os.environ.get("OMP_NUM_THREADS", "1")
    if threads != "1":
        raise NNSparkError(
            f"this executor's BLAS has {threads} threads, which gives other bits, and no threadpoolctl to "
            "change that: install threadpoolctl on the executors, or set spark.executorEnv.OMP_NUM_THREADS=1"
        )


def settle_task() -> None:
    """``settle_worker`` where this is a task of Spark; worker functions are called in other processes too."""
    contexts = sys.modules.get("pyspark.taskcontext")
    if contexts is not None and contexts.TaskContext.get() is not None:
        settle_worker()


def _set_aside() -> None:
    """Have the collector look at none of the objects that are there now, if they are many.

    A few times only: cycles among them are never collected.
    """
    global _times
    if _times < MOST_TIMES and len(gc.get_objects()) > LOOSE:
        gc.collect()
        gc.freeze()
        _times += 1


def _end_quietly() -> None:
    """Say nothing when Spark ends this worker after an idle minute.

    Spark closes the worker's socket, to which PySpark then writes that there is nothing to read any more. Its
    daemon prints the stack of what fails at that, last thing before the process ends; in local mode that is
    the user's console.
    """
    print_any = traceback.print_exc

    def print_others(*arguments: Any, **named: Any) -> None:
        if not isinstance(sys.exc_info()[1], BrokenPipeError):
            print_any(*arguments, **named)

    traceback.print_exc = print_others
