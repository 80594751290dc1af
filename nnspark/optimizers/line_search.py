"""Find a step along a descent direction that satisfies the strong Wolfe conditions, in few evaluations.

With phi(t) = cost(theta + t * direction), a step t is taken when

    phi(t) <= phi(0) + decrease * t * phi'(0)        sufficient decrease,  Nocedal & Wright (3.7a)
    |phi'(t)| <= curvature * |phi'(0)|               curvature,            Nocedal & Wright (3.7b)

The search is that of Moré & Thuente: keep the best step so far (`low`) and, once there is one, a second step
(`high`) with a minimizer in between; choose the next trial by safeguarded cubic and quadratic interpolation.
Costs and gradients come in pairs, so a trial is one evaluation and none is repeated.

Two additions for costs that are measured rather than ideal. A cost that is not finite puts a ceiling on the
step and shrinks it. Near a minimum the decrease drowns in the rounding of the cost, so there a smaller
gradient takes the place of the first condition, a variant of Hager & Zhang's approximate Wolfe conditions.

References
----------
J. Nocedal, S. Wright, Numerical Optimization, 2nd ed., 2006, sections 3.1 and 3.5.
J. Moré, D. Thuente, Line search algorithms with guaranteed sufficient decrease, ACM TOMS 20, 1994.
W. Hager, H. Zhang, A new conjugate gradient method with guaranteed descent and an efficient line search, SIAM
J. Optim. 16, 2005, section 4.

(Above 200 lines: one search, with its references.)
"""

import math
from typing import NamedTuple

import numpy as np

from nnspark.errors import DivergedError
from nnspark.optimizers.base import CostFn, Vector, dot

__all__ = ["Trial", "Wolfe", "evaluate_start", "wolfe_search"]


class Wolfe(NamedTuple):
    """What a step must satisfy, and when to settle for the best one seen.

    decrease, curvature : the constants of the two conditions, 0 < decrease < curvature < 1.
    width : settle when the bracket is narrower than this share of its larger end.
    max_evaluations : settle after this many trials.
    """

    decrease: float
    curvature: float
    width: float
    max_evaluations: int


class Trial(NamedTuple):
    """One evaluation on the line: the step, where it leads, and cost, gradient and slope phi'(step) there."""

    step: float
    theta: Vector
    cost: float
    grad: Vector
    slope: float


class Point(NamedTuple):
    """A step with the value and slope that interpolation uses there."""

    step: float
    value: float
    slope: float


class Interval(NamedTuple):
    """The best point so far, the other end, and whether a minimizer is known to lie between them."""

    low: Point
    high: Point
    bracketed: bool


def wolfe_search(
    cost_fn: CostFn,
    theta: Vector,
    cost: float,
    grad: Vector,
    direction: Vector,
    first_step: float,
    rules: Wolfe,
) -> Trial | None:
    """Search along `direction` from `theta`.

    Parameters
    ----------
    cost_fn : one call is one evaluation.
    theta, cost, grad : the start, and the cost and gradient there.
    direction : array like theta (or float64 with a float32 theta), downhill.
    first_step : the first trial, positive.
    rules : the conditions and limits.

    Returns
    -------
    The accepted trial; or, at a limit, the best one if its cost is below the start's; or None: no progress.
    """
    slope = dot(grad, direction)
    rounding = 4 * float(np.finfo(theta.dtype).eps) * abs(cost)
    start = Point(0.0, cost, slope)
    interval = Interval(start, start, False)
    best: Trial | None = None
    smallest, largest, ceiling = 0.0, 5 * first_step, math.inf
    last_width = width = math.inf
    decreasing_only = True
    step = first_step
    for _ in range(rules.max_evaluations):
        trial = evaluate(cost_fn, theta, direction, step)
        if not (math.isfinite(trial.cost) and math.isfinite(trial.slope)):
            ceiling = step
            step = interval.low.step + 0.1 * (step - interval.low.step)
            continue
        enough = cost + rules.decrease * step * slope
        if abs(trial.slope) <= -rules.curvature * slope and (
            trial.cost <= enough
            or (abs(trial.cost - cost) <= rounding and dot(trial.grad, trial.grad) < dot(grad, grad))
        ):
            return trial
        if trial.cost < (best.cost if best else cost):
            best = trial
        if np.array_equal(trial.theta, theta):
            break

        decreasing_only = decreasing_only and not (trial.cost <= enough and trial.slope >= 0)
        tilted = decreasing_only and interval.low.value >= trial.cost > enough
        tilt = rules.decrease * slope if tilted else 0.0
        interval, step = next_step(interval, Point(step, trial.cost, trial.slope), smallest, largest, tilt)
        low, high = interval.low.step, interval.high.step
        if interval.bracketed:
            if not math.isfinite(step) or abs(high - low) >= 0.66 * last_width:
                step = low + 0.5 * (high - low)
            last_width, width = width, abs(high - low)
            smallest, largest = min(low, high), max(low, high)
            if not smallest < step < largest or largest - smallest <= rules.width * largest:
                break
        else:
            smallest, largest = step + 1.1 * (step - low), step + 4 * (step - low)
            if step >= ceiling:
                step = low + 0.5 * (ceiling - low)
    return best


