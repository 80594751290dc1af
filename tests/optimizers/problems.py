"""Problems that several optimizer tests minimise, and a loop that counts evaluations."""

from functools import cache

import numpy as np

from nnspark.optimizers import make_optimizer
from nnspark.optimizers.schedules import make_schedule

STEP_SIZES = {"gd": 0.01, "momentum": 0.01, "nesterov": 0.01, "rmsprop": 0.01, "adam": 0.01, "adamw": 0.01}
NAMES = [*STEP_SIZES, "cg", "lbfgs"]


class Counted:
    """A cost function that counts its evaluations."""

    def __init__(self, cost_fn):
        self.cost_fn = cost_fn
        self.evaluations = 0

    def __call__(self, theta):
        """Evaluate once."""
        self.evaluations += 1
        return self.cost_fn(theta)


def make(name, learning_rate=0.01, schedule="constant", epochs=100, bias_mask=None, **options):
    """Make an optimizer by name, the way a recipe does."""
    return make_optimizer(
        name,
        schedule=make_schedule(learning_rate, schedule, epochs),
        options=options,
        bias_mask=bias_mask,
    )


def minimise(optimizer, cost_fn, theta, updates):
    """Return theta and state after so many updates, fewer if it converges."""
    state = optimizer.init(theta)
    for _ in range(updates):
        theta, state = optimizer.update(cost_fn, theta, state)
        if getattr(state, "converged", False):
            break
    return theta, state


def quadratic(theta):
    """1/2 (theta - 1).A.(theta - 1) with curvatures 1..10; minimum 0 at 1."""
    curvatures = np.linspace(1, 10, theta.size).astype(theta.dtype)
    away = theta - 1
    return float(0.5 * (curvatures * away) @ away), curvatures * away


def rosenbrock(theta):
    """The banana valley, minimum 0 at (1, 1)."""
    x, y = theta
    grad = [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)]
    return float((1 - x) ** 2 + 100 * (y - x * x) ** 2), np.array(grad, dtype=theta.dtype)


@cache
def digits(dtype="float64"):
    """Scikit-learn's digits scaled (x - 8) / 8, a column of ones first, and one-hot labels."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return np.column_stack([np.ones(len(X)), (X - 8) / 8]).astype(dtype), np.eye(10)[y].astype(dtype)


def digits_cost(theta, l2=1.0):
    """Cost and gradient of the 64-25-10 sigmoid net with cross-entropy, in plain NumPy."""
    X1, Y = digits(str(theta.dtype))
    m = len(X1)
    W1, W2 = theta[: 25 * 65].reshape(25, 65), theta[25 * 65 :].reshape(10, 26)
    a = 1 / (1 + np.exp(-X1 @ W1.T))
    a1 = np.column_stack([np.ones(m, dtype=theta.dtype), a])
    z = a1 @ W2.T
    penalty = l2 / (2 * m) * sum((W[:, 1:] ** 2).sum() for W in (W1, W2))
    cost = (np.logaddexp(0, z) - Y * z).sum() / m + penalty
    delta2 = (1 / (1 + np.exp(-z)) - Y) / m
    delta1 = (delta2 @ W2[:, 1:]) * a * (1 - a)
    grads = [delta1.T @ X1, delta2.T @ a1]
    for grad, W in zip(grads, (W1, W2), strict=True):
        grad[:, 1:] += l2 / m * W[:, 1:]
    return float(cost), np.concatenate([grad.ravel() for grad in grads])


def digits_theta(seed, dtype="float64"):
    """Initial weights U(-0.12, 0.12) for `digits_cost`."""
    return np.random.default_rng(seed).uniform(-0.12, 0.12, 25 * 65 + 10 * 26).astype(dtype)
