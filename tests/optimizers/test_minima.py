"""Every optimizer reaches the minimum of the same problems: one table."""

import numpy as np
import pytest
from optimizers.problems import (
    NAMES,
    Counted,
    digits_cost,
    digits_theta,
    make,
    minimise,
    quadratic,
    rosenbrock,
)

DECAY = {"name": "cosine", "floor": 1e-4}

QUADRATIC = [
    ("gd", {"learning_rate": 0.15}, 200),
    ("momentum", {"learning_rate": 0.05}, 300),
    ("nesterov", {"learning_rate": 0.05}, 300),
    ("rmsprop", {"learning_rate": 0.1, "schedule": DECAY}, 500),
    ("adam", {"learning_rate": 0.1}, 500),
    ("adamw", {"learning_rate": 0.1, "weight_decay": 0.0}, 500),
    ("cg", {}, 10),
    ("lbfgs", {}, 20),
]
ROSENBROCK = [
    ("gd", {"learning_rate": 1e-3}, 25_000),
    ("momentum", {"learning_rate": 1e-3}, 4_000),
    ("nesterov", {"learning_rate": 1e-3}, 4_000),
    ("rmsprop", {"learning_rate": 0.02, "schedule": DECAY}, 10_000),
    ("adam", {"learning_rate": 0.05}, 3_000),
    ("adamw", {"learning_rate": 0.05, "weight_decay": 0.0}, 3_000),
    ("cg", {}, 40),
    ("lbfgs", {}, 40),
]


@pytest.mark.parametrize(
    ("problem", "start", "name", "options", "updates"),
    [(quadratic, np.zeros(5), *row) for row in QUADRATIC]
    + [(rosenbrock, np.array([-1.2, 1.0]), *row) for row in ROSENBROCK],
)
def test_each_optimizer_reaches_the_minimum(problem, start, name, options, updates):
    """Quadratic with curvatures 1 to 10, and Rosenbrock from its usual start."""
    theta, _ = minimise(make(name, epochs=updates, **options), problem, start, updates)
    np.testing.assert_allclose(theta, 1, atol=1e-3)


@pytest.mark.parametrize("name", ["cg", "lbfgs"])
def test_line_search_methods_find_the_minimum_to_machine_precision_and_say_so(name):
    """Past it, updates neither move theta nor evaluate."""
    cost_fn = Counted(rosenbrock)
    optimizer = make(name)
    theta, state = minimise(optimizer, cost_fn, np.array([-1.2, 1.0]), 200)
    assert state.converged
    np.testing.assert_allclose(theta, 1, atol=1e-10)
    before = cost_fn.evaluations
    again, same = optimizer.update(cost_fn, theta, state)
    assert cost_fn.evaluations == before
    assert again is theta
    assert same is state


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["cg", "lbfgs"])
def test_an_ill_conditioned_quadratic_ends_at_rounding_not_in_an_endless_search(name, dtype):
    """Condition number 1e4 and a cost far from 0, so that its last decreases drown in rounding."""
    curvatures = np.logspace(0, 4, 50).astype(dtype)
    cost_fn = Counted(
        lambda t: (float(0.5 * (curvatures * t) @ t - t.sum() + 3), curvatures * t - curvatures.dtype.type(1))
    )
    _, state = minimise(make(name), cost_fn, np.ones(50, dtype=dtype), 3000)
    assert state.converged
    best = 3 - 0.5 * float((1 / curvatures.astype(np.float64)).sum())
    assert abs(state.cost - best) < 1000 * np.finfo(dtype).eps


@pytest.mark.parametrize("exponent", [-323, -308, -200, -170, -162, -155, -100, 100])
@pytest.mark.parametrize("name", ["cg", "lbfgs"])
def test_gradients_whose_squares_underflow_are_searched_as_far_as_slopes_go(name, exponent):
    """A quadratic times 10^exponent: never up, never an exception; converged where all slopes are 0."""
    scale = float(f"1e{exponent}")

    def scaled(theta):
        cost, grad = quadratic(theta)
        return scale * cost, scale * grad

    theta, state = minimise(make(name), scaled, np.zeros(5), 200)
    assert scaled(theta)[0] <= scaled(np.zeros(5))[0]
    assert state.converged or exponent > -170


@pytest.mark.parametrize("name", ["cg", "lbfgs"])
def test_a_search_goes_on_where_gradients_vanish_on_the_way(name):
    """A slope of 1, a bend, and beyond it one of 1e-170, the first step reaching past the bend."""

    def bent(theta):
        grad = np.where(theta < 0.5, -1.0, -1e-170)
        return float(np.where(theta < 0.5, 0.5 - theta, 0.0).sum()), grad

    theta, state = minimise(make(name), bent, np.zeros(2), 20)
    assert state.converged
    assert (theta >= 0.5).all()


@pytest.mark.parametrize("name", ["cg", "lbfgs"])
def test_a_start_at_the_minimum_converges_after_one_evaluation(name):
    """The gradient is zero there."""
    cost_fn = Counted(quadratic)
    theta, state = minimise(make(name), cost_fn, np.ones(5), 5)
    assert state.converged
    assert cost_fn.evaluations == 1
    assert (theta == 1).all()


@pytest.mark.parametrize("name", NAMES)
def test_float32_stays_float32(name):
    """Theta and every float array of the state; a rate per weight included."""
    from nnspark.optimizers import state_to_arrays

    theta0 = digits_theta(0, "float32")
    mask = np.arange(theta0.size) % 65 == 0
    theta, state = minimise(make(name, bias_mask=mask), digits_cost, theta0, 4)
    assert theta.dtype == np.float32
    assert {a.dtype for a in state_to_arrays(state).values() if a.ndim} <= {np.dtype(np.float32)}
    assert digits_cost(theta)[0] < digits_cost(theta0)[0]


@pytest.mark.parametrize("name", NAMES)
def test_an_update_writes_to_nothing_it_was_given(name):
    """Theta, the gradient and the state are read-only here, and the same update gives the same bits twice."""
    from nnspark.optimizers import state_to_arrays

    optimizer = make(name)

    def read_only(theta):
        theta.setflags(write=False)
        cost, grad = quadratic(theta)
        grad.setflags(write=False)
        return cost, grad

    theta, state = minimise(optimizer, read_only, np.linspace(0, 3, 5), 2)
    for array in (theta, *state_to_arrays(state).values()):
        array.setflags(write=False)
    first, second = (optimizer.update(read_only, theta, state) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
