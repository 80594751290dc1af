"""Threads of the engine without Spark: the bits of one thread, however the blocks are shared out."""

import threading

import numpy as np
import pytest
from helpers import make_recipe, table_of

from nnspark.data.dataset import make_dataset
from nnspark.engines import local
from nnspark.engines import threads as threads_module
from nnspark.engines.local import LocalShards
from nnspark.training.loop import train

RNG = np.random.default_rng(3)
X = RNG.normal(size=(900, 12))
Y = RNG.integers(0, 4, 900)
METHODS = {
    "gd": ("training.learning_rate=0.3",),
    "lbfgs": ('training.optimizer="lbfgs"',),
    "rounds": ("rounds.batch_size=8", "rounds.replicas=3", "training.learning_rate=0.05"),
    "one replica": ("rounds.batch_size=32", 'training.optimizer="adam"', "training.learning_rate=0.01"),
}


class Nothing:
    """A sum of nothing."""

    def merge(self, other):
        """Nothing and nothing is nothing."""
        return self


def trained(recipe, threads):
    """Theta and metrics, how many threads computed, and among how many the blocks were shared out."""
    seen = set()

    class Watching(LocalShards):
        def run(self, function, value, zero):
            def watched(sets, value):
                seen.add(threading.current_thread().name)
                return function(sets, value)

            return super().run(watched, value, zero)

    with Watching(make_dataset(table_of(X, Y), recipe), threads) as shards:
        found = train(recipe, shards)
    return found.theta.tobytes(), found.metrics, len(seen), len(shards.blocks)


@pytest.mark.parametrize("method", METHODS)
def test_threads_do_not_change_a_bit(monkeypatch, method):
    """1, 2, 3 and 7 threads over 64 blocks; with one replica one thread has all that trains."""
    monkeypatch.setattr(local, "THREAD_BYTES", 1)
    monkeypatch.setattr(threads_module, "SHARED_BYTES", 1)
    recipe = make_recipe(*METHODS[method], "training.epochs=3", "training.block_rows=16")
    expected = trained(recipe, 1)
    assert expected[2:] == (1, 1)
    for threads in (2, 3, 7):
        found = trained(recipe, threads)
        assert found[:2] == expected[:2]
        assert 1 < found[2] <= threads  # one that is done early may take another's share
        assert found[3] == threads


def test_few_rows_are_not_shared_out():
    """Below 4 MB of features a thread a core would cost more than it gains."""
    recipe = make_recipe("training.block_rows=16")
    assert len(LocalShards(make_dataset(table_of(X, Y), recipe), 2).blocks) == 1
    wide = np.tile(X, (100, 1))
    assert len(LocalShards(make_dataset(table_of(wide, np.tile(Y, 100)), recipe), 2).blocks) == 2


def test_a_small_network_is_computed_by_one_thread(monkeypatch):
    """Below 32 MB, rows of a block times weights; threads would wait for the interpreter's lock."""
    monkeypatch.setattr(local, "THREAD_BYTES", 1)
    wide = np.zeros((2_000, 700))
    wide[:, 0] = np.arange(2_000)

    def threads(hidden, block_rows):
        calls = []

        def watched(sets, value):
            calls.append(sets)
            return Nothing()

        recipe = make_recipe(f"training.block_rows={block_rows}")
        with LocalShards(make_dataset(table_of(wide, np.arange(2_000) % 2), recipe), 2) as shards:
            theta = np.zeros(hidden * 701 + 2 * (hidden + 1))
            shards.run(watched, [theta[:5], {"theta": theta}], Nothing)
        return len(calls)

    assert threads(5, 512) == 1
    assert threads(20, 512) == 2


def test_a_thread_that_fails_fails_the_run(monkeypatch):
    """With its own error."""
    monkeypatch.setattr(local, "THREAD_BYTES", 1)
    monkeypatch.setattr(threads_module, "SHARED_BYTES", 0)
    shards = LocalShards(make_dataset(table_of(X, Y), make_recipe("training.block_rows=16")), 2)

    def failing(sets, value):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        shards.run(failing, None, lambda: None)
    shards.close()
