"""An engine is what offers ``Shards``: one written here trains to the bits of the one without Spark."""

from collections.abc import Callable
from typing import Any, Self

import pytest
from helpers import make_recipe
from sklearn.datasets import load_digits

from nnspark.data.dataset import Dataset, make_dataset
from nnspark.data.rows import BlockSet
from nnspark.engines.base import Function, Shards, Sum
from nnspark.engines.local import LocalShards
from nnspark.engines.platforms import platform
from nnspark.net.blas import one_blas_thread
from nnspark.sources import load_table
from nnspark.training.loop import train


class BlockByBlock:
    """Each block by itself, the last one first: no more than one is needed in memory at a time."""

    def __init__(self, dataset: Dataset) -> None:
        self.plan, self._blocks, self.platforms = dataset.plan, dataset.blocks, {platform()}

    def run(self, function: Function[Sum], value: Any, zero: Callable[[], Sum]) -> Sum:
        """``function(blocks, value)`` of each block, merged."""
        total = zero()
        for span in reversed(self._blocks.spans):
            one = BlockSet(self._blocks.X, self._blocks.y, self._blocks.weight, (span,))
            with one_blas_thread():
                total = total.merge(function([one], value))
        return total

    def close(self) -> None:
        """Nothing to give back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *about: object) -> None:
        self.close()


@pytest.mark.parametrize(
    "more", [(), ("rounds.batch_size=32", "rounds.replicas=4")], ids=["epochs", "rounds"]
)
def test_it_trains_to_the_same_bits(more: tuple[str, ...]) -> None:
    """By full batches and by rounds; the figures are the same numbers too."""
    recipe = make_recipe("network.hidden=[5]", "training.epochs=2", "training.block_rows=128", *more)
    dataset = make_dataset(load_table(recipe.data), recipe)
    assert len(load_digits().target) == sum(dataset.plan.num_samples)
    ours: Shards = BlockByBlock(dataset)
    one, other = train(recipe, ours), train(recipe, LocalShards(dataset))
    assert one.theta.tobytes() == other.theta.tobytes()
    assert one.metrics == other.metrics