def evaluate_start(cost_fn: CostFn, theta: Vector) -> tuple[float, Vector]:
    """Evaluate the cost where a line-search method starts; it cannot start where the cost is not finite."""
    cost, grad = cost_fn(theta)
    if not (math.isfinite(cost) and np.isfinite(grad).all()):
        raise DivergedError(
            f"the cost at the starting weights is {float(cost)} and must be finite, as must its gradient; "
            "scale the features and targets, start from smaller weights, or train in float64"
        )
    return float(cost), grad


def evaluate(cost_fn: CostFn, theta: Vector, direction: Vector, step: float) -> Trial:
    """Evaluate the cost at theta + step * direction, in theta's dtype."""
    there = (theta + step * direction).astype(theta.dtype, copy=False)
    cost, grad = cost_fn(there)
    with np.errstate(over="ignore", invalid="ignore"):
        slope = dot(grad, direction)
    return Trial(step, there, float(cost), grad, slope)


def next_step(
    interval: Interval, trial: Point, smallest: float, largest: float, tilt: float
) -> tuple[Interval, float]:
    """Shrink or move the interval with one more point and choose the next step; Moré & Thuente, section 4.

    With `tilt` < 0 the choice is made on phi(t) - tilt * t, their auxiliary function, which has its
    minimizers where the sufficient decrease condition holds.
    """
    low, high, new = (Point(p.step, p.value - tilt * p.step, p.slope - tilt) for p in (*interval[:2], trial))
    step, bracketed = interpolate(low, high, new, interval.bracketed, smallest, largest)
    if new.value > low.value:
        return Interval(interval.low, trial, bracketed), step
    if new.slope * low.slope < 0:
        return Interval(trial, interval.low, bracketed), step
    return Interval(trial, interval.high, bracketed), step


def interpolate(
    low: Point, high: Point, new: Point, bracketed: bool, smallest: float, largest: float
) -> tuple[float, bool]:
    """Choose the next trial step by the four cases of Moré & Thuente, section 4; also say if bracketed."""
    span = new.step - low.step
    if new.value > low.value:
        cubic = cubic_minimizer(low, new)
        quadratic = low.step + 0.5 * span * low.slope / ((low.value - new.value) / span + low.slope)
        near = abs(cubic - low.step) <= abs(quadratic - low.step)
        return (cubic if near else cubic + 0.5 * (quadratic - cubic)), True
    if new.slope * low.slope < 0:
        cubic, secant = cubic_minimizer(new, low), secant_step(low, new)
        return (cubic if abs(cubic - new.step) > abs(secant - new.step) else secant), True
    outer = largest if span > 0 else smallest
    if abs(new.slope) < abs(low.slope):
        cubic, secant = cubic_minimizer(new, low), secant_step(low, new)
        if not (cubic - new.step) * span > 0:
            cubic = outer
        if not bracketed:
            step = cubic if abs(cubic - new.step) > abs(secant - new.step) else secant
            return min(max(step, smallest), largest), False
        step = cubic if abs(cubic - new.step) < abs(secant - new.step) else secant
        limit = new.step + 0.66 * (high.step - new.step)
        return (min(step, limit) if span > 0 else max(step, limit)), True
    return (cubic_minimizer(new, high) if bracketed else outer), bracketed


def cubic_minimizer(a: Point, b: Point) -> float:
    """Minimizer of the cubic with these values and slopes, Nocedal & Wright (3.59); NaN if it has none."""
    span = b.step - a.step
    mean = 3 * (a.value - b.value) / span + a.slope + b.slope
    scale = max(abs(mean), abs(a.slope), abs(b.slope))
    if not 0 < scale < math.inf:
        return math.nan
    root = scale * math.sqrt(max(0.0, (mean / scale) ** 2 - (a.slope / scale) * (b.slope / scale)))
    root = math.copysign(root, span)
    numerator, denominator = (root - a.slope) + mean, ((root - a.slope) + root) + b.slope
    return a.step + span * numerator / denominator if denominator else math.nan


def secant_step(a: Point, b: Point) -> float:
    """Where the line through the two slopes is zero."""
    return b.step + b.slope / (b.slope - a.slope) * (a.step - b.step)
