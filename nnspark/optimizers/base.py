"""What an optimizer is: an (init, update) pair over one flat vector, with its state in a NamedTuple.

An optimizer is a pair of pure functions::

    state        = init(theta)
    theta, state = update(cost_fn, theta, state)

where ``cost_fn(theta) -> (cost, grad)`` is one evaluation: one pass over the data, one Spark job. First-order
methods evaluate once an update; conjugate gradient and L-BFGS evaluate as often as their line search asks.

A first-order method is written as a `Rule`, which sees only a gradient and so serves mini-batches as well::

    theta, state = step(theta, grad, state, rate)

`first_order` makes an `Optimizer` of a `Rule` and a learning rate per update.

Conventions
-----------
theta, grad    : 1-D arrays of one dtype, float32 or float64, never written to; what comes back has it too.
rate           : a float, or an array like theta, e.g. when biases learn at their own rate.
state          : a NamedTuple of arrays, ints, floats, bools, None, tuples of these or further NamedTuples, so
                 that one call of `state_to_arrays` checkpoints it.
inner products : float64, and free of BLAS, so their bits do not depend on the number of threads.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CostFn",
    "FirstOrderState",
    "Optimizer",
    "Rate",
    "Rule",
    "Vector",
    "dot",
    "first_order",
    "rate_like",
]

Vector: TypeAlias = NDArray[np.floating[Any]]
Rate: TypeAlias = float | Vector


class CostFn(Protocol):
    """One evaluation: the cost at theta and its gradient, an array like theta."""

    def __call__(self, theta: Vector, /) -> tuple[float, Vector]:
        """Evaluate at theta."""
        ...


class Optimizer(NamedTuple):
    """An (init, update) pair; one update is one step, or one iteration of CG and L-BFGS."""

    init: Callable[[Vector], Any]
    update: Callable[[CostFn, Vector, Any], tuple[Vector, Any]]


class Rule(NamedTuple):
    """A first-order (init, step) pair: one gradient in, one weight update out.

    ``step(theta, grad, state, rate, into=(theta, state))`` overwrites what it is given, for a caller that
    wants no old arrays any more (``elementwise.py``).
    """

    init: Callable[[Vector], Any]
    step: Callable[..., tuple[Vector, Any]]


class FirstOrderState(NamedTuple):
    """Steps taken, which is where the schedule stands, and the rule's own state."""

    steps: int
    rule: Any


def first_order(rule: Rule, rate_at: Callable[[int], Rate]) -> Optimizer:
    """Make an optimizer that takes one `rule` step an update, at ``rate_at(steps)``, from steps = 0."""

    def init(theta: Vector) -> FirstOrderState:
        return FirstOrderState(steps=0, rule=rule.init(theta))

    def update(cost_fn: CostFn, theta: Vector, state: FirstOrderState) -> tuple[Vector, FirstOrderState]:
        _, grad = cost_fn(theta)
        theta, rule_state = rule.step(theta, grad, state.rule, rate_like(theta, rate_at(state.steps)))
        return theta, FirstOrderState(steps=state.steps + 1, rule=rule_state)

    return Optimizer(init, update)


def rate_like(theta: Vector, rate: Rate) -> Rate:
    """A rate of theta's dtype, as rules want it."""
    return rate.astype(theta.dtype, copy=False) if isinstance(rate, np.ndarray) else rate


def dot(a: Vector, b: Vector) -> float:
    """Inner product in float64, by pairwise summation: the same bits for any number of BLAS threads."""
    return float(np.multiply(a, b, dtype=np.float64).sum())
