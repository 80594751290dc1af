"""BLAS on one thread, wherever bits are promised: another number of threads can give other bits.

threadpoolctl does it, imported at the first use. An executor may lack it, and is refused then unless
OMP_NUM_THREADS is 1 there (``engines/settling.py``), which is what Spark sets while ``spark.task.cpus`` is 1.

Some builds of OpenBLAS keep the number for each thread of Python that has set one, others only one for the
process. Of several threads that train at once, each limits itself in the first case; in the second the last
to end sets it back.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

__all__ = ["cores", "one_blas_thread"]


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """A block in which BLAS has one thread in this thread of Python; then as many as before."""
    controller = _controller()
    if controller is None or getattr(_inside, "this_thread", False):
        yield
        return
    _inside.this_thread = True
    try:
        with controller.limit(limits=1) if _is_by_thread() else _shared.by_all(controller):
            yield
    finally:
        _inside.this_thread = False


class _Shared:
    """One limit for all who are inside."""

    def __init__(self) -> None:
        self._lock, self._inside, self._limits = threading.Lock(), 0, None

    @contextmanager
    def by_all(self, controller: Any) -> Iterator[None]:
        """Limited by the first to come, set back by the last to leave."""
        with self._lock:
            if not self._inside:
                self._limits = controller.limit(limits=1)
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    limits: Any = self._limits
                    limits.restore_original_limits()


_shared, _inside = _Shared(), threading.local()


@cache
def _controller() -> Any:
    """What knows the process's BLAS: looked up once, which takes 0.2 ms, a limit 0.01."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController().select(user_api="blas")


@cache
def _is_by_thread() -> bool:
    """Whether the limit that one thread has set stays when another thread sets another."""
    controller = _controller()
    limited, changed = threading.Event(), threading.Event()
    stays: list[bool] = []

    def stay_limited() -> None:
        with controller.limit(limits=1):
            limited.set()
            changed.wait()
            stays.append(all(library.num_threads == 1 for library in controller.lib_controllers))

    other = threading.Thread(target=stay_limited, daemon=True)
    other.start()
    limited.wait()
    with controller.limit(limits=2):
        changed.set()
        other.join()
    return stays[0]
