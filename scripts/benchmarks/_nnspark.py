"""nnspark as a contestant, and the no-op job: the same broadcast and sums, nothing computed."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._common import Shape
from nnspark import recipe as recipes
from nnspark.data.rows import BlockSet
from nnspark.engines.base import Shards
from nnspark.net.blas import one_blas_thread
from nnspark.objective.totals import Totals
from nnspark.recipe import Recipe
from nnspark.training.loop import run_epoch
from nnspark.training.steps import first_progress, make_step, objective_for

__all__ = ["Epochs", "exact_no_op", "make_resident", "no_op", "recipe_for"]

Array = NDArray[Any]
NO_SPLIT = ("data.split.train=1.0", "data.split.validation=0.0", "data.split.test=0.0")

_kept: dict[Any, Any] = {}


def recipe_for(shape: Shape, dtype: str, *overrides: str) -> Recipe:
    """MLlib's network (sigmoid hidden layers, softmax) trained on every row by small steps downhill."""
    settings = [
        *NO_SPLIT,
        f"network.hidden={list(shape.layers[1:-1])}",
        'network.output="softmax"',
        'network.init={name = "glorot"}',
        "training.learning_rate=0.1",
        "training.l2=0.0",
        f'training.dtype="{dtype}"',
    ]
    return recipes.loads('[data]\nsource = "digits"\n', [*settings, *overrides])


class Epochs:
    """Epochs of a recipe on laid-out data, as ``train`` runs them, timed one by one."""

    def __init__(self, recipe: Recipe, shards: Shards) -> None:
        self.recipe, self.shards = recipe, shards
        self.objective = objective_for(recipe, shards.plan)
        self.step = make_step(recipe, self.objective, shards)
        self.progress = first_progress(recipe, self.objective.network, self.step.init)

    def __call__(self) -> list[float]:
        """Seconds of the next epoch."""
        with one_blas_thread():
            began = time.perf_counter()
            self.progress, _ = run_epoch(self.recipe, self.step, self.progress, 0.0)
            return [time.perf_counter() - began]


def make_resident(shards: Shards) -> Shards:
    """Have the shards written now, which is otherwise the first epoch's work; returns them."""
    shards.run(_nothing, None, _Vector)
    return shards


class _Vector:
    """An accumulator of one plain vector."""

    def __init__(self, vector: Array | None = None) -> None:
        self.vector, self.missing = vector, frozenset[int]()

    def merge(self, other: "_Vector") -> "_Vector":
        """Add the other; returns self."""
        if self.vector is None:
            self.vector = other.vector
        elif other.vector is not None:
            self.vector = self.vector + other.vector
        return self


def no_op(shards: Shards, theta: Array) -> Callable[[], list[float]]:
    """Broadcast theta; every task returns an array of theta's type and length, which are summed."""
    return _timed_run(shards, _random_vector, theta, _Vector)


def exact_no_op(epochs: Epochs) -> Callable[[], list[float]]:
    """Broadcast theta; every task returns the exact totals of an earlier evaluation, which are summed."""
    from nnspark.training.cost import _totals

    function = partial(_earlier_totals, partial(_totals, epochs.objective, ("train", "validation"), True))
    return _timed_run(epochs.shards, function, epochs.progress.theta, Totals)


def _timed_run(
    shards: Shards, function: Callable[..., Any], theta: Array, zero: Callable[[], Any]
) -> Callable[[], list[float]]:
    def sample() -> list[float]:
        began = time.perf_counter()
        shards.run(function, theta, zero)
        return [time.perf_counter() - began]

    return sample


def _nothing(sets: Sequence[BlockSet], value: None) -> _Vector:
    """Worker function: nothing."""
    return _Vector()


def _random_vector(sets: Sequence[BlockSet], theta: Array) -> _Vector:
    """Worker function: a vector like theta, drawn once and kept."""
    key = ("vector", theta.dtype, theta.size)
    if key not in _kept:
        _kept[key] = np.random.default_rng(0).normal(size=theta.size).astype(theta.dtype)
    return _Vector(_kept[key])


def _earlier_totals(function: Callable[..., Totals], sets: Sequence[BlockSet], theta: Array) -> Totals:
    """Worker function: the totals of these blocks, computed once and kept."""
    key = ("totals", theta.dtype, theta.size, tuple(blocks.spans[:1] for blocks in sets))
    if key not in _kept:
        _kept[key] = function(sets, theta)
    kept: Totals = _kept[key]
    return kept
