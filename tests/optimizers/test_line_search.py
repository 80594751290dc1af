"""The line search: strong Wolfe conditions, costs that are not finite, and a bound on evaluations."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from optimizers.problems import Counted, make, minimise

from nnspark.errors import DivergedError
from nnspark.optimizers.line_search import Wolfe, wolfe_search

RULES = Wolfe(decrease=1e-4, curvature=0.1, width=1e-14, max_evaluations=30)

LINES = {
    "more_thuente_1": (lambda a: 10 - a / (a * a + 2), lambda a: (a * a - 2) / (a * a + 2) ** 2),
    "more_thuente_2": (
        lambda a: (a + 0.004) ** 5 - 2 * (a + 0.004) ** 4,
        lambda a: (a + 0.004) ** 3 * (5 * a - 7.98),
    ),
    "wavy": (lambda a: a * a / 20 - a + math.sin(3 * a) / 4, lambda a: a / 10 - 1 + 0.75 * math.cos(3 * a)),
    "wall": (lambda a: (a - 1) ** 2 if a < 1.2 else math.inf, lambda a: 2 * (a - 1) if a < 1.2 else math.nan),
    "log_barrier": (
        lambda a: -a - math.log(3 - a) if a < 3 else math.nan,
        lambda a: -1 + 1 / (3 - a) if a < 3 else math.nan,
    ),
}


@settings(max_examples=60, deadline=None)
@given(line=st.sampled_from(sorted(LINES)), exponent=st.floats(-3, 3))
@example(line="more_thuente_1", exponent=3.0)
def test_the_accepted_step_satisfies_strong_wolfe(line, exponent):
    """On Moré & Thuente's first two test functions and others, from first steps 0.001 to 1000."""
    phi, slope = LINES[line]
    cost_fn = Counted(lambda t: (phi(float(t[0])), np.array([slope(float(t[0]))])))
    start = np.zeros(1)
    trial = wolfe_search(cost_fn, start, phi(0.0), np.array([slope(0.0)]), np.ones(1), 10.0**exponent, RULES)
    assert trial is not None
    assert trial.cost <= phi(0.0) + 1e-4 * trial.step * slope(0.0)
    assert abs(trial.slope) <= 0.1 * abs(slope(0.0))
    assert trial.theta[0] == trial.step
    assert cost_fn.evaluations <= 20


def test_no_trial_goes_back_to_where_the_cost_was_not_finite():
    """A slope of -1 down to a wall at 1: no step satisfies Wolfe, the best one seen is next to the wall."""
    trials = []

    def cost_fn(theta):
        trials.append(float(theta[0]))
        return (-float(theta[0]) if theta[0] < 1 else math.inf), -np.ones(1)

    trial = wolfe_search(cost_fn, np.zeros(1), 0.0, -np.ones(1), np.ones(1), 100.0, RULES)
    walls = [step for step in trials if step >= 1]
    assert walls == sorted(set(walls), reverse=True)
    assert trial is not None
    assert 0.999 < trial.step < 1


@pytest.mark.parametrize("bad", [math.inf, math.nan])
@pytest.mark.parametrize("name", ["cg", "lbfgs"])
def test_a_cost_that_is_not_finite_at_a_trial_shrinks_the_step(name, bad):
    """-log x - log(1 - x) summed, which is undefined outside (0, 1); the first step leaves it."""

    def cost_fn(theta):
        if not ((theta > 0) & (theta < 1)).all():
            return bad, np.full_like(theta, bad)
        return float(-np.log(theta).sum() - np.log(1 - theta).sum()), 1 / (1 - theta) - 1 / theta

    theta, _ = minimise(make(name), cost_fn, np.array([0.01, 0.9, 0.4]), 60)
    np.testing.assert_allclose(theta, 0.5, atol=1e-7)


@pytest.mark.parametrize("name", ["cg", "lbfgs"])
def test_a_start_that_is_not_finite_is_an_error_that_says_what_to_do(name):
    """There is nothing to shrink towards."""
    with pytest.raises(DivergedError, match=r"starting weights is nan .* scale the features"):
        minimise(make(name), lambda theta: (math.nan, theta), np.ones(2), 1)


@pytest.mark.parametrize("name", ["cg", "lbfgs"])
def test_a_gradient_that_is_wrong_ends_the_search_instead_of_looping(name):
    """The gradient points uphill: no step decreases the cost, and each search has its limit."""
    cost_fn = Counted(lambda theta: (float(theta @ theta), -2 * theta))
    theta, state = minimise(make(name, max_evaluations=7), cost_fn, np.ones(3), 5)
    assert state.converged
    assert cost_fn.evaluations <= 8
    assert (theta == 1).all()
