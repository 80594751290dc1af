"""Optimizer states as named arrays: exact both ways, and clear when they do not fit."""

import io
from typing import NamedTuple

import numpy as np
import pytest
from optimizers.problems import NAMES, digits_cost, digits_theta, make, minimise

from nnspark.errors import CheckpointError
from nnspark.optimizers import state_from_arrays, state_to_arrays


class Inner(NamedTuple):
    """A nested state."""

    vector: np.ndarray
    nothing: np.ndarray | None


class Outer(NamedTuple):
    """A state with every kind of leaf."""

    count: int
    rate: float
    done: bool
    inner: Inner
    history: tuple
    empty: tuple


def stored(arrays):
    """The arrays after a trip through a file."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    with np.load(file) as loaded:
        return dict(loaded)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_a_run_continues_exactly_from_a_stored_state(name, dtype):
    """12 updates, and 5 + 7 with the state stored in between: the same bits. 5 + 0 works too."""
    schedule = {"name": "exponential", "factor": 0.9, "warmup": 2}
    optimizer = make(name, schedule=schedule, **({"history": 3} if name == "lbfgs" else {}))
    start = digits_theta(0, dtype)
    straight, _ = minimise(optimizer, digits_cost, start, 12)
    for updates in (0, 5):
        theta, state = minimise(optimizer, digits_cost, start, updates)
        state = state_from_arrays(optimizer.init(start), stored(state_to_arrays(state)))
        for _ in range(12 - updates):
            theta, state = optimizer.update(digits_cost, theta, state)
        np.testing.assert_array_equal(theta, straight)


def test_every_kind_of_leaf_comes_back_as_it_was():
    """Python numbers as Python numbers, None as None, signed zeros and NaN to the bit."""
    vector = np.array([-0.0, np.nan, 5e-324])
    state = Outer(2**62, 0.1 + 0.2, True, Inner(vector, None), (vector, (1, 2.5)), ())
    like = Outer(0, 0.0, False, Inner(np.zeros(3), np.zeros(3)), (), ())
    back = state_from_arrays(like, stored(state_to_arrays(state)))
    assert [type(leaf) for leaf in back[:3]] == [int, float, bool]
    assert back[:3] == state[:3]
    assert back.inner.nothing is None
    assert back.inner.vector.tobytes() == back.history[0].tobytes() == vector.tobytes()
    assert back.history[1] == (1, 2.5)
    assert back.empty == ()


def test_names_are_paths_to_the_leaves():
    """What a checkpoint file lists."""
    state = make("momentum").init(np.zeros(2))
    assert sorted(state_to_arrays(state)) == ["rule.velocity", "steps:int"]


def test_the_state_of_another_optimizer_or_network_is_refused():
    """Missing, left over, and wrong in shape: each names the leaf."""
    theta = np.zeros(4)
    adam, momentum = make("adam").init(theta), make("momentum").init(theta)
    with pytest.raises(CheckpointError, match=r"lacks rule\.velocity"):
        state_from_arrays(momentum, state_to_arrays(adam))
    with pytest.raises(CheckpointError, match=r"has rule\.velocity, which"):
        state_from_arrays(make("gd").init(theta), state_to_arrays(momentum))
    with pytest.raises(CheckpointError, match=r"rule\.velocity of \(4,\) float64, expected \(5,\) float64"):
        state_from_arrays(make("momentum").init(np.zeros(5)), state_to_arrays(momentum))


def test_a_leaf_that_cannot_be_stored_is_an_error():
    """A state is made of arrays, numbers, strings, None and tuples only."""
    with pytest.raises(TypeError, match="state rate is a set"):
        state_to_arrays(Outer(0, {"fast"}, False, Inner(np.zeros(1), None), (), ()))


def test_a_string_comes_back():
    """Why a run stopped is part of its state."""
    state = Outer(0, "fast, ½", False, Inner(np.zeros(1), None), (), ())
    assert state_from_arrays(state, state_to_arrays(state)).rate == "fast, ½"
