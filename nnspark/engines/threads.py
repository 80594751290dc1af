"""Threads over blocks: the cores that one process may use, of the engine without Spark or of a task of Spark.

    shares of the blocks --a thread each, with one BLAS thread--> sums --merged, in the shares' order--> a sum

NumPy lets other threads run while it computes, and sums are exact, so that any number of threads gives the
same bits. One gradient, one copy of the weights and one mapping of the shards do for all. Where a network is
so small that a block is sooner computed than the interpreter's lock changes hands, threads would wait for it:
one does all blocks then.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, reduce
from typing import Any

from nnspark.data.rows import BlockSet
from nnspark.engines.base import Function, Sum
from nnspark.net.blas import one_blas_thread

__all__ = ["sum_over", "threads_of_tasks"]

# Rows of a block times bytes of weights. The speed of two threads over that of one, at 1,024 rows: 0.45 at
# 4 MB (50-20-2), 0.8 at 22 (100-50-10), 1.0 to 1.2 at 17 and 41, 1.5 at 45 and 82.
SHARED_BYTES = 32 << 20
Sets = Iterable[BlockSet]


def sum_over(
    function: Function[Sum],
    shares: Sequence[Sets],
    whole: Sets,
    value: Any,
    *,
    rows: int,
    pool: ThreadPoolExecutor | None,
) -> Sum:
    """``function(blocks, value)``, merged: of all ``shares`` side by side, or of the ``whole`` by one thread.

    Parameters
    ----------
    shares : at least one; together they are the whole.
    rows : of the largest block, about.
    pool : the threads; None to share nothing out.
    """

    def of(sets: Sets) -> Sum:
        with one_blas_thread():
            return function(sets, value)

    if pool is None or len(shares) < 2 or rows * largest(value) < SHARED_BYTES:
        return of(whole)
    return reduce(_merged, pool.map(of, shares))


@cache
def threads_of_tasks(count: int) -> ThreadPoolExecutor:
    """The threads of a worker process's tasks, kept from one to the next, and with them their workspaces."""
    return ThreadPoolExecutor(count, "nnspark blocks")


def largest(value: Any) -> int:
    """Bytes of the largest array in a value of ``run``: of a network's weights, of one of many networks."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return max(map(largest, value), default=0)
    return int(getattr(value, "nbytes", 0))


def _merged(total: Any, found: Any) -> Any:
    return total.merge(found)
