"""BLAS on one thread, wherever bits are promised: another number of threads can give other bits.

threadpoolctl does it, imported at the first use. An executor may lack it; there Spark sets OMP_NUM_THREADS to
``spark.task.cpus``, which is 1 unless set otherwise.
"""

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

__all__ = ["one_blas_thread"]


def one_blas_thread() -> AbstractContextManager[Any]:
    """A block in which BLAS has one thread in this thread of Python; then as many as before."""
    controller = _controller()
    limits: AbstractContextManager[Any] = nullcontext() if controller is None else controller.limit(limits=1)
    return limits


@cache
def _controller() -> Any:
    """What knows the process's BLAS: looked up once, which takes 0.2 ms, a limit 0.01."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
