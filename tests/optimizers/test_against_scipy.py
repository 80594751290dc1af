"""Conjugate gradient and L-BFGS against SciPy's on the digits net: same cost, no more evaluations.

The cost has many minima and curved valleys, so two correct methods part ways after a few hundred iterations;
costs are compared where both are still on one path, and at convergence.
"""

from functools import partial

import pytest
from optimizers.problems import Counted, digits_cost, digits_theta, make, minimise
from scipy.optimize import minimize

SCIPY = {"cg": "CG", "lbfgs": "L-BFGS-B"}


def scipy_minimum(name, seed, iterations, tolerance, cost_fn=digits_cost):
    """SciPy's result with every other stopping rule off."""
    limits = {"maxfun": 10**6, "ftol": 0.0} if name == "lbfgs" else {}
    options = {"maxiter": iterations, "gtol": tolerance, **limits}
    return minimize(cost_fn, digits_theta(seed), jac=True, method=SCIPY[name], options=options)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
@pytest.mark.parametrize("name", ["cg", "lbfgs"])
def test_fifty_iterations_end_at_scipys_cost_in_no_more_evaluations(name, seed):
    """To 1e-8, in at most 1.2 times SciPy's evaluations."""
    theirs = scipy_minimum(name, seed, 50, 0.0)
    cost_fn = Counted(digits_cost)
    _, state = minimise(make(name), cost_fn, digits_theta(seed), 50)
    assert abs(state.cost - theirs.fun) < 1e-8
    assert cost_fn.evaluations <= 1.2 * theirs.nfev


@pytest.mark.parametrize(
    ("name", "l2"),
    [
        ("lbfgs", 10.0),
        pytest.param("lbfgs", 1.0, marks=pytest.mark.slow),  # thousands of iterations each
        pytest.param("cg", 1.0, marks=pytest.mark.slow),
    ],
)
def test_the_minimum_is_scipys_in_no_more_evaluations(name, l2):
    """To 1e-8, in at most 1.2 times the evaluations; both stop at a largest gradient entry of 1e-7."""
    penalised = partial(digits_cost, l2=l2)
    theirs = scipy_minimum(name, 0, 20_000, 1e-7, penalised)
    assert theirs.success
    cost_fn = Counted(penalised)
    _, state = minimise(make(name, gradient_tolerance=1e-7), cost_fn, digits_theta(0), 20_000)
    assert state.converged
    assert abs(state.cost - theirs.fun) < 1e-8
    assert cost_fn.evaluations <= 1.2 * theirs.nfev


def test_lbfgs_takes_about_one_evaluation_an_iteration():
    """Step 1 is tried first and its cost and gradient are kept for the next iteration."""
    cost_fn = Counted(digits_cost)
    minimise(make("lbfgs"), cost_fn, digits_theta(0), 200)
    assert cost_fn.evaluations <= 1.1 * 200
