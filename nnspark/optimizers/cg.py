"""Nonlinear conjugate gradient, Polak-Ribière+ with restarts: two vectors of memory, no learning rate.

    beta      = max(0, grad' . (grad' - grad) / grad . grad)         Nocedal & Wright (5.44), (5.45)
    direction = -grad' + beta * direction

where grad' is the gradient at the new theta. The direction restarts at -grad' when it is not one of
sufficient descent (Gilbert & Nocedal), when its line search fails, and every len(theta) iterations.

References
----------
J. Nocedal, S. Wright, Numerical Optimization, 2nd ed., 2006, section 5.2.
J. Gilbert, J. Nocedal, Global convergence properties of conjugate gradient methods for optimization, SIAM J.
Optim. 2, 1992.
"""

import math
from typing import NamedTuple

import numpy as np

from nnspark.optimizers.base import CostFn, Optimizer, Vector, dot
from nnspark.optimizers.line_search import Trial, Wolfe, evaluate_start, wolfe_search
from nnspark.recipe.options import check_number, check_whole

__all__ = ["CGState", "cg"]

SUFFICIENT_DESCENT = 0.01


class CGState(NamedTuple):
    """Where the search stands.

    cost, grad : at theta, so that no update evaluates there again; NaN and zeros before the first update.
    direction : the next one to search.
    last_cost : one iteration ago; the fall since then sets the first trial step.
    age : iterations since the direction was -grad.
    converged : no further progress is possible; updates leave theta alone and evaluate nothing.
    """

    cost: float
    grad: Vector
    direction: Vector
    last_cost: float
    age: int
    converged: bool


def cg(*, gradient_tolerance: float = 0.0, max_evaluations: int = 20) -> Optimizer:
    """Conjugate gradient; one update is one iteration, a little over two evaluations.

    Parameters
    ----------
    gradient_tolerance : converged when no entry of the gradient is larger than this.
    max_evaluations : of one line search.
    """
    check_number("gradient_tolerance", gradient_tolerance, lambda v: v >= 0, "of 0 or more")
    check_whole("max_evaluations", max_evaluations, 1)
    rules = Wolfe(decrease=1e-4, curvature=0.4, width=1e-14, max_evaluations=max_evaluations)

    def init(theta: Vector) -> CGState:
        zeros = np.zeros_like(theta)
        return CGState(math.nan, zeros, zeros, math.nan, age=0, converged=False)

    def update(cost_fn: CostFn, theta: Vector, state: CGState) -> tuple[Vector, CGState]:
        if state.converged:
            return theta, state
        if math.isnan(state.cost):
            state = started(*evaluate_start(cost_fn, theta))
        trial = None
        if np.abs(state.grad).max(initial=0.0) > gradient_tolerance:
            trial = search(cost_fn, theta, state, rules)
            if trial is None and state.age > 0:
                state = started(state.cost, state.grad)
                trial = search(cost_fn, theta, state, rules)
        if trial is None:
            return theta, state._replace(converged=True)
        state = turned(state, trial)
        return trial.theta, state._replace(converged=bool(np.abs(trial.grad).max() <= gradient_tolerance))

    return Optimizer(init, update)


def started(cost: float, grad: Vector) -> CGState:
    """The state that searches along -grad, with a first trial step of length 1."""
    last_cost = cost + 0.5 * math.sqrt(dot(grad, grad))
    return CGState(cost, grad, -grad, last_cost, age=0, converged=False)


def search(cost_fn: CostFn, theta: Vector, state: CGState, rules: Wolfe) -> Trial | None:
    """Search along the direction, first where the cost would fall as it last did, Nocedal & Wright (3.60).

    None where the slope is 0: gradients below about 1e-162 have squares that are.
    """
    slope = dot(state.grad, state.direction)
    if not slope < 0:
        return None
    guess = 1.01 * 2 * (state.cost - state.last_cost) / slope
    first_step = min(1.0, guess) if guess > 0 else 1.0
    return wolfe_search(cost_fn, theta, state.cost, state.grad, state.direction, first_step, rules)


def turned(state: CGState, trial: Trial) -> CGState:
    """The state at the accepted trial, with the next direction."""
    grad = trial.grad
    squared, last_squared = dot(grad, grad), dot(state.grad, state.grad)
    beta = max(0.0, (squared - dot(grad, state.grad)) / last_squared) if last_squared else 0.0
    if beta == math.inf:
        beta = 0.0
    direction: Vector = beta * state.direction - grad
    age = state.age + 1
    descends = dot(direction, grad) <= -SUFFICIENT_DESCENT * squared
    if beta == 0 or not descends or age >= grad.size:
        direction, age = -grad, 0
    return CGState(trial.cost, grad, direction, state.cost, age, converged=False)
