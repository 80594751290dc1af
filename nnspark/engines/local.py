"""The engine without Spark: all blocks in this process."""

from collections.abc import Callable
from typing import Any, Self

from nnspark.data.dataset import Dataset
from nnspark.data.rows import rows_by_part
from nnspark.engines.base import Function, Sum
from nnspark.engines.conservation import check_laid_out
from nnspark.engines.platforms import platform
from nnspark.engines.resident import Handle
from nnspark.net.blas import one_blas_thread

__all__ = ["LocalShards"]


class LocalShards:
    """All blocks in this process: the engine without Spark."""

    def __init__(self, dataset: Dataset) -> None:
        self.plan = dataset.plan
        self.blocks = [dataset.blocks]
        self.platforms = {platform()}
        whole = Handle("", 0, "", rows_by_part(dataset.blocks.spans))
        check_laid_out(self.plan, [whole], "the plan and the blocks")

    def run(self, function: Function[Sum], value: Any, zero: Callable[[], Sum]) -> Sum:
        """``function(blocks, value)``, merged into zero."""
        with one_blas_thread():
            merged: Sum = zero().merge(function(self.blocks, value))
        return merged

    def close(self) -> None:
        """Nothing to give back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *about: object) -> None:
        self.close()
