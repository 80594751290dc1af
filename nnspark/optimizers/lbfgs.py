"""L-BFGS: a Newton direction from the last few moves of theta and changes of the gradient; no learning rate.

With s = theta' - theta and y = grad' - grad for each of the last `history` iterations, the two-loop recursion
(Nocedal & Wright, algorithm 7.4) applies the inverse Hessian approximation to the gradient; it starts from
the scaled identity s.y / y.y of the last pair (7.20). Step 1 is tried first, and nearly always taken.

References
----------
J. Nocedal, S. Wright, Numerical Optimization, 2nd ed., 2006, section 7.2.
D. Liu, J. Nocedal, On the limited memory BFGS method for large scale optimization, Math. Programming 45,
1989.
"""

import math
from typing import NamedTuple

import numpy as np

from nnspark.optimizers.base import CostFn, Optimizer, Vector, dot
from nnspark.optimizers.line_search import Trial, Wolfe, evaluate_start, wolfe_search
from nnspark.recipe.options import check_number, check_whole

__all__ = ["LBFGSState", "lbfgs"]


class LBFGSState(NamedTuple):
    """Where the search stands.

    cost, grad : at theta, so that no update evaluates there again; NaN and zeros before the first update.
    moves, changes : s and y of the last iterations, oldest first.
    curvatures : s.y of each, positive.
    converged : no further progress is possible; updates leave theta alone and evaluate nothing.
    """

    cost: float
    grad: Vector
    moves: tuple[Vector, ...]
    changes: tuple[Vector, ...]
    curvatures: tuple[float, ...]
    converged: bool


def lbfgs(*, history: int = 10, gradient_tolerance: float = 0.0, max_evaluations: int = 20) -> Optimizer:
    """L-BFGS; one update is one iteration, about 1.05 evaluations on a smooth problem.

    Parameters
    ----------
    history : pairs (s, y) remembered.
    gradient_tolerance : converged when no entry of the gradient is larger than this.
    max_evaluations : of one line search.
    """
    check_whole("history", history, 1)
    check_number("gradient_tolerance", gradient_tolerance, lambda v: v >= 0, "of 0 or more")
    check_whole("max_evaluations", max_evaluations, 1)
    rules = Wolfe(decrease=1e-3, curvature=0.9, width=0.1, max_evaluations=max_evaluations)

    def init(theta: Vector) -> LBFGSState:
        return started(math.nan, np.zeros_like(theta))

    def update(cost_fn: CostFn, theta: Vector, state: LBFGSState) -> tuple[Vector, LBFGSState]:
        if state.converged:
            return theta, state
        if math.isnan(state.cost):
            state = started(*evaluate_start(cost_fn, theta))
        trial = None
        if np.abs(state.grad).max(initial=0.0) > gradient_tolerance:
            trial = search(cost_fn, theta, state, rules)
            if trial is None and state.moves:
                state = started(state.cost, state.grad)
                trial = search(cost_fn, theta, state, rules)
        if trial is None:
            return theta, state._replace(converged=True)
        state = remembered(state, theta, trial, history)
        return trial.theta, state._replace(converged=bool(np.abs(trial.grad).max() <= gradient_tolerance))

    return Optimizer(init, update)


def started(cost: float, grad: Vector) -> LBFGSState:
    """The state that remembers nothing, and so searches along -grad."""
    return LBFGSState(cost, grad, moves=(), changes=(), curvatures=(), converged=False)


def search(cost_fn: CostFn, theta: Vector, state: LBFGSState, rules: Wolfe) -> Trial | None:
    """Search along the quasi-Newton direction from step 1, or along -grad from a step of length 1."""
    direction = quasi_newton_direction(state)
    slope = dot(direction, state.grad)
    if not slope < 0:
        return None
    first_step = 1.0 if state.moves else 1.0 / math.sqrt(-slope)
    return wolfe_search(cost_fn, theta, state.cost, state.grad, direction, first_step, rules)


def quasi_newton_direction(state: LBFGSState) -> Vector:
    """Minus the approximate inverse Hessian times the gradient, in float64: the two loops."""
    direction = np.negative(state.grad, dtype=np.float64)
    pairs = list(zip(state.moves, state.changes, state.curvatures, strict=True))
    weights: list[float] = []
    for move, change, curvature in reversed(pairs):
        weights.append(dot(move, direction) / curvature)
        direction -= weights[-1] * change
    if pairs:
        _, change, curvature = pairs[-1]
        direction *= curvature / dot(change, change)
    for (move, change, curvature), weight in zip(pairs, reversed(weights), strict=True):
        direction += (weight - dot(change, direction) / curvature) * move
    return direction


def remembered(state: LBFGSState, theta: Vector, trial: Trial, history: int) -> LBFGSState:
    """The state at the accepted trial; its pair is kept if it can be divided by safely."""
    move, change = trial.theta - theta, trial.grad - state.grad
    curvature = dot(move, change)
    kept = state._replace(cost=trial.cost, grad=trial.grad)
    if curvature <= np.finfo(theta.dtype).eps * -dot(move, state.grad) or not dot(change, change):
        return kept
    return kept._replace(
        moves=(*state.moves, move)[-history:],
        changes=(*state.changes, change)[-history:],
        curvatures=(*state.curvatures, curvature)[-history:],
    )
