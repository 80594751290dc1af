"""nnspark.training.loop: where training starts from, and several trainings at a time."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from helpers import fit, make_recipe, one_line_error, table_of
from threadpoolctl import threadpool_info

from nnspark.data.dataset import make_dataset
from nnspark.engines.local import LocalShards
from nnspark.errors import RecipeError, ShapeError
from nnspark.net.blas import one_blas_thread
from nnspark.training.loop import train
from nnspark.training.steps import first_state

RNG = np.random.default_rng(4)
TABLE = table_of(RNG.normal(size=(900, 12)), RNG.integers(0, 3, 900))


def blas_threads():
    """How many threads each BLAS may use."""
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_training_starts_from_given_weights():
    """Two epochs of gradient descent and two more from their weights are four epochs, bit for bit."""
    recipe, longer = make_recipe("training.epochs=2"), make_recipe("training.epochs=4")
    shards = LocalShards(make_dataset(TABLE, recipe))
    half = train(recipe, shards)
    rest = train(recipe, shards, start=first_state(recipe, shards, half.theta))
    assert rest.theta.tobytes() == train(longer, shards).theta.tobytes()


def test_given_weights_of_another_network_are_refused():
    """The numbers that are expected and that came."""
    recipe = make_recipe()
    with one_line_error("403 weights", "(7,)", kind=ShapeError):
        first_state(recipe, LocalShards(make_dataset(TABLE, recipe)), np.zeros(7))


def test_trainings_in_several_threads_have_the_bits_of_one():
    """Each has its own scratch arrays, and BLAS has one thread until the last has ended."""
    options = [(f"training.seed={seed}", "training.epochs=15", "network.hidden=[60]") for seed in range(4)]
    alone = [fit(TABLE, *option).theta.tobytes() for option in options]
    with ThreadPoolExecutor(4) as pool:
        together = [trained.theta.tobytes() for trained in pool.map(lambda o: fit(TABLE, *o), options)]
    assert together == alone


def test_blas_has_one_thread_until_the_last_training_ends():
    """In each of two threads, whichever ends first; then as many as before."""
    before, entered, left = blas_threads(), Barrier(2), Barrier(2)

    def short():
        with one_blas_thread():
            entered.wait()
        left.wait()

    def long():
        with one_blas_thread():
            entered.wait()
            left.wait()
            return blas_threads()

    with ThreadPoolExecutor(2) as pool:
        _, seen = pool.submit(short), pool.submit(long)
        assert set(seen.result()) <= {1}
    assert blas_threads() == before


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_given_weights_are_taken_in_the_recipes_dtype(dtype):
    """And are not changed."""
    recipe = make_recipe(f"training.dtype={dtype}", "training.epochs=1")
    shards = LocalShards(make_dataset(TABLE, recipe))
    theta = np.linspace(-0.1, 0.1, 403)
    assert train(recipe, shards, start=first_state(recipe, shards, theta)).theta.dtype == dtype
    assert theta.tobytes() == np.linspace(-0.1, 0.1, 403).tobytes()


def test_weights_that_memory_cannot_hold_are_refused_before_there_are_any(monkeypatch):
    """From a gigabyte on, by what there is; a machine is not asked for less."""
    from nnspark.training import steps

    recipe = make_recipe("network.hidden=[50]")
    shards = LocalShards(make_dataset(TABLE, recipe))
    number = 50 * 13 + 3 * 51
    monkeypatch.setattr(steps, "memory_left", lambda: 10)
    first_state(recipe, shards)
    monkeypatch.setattr(steps, "MUCH", 32 * number - 1)
    with one_line_error("network.hidden", "layers [12, 50, 3] have 803, which take", kind=RecipeError):
        first_state(recipe, shards)
    monkeypatch.setattr(steps, "memory_left", lambda: 32 * number)
    first_state(recipe, shards)
