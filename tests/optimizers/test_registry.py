"""Optimizers by name: what a recipe can ask for, and what it is told when it asks for something else."""

import numpy as np
import pytest
from optimizers.problems import NAMES

from nnspark.errors import RecipeError
from nnspark.optimizers import (
    OPTIMIZERS,
    RULES,
    elementwise,
    make_optimizer,
    make_rates,
    make_rule,
    state_to_arrays,
)
from nnspark.optimizers.schedules import make_schedule

CONSTANT = make_schedule(0.5, "constant", 10)


def test_the_registry_holds_the_documented_names():
    """Six first-order rules, which serve mini-batches, and two line-search methods."""
    assert sorted(OPTIMIZERS) == sorted(NAMES)
    assert sorted(set(OPTIMIZERS) - set(RULES)) == ["cg", "lbfgs"]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("adm", {}, "unknown optimizer 'adm'; did you mean 'adam'?.* known: adam, adamw, cg, gd, lbfgs"),
        (
            "adam",
            {"beta_1": 0.5},
            "adam has no option 'beta_1'; did you mean 'beta1'?.* known: beta1, beta2, eps",
        ),
        ("adamw", {"bias_mask": 1}, "adamw has no option 'bias_mask'"),
        ("gd", {"momentum": 0.5}, "gd has no option 'momentum'; known: none"),
        ("momentum", {"momentum": 1.0}, r"momentum: expected a number in \[0, 1\), got 1.0"),
        ("momentum", {"momentum": "0.9"}, r"momentum: expected a number in \[0, 1\), got '0.9'"),
        ("rmsprop", {"decay": float("nan")}, "decay: expected a number"),
        ("lbfgs", {"history": 0}, "history: expected a whole number of 1 or more, got 0"),
        ("cg", {"max_evaluations": 2.5}, "max_evaluations: expected a whole number of 1 or more, got 2.5"),
    ],
)
def test_a_bad_name_or_option_is_an_error_naming_the_nearest(name, options, message):
    """One line, with all that is known."""
    with pytest.raises(RecipeError, match=message) as caught:
        make_optimizer(name, schedule=CONSTANT, options=options)
    assert "\n" not in str(caught.value)


def test_line_search_methods_refuse_a_bias_rate_and_mini_batches():
    """They have no learning rate and need every row."""
    with pytest.raises(RecipeError, match="bias_learning_rate: expected 0 with optimizer cg"):
        make_optimizer("cg", schedule=CONSTANT, bias_learning_rate=0.1)
    with pytest.raises(RecipeError, match="optimizer lbfgs needs all rows"):
        make_rule("lbfgs")


def test_biases_can_learn_at_their_own_rate_on_the_same_schedule():
    """Gradient 1 everywhere: each entry moves by its rate, halved by the schedule at the second step."""
    mask = np.array([True, False, False, True])
    schedule = make_schedule(0.5, {"name": "step", "every": 1, "factor": 0.5}, 10)
    optimizer = make_optimizer("gd", schedule=schedule, bias_mask=mask, bias_learning_rate=0.125)
    theta, state = np.zeros(4, dtype=np.float32), optimizer.init(np.zeros(4, dtype=np.float32))
    for moved in ([-0.125, -0.5, -0.5, -0.125], [-0.1875, -0.75, -0.75, -0.1875]):
        theta, state = optimizer.update(lambda t: (0.0, np.ones_like(t)), theta, state)
        np.testing.assert_array_equal(theta, moved)
    assert theta.dtype == np.float32


@pytest.mark.parametrize("name", sorted(RULES))
def test_the_weights_rate_given_to_the_biases_changes_no_bit(name):
    """A vector of one rate is that rate."""
    mask = np.arange(6) % 3 == 0
    apart = make_optimizer(name, schedule=CONSTANT, bias_mask=mask, bias_learning_rate=0.5)
    plain = make_optimizer(name, schedule=CONSTANT, bias_mask=mask)
    a = b = np.linspace(-1, 2, 6)
    state_a, state_b = apart.init(a), plain.init(b)
    for _ in range(3):
        a, state_a = apart.update(lambda t: (0.0, np.sin(t)), a, state_a)
        b, state_b = plain.update(lambda t: (0.0, np.sin(t)), b, state_b)
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("rate", [0.0, 0.125], ids=["one rate", "the biases' own"])
@pytest.mark.parametrize("name", sorted(RULES))
def test_a_step_in_pieces_has_the_bits_of_a_whole_one(name, rate, monkeypatch):
    """Three pieces of 4 and the 2 that are left over: theta and all that the state holds."""
    mask = np.arange(14) % 3 == 0

    def steps():
        optimizer = make_optimizer(name, schedule=CONSTANT, bias_mask=mask, bias_learning_rate=rate)
        theta = np.linspace(-1, 2, 14, dtype=np.float32)
        state = optimizer.init(theta)
        for _ in range(3):
            theta, state = optimizer.update(lambda t: (0.0, np.sin(t)), theta, state)
        return theta.tobytes(), {key: value.tobytes() for key, value in state_to_arrays(state).items()}

    whole = steps()
    monkeypatch.setattr(elementwise, "PIECE", 4)
    assert steps() == whole


def test_a_bias_rate_without_a_mask_is_refused():
    """The caller has to say which entries are biases."""
    with pytest.raises(ValueError, match="needs bias_mask"):
        make_rates(CONSTANT, 0.1, None)
