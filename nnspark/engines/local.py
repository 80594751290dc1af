"""The engine without Spark: all blocks in this process, shared out to threads as Spark shares them to tasks.

NumPy lets other threads run while it computes, and sums are exact, so that any number of threads gives the
same bits; each has one BLAS thread, as a worker has. Where a network is so small that a block is sooner
computed than the interpreter's lock changes hands, threads would wait for it: one does all blocks then.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from typing import Any, Self

from nnspark.data.dataset import Dataset
from nnspark.data.plan import Plan
from nnspark.data.rows import BlockSet, Span, rows_by_part
from nnspark.engines.base import Function, Sum
from nnspark.engines.bins import place_of
from nnspark.engines.conservation import check_laid_out
from nnspark.engines.platforms import platform
from nnspark.engines.resident import Handle
from nnspark.net.blas import cores, one_blas_thread

__all__ = ["LocalShards"]

THREAD_BYTES = 4 << 20  # of features; less is sooner done than shared out
# Rows of a block times bytes of weights. The speed of two threads over that of one, at 1,024 rows: 0.45 at
# 4 MB (50-20-2), 0.8 at 22 (100-50-10), 1.0 to 1.2 at 17 and 41, 1.5 at 45 and 82.
SHARED_BYTES = 32 << 20


class LocalShards:
    """All blocks in this process: the engine without Spark.

    Parameters
    ----------
    threads : that compute, at most; 0 for as many as there are cores. A thread is worth ``THREAD_BYTES``.
    """

    def __init__(self, dataset: Dataset, threads: int = 0) -> None:
        self.plan, self._whole = dataset.plan, dataset.blocks
        self.platforms = {platform()}
        whole = Handle("", 0, "", rows_by_part(dataset.blocks.spans))
        check_laid_out(self.plan, [whole], "the plan and the blocks")
        self.most = threads or cores()
        self.blocks = shared_out(
            self.plan, dataset.blocks, max(1, min(self.most, dataset.blocks.X.nbytes // THREAD_BYTES))
        )
        self._pool = ThreadPoolExecutor(len(self.blocks), "nnspark blocks") if len(self.blocks) > 1 else None

    def run(self, function: Function[Sum], value: Any, zero: Callable[[], Sum]) -> Sum:
        """``function(blocks, value)``, merged into zero."""

        def of(blocks: BlockSet) -> Sum:
            with one_blas_thread():
                return function([blocks], value)

        shared = self.plan.block_rows * largest(value) >= SHARED_BYTES
        alone = self.blocks if self._pool is None else [self._whole]
        found = self._pool.map(of, self.blocks) if self._pool and shared else map(of, alone)
        total: Sum = reduce(_merged, found, zero())
        return total

    def close(self) -> None:
        """Let the threads go."""
        if self._pool is not None:
            self._pool.shutdown(wait=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *about: object) -> None:
        self.close()


def largest(value: Any) -> int:
    """Bytes of the largest array in a value of ``run``: of a network's weights, of one of many networks."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return max(map(largest, value), default=0)
    return int(getattr(value, "nbytes", 0))


def shared_out(plan: Plan, blocks: BlockSet, threads: int) -> list[BlockSet]:
    """The blocks in as many sets as threads, or fewer, by the rule that shares them out to tasks; views."""
    groups: list[list[Span]] = [[] for _ in range(threads)]
    for span in blocks.spans:
        groups[place_of(plan, span.part, span.number, threads, 1)].append(span)
    shares = [BlockSet(blocks.X, blocks.y, blocks.weight, tuple(spans)) for spans in groups if spans]
    return shares or [blocks]


def _merged(total: Any, found: Any) -> Any:
    return total.merge(found)
