"""The engine without Spark: all blocks in this process, shared out to threads as Spark does to tasks."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from nnspark.data.dataset import Dataset
from nnspark.data.plan import Plan
from nnspark.data.rows import BlockSet, Span, rows_by_part
from nnspark.engines.base import Function, Sum
from nnspark.engines.bins import place_of
from nnspark.engines.conservation import check_laid_out
from nnspark.engines.platforms import platform
from nnspark.engines.resident import Handle
from nnspark.engines.threads import sum_over
from nnspark.net.blas import cores

__all__ = ["LocalShards"]

THREAD_BYTES = 4 << 20  # of features; less is sooner done than shared out


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
        found = sum_over(
            function,
            [[share] for share in self.blocks],
            self.blocks if self._pool is None else [self._whole],
            value,
            rows=self.plan.block_rows,
            pool=self._pool,
        )
        return zero().merge(found)  # type: ignore[no-any-return]

    def close(self) -> None:
        """Let the threads go."""
        if self._pool is not None:
            self._pool.shutdown(wait=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *about: object) -> None:
        self.close()


def shared_out(plan: Plan, blocks: BlockSet, threads: int) -> list[BlockSet]:
    """The blocks in as many sets as threads, or fewer, by the rule that shares them out to tasks; views."""
    groups: list[list[Span]] = [[] for _ in range(threads)]
    for span in blocks.spans:
        groups[place_of(plan, span.part, span.number, threads, 1)].append(span)
    shares = [BlockSet(blocks.X, blocks.y, blocks.weight, tuple(spans)) for spans in groups if spans]
    return shares or [blocks]
