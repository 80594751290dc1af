"""An engine is what offers ``Shards``: one written here trains to the bits of the one without Spark."""

from collections.abc import Callable
from typing import Any, Self

import pytest
from helpers import make_recipe

from nnspark.data.dataset import Dataset, make_dataset
from nnspark.engines.base import Function, Shards, Sum
from nnspark.engines.local import LocalShards, shared_out
from nnspark.engines.platforms import platform
from nnspark.net.blas import one_blas_thread
from nnspark.sources import load_table
from nnspark.training.loop import train


class OneByOne:
    """Blocks in several sets, one after the other, the last one first.

    Blocks of one replica have to be in one set: ``place_of`` says which, and ``shared_out`` goes by it.
    """

    def __init__(self, dataset: Dataset, sets: int) -> None:
        self.plan, self.platforms = dataset.plan, {platform()}
        self._sets = shared_out(dataset.plan, dataset.blocks, sets)

    def run(self, function: Function[Sum], value: Any, zero: Callable[[], Sum]) -> Sum:
        """``function(blocks, value)`` of each set, merged."""
        total = zero()
        for blocks in reversed(self._sets):
            with one_blas_thread():
                total = total.merge(function([blocks], value))
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
    ours: Shards = OneByOne(dataset, 3)
    one, other = train(recipe, ours), train(recipe, LocalShards(dataset))
    assert one.theta.tobytes() == other.theta.tobytes()
    assert one.metrics == other.metrics
