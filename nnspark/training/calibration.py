"""Fit a calibration: the slope and offset that make the validation part's probabilities likeliest.

With l the log scores of ``objective/decision.py``, both minimise the mean cross entropy of the calibrated
probabilities, which is convex: Newton's method, a pass over the part a step, its sums exact, so that the
numbers are the same to the last bit on any layout of the rows.

    temperature   offset 0; the slope between 1/100 and 100, wherein it lies unless the part is separable
    platt         of two classes; the targets are (N₊ + 1)/(N₊ + 2) and 1/(N₋ + 2) in place of 1 and 0, so
                  that separable rows do not lead to infinity (Platt 1999, eq. 4; Lin, Lin and Weng 2007)
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.rows import Block
from nnspark.engines.base import Shards
from nnspark.net.activations import OUTPUTS
from nnspark.objective.decision import PLAIN, Decision, log_scores
from nnspark.objective.objective import Objective
from nnspark.sums.exact import from_exact
from nnspark.training.looking import look

__all__ = ["CALIBRATIONS", "calibrate"]

Array = NDArray[Any]
Pass = Callable[[float, float], Mapping[str, float]]
STEEPEST, STEPS, CLOSE = 100.0, 60, 1e-12


def calibrate(name: str, objective: Objective, shards: Shards, theta: Array, part: str) -> Decision:
    """The decision, without a threshold, of a calibration's name: "none", "temperature" or "platt"."""
    return CALIBRATIONS[name](replace(objective, decision=PLAIN), shards, theta, part)


def _none(objective: Objective, shards: Shards, theta: Array, part: str) -> Decision:
    return PLAIN


def _temperature(objective: Objective, shards: Shards, theta: Array, part: str) -> Decision:
    """Newton's steps for the slope, between bounds that close in on it."""
    low, high, slope = 1.0 / STEEPEST, STEEPEST, 1.0
    for _ in range(STEPS):
        sums = _pass(objective, shards, theta, part, (1.0, 0.0), slope, 0.0)
        first, second = sums["d slope"], sums["d slope slope"]
        if abs(first) <= CLOSE * sums["size"]:
            break
        low, high = (slope, high) if first < 0 else (low, slope)
        step = slope - first / second if second > 0 else 0.0
        before, slope = slope, step if low < step < high else math.sqrt(low * high)
        if abs(slope - before) <= CLOSE * before:
            break
    return Decision(slope=slope)


def _platt(objective: Objective, shards: Shards, theta: Array, part: str) -> Decision:
    """Newton's steps for both, halved until they lead downwards."""
    rows = {name: from_exact(one) for name, one in look(objective, shards, theta, part, _classes).items()}
    first, second = rows["first"], rows["second"]
    targets = ((second + 1) / (second + 2), 1 / (first + 2))
    one_pass = partial(_pass, objective, shards, theta, part, targets)
    slope, offset = 0.0, math.log((second + 1) / (first + 1))
    here = one_pass(slope, offset)
    for _ in range(STEPS):
        grad = np.array([here["d slope"], here["d offset"]])
        if np.abs(grad).max() <= CLOSE * here["size"]:
            break
        curvature = np.array(
            [
                [here["d slope slope"], here["d slope offset"]],
                [here["d slope offset"], here["d offset offset"]],
            ]
        )
        curvature += 1e-12 * np.trace(curvature) * np.eye(2)
        move, share = -np.linalg.solve(curvature, grad), 1.0
        slight = -float(grad @ move) <= 1e-6 * here["loss"]  # nearer than a difference of losses can tell
        there = one_pass(slope + move[0], offset + move[1])
        while not slight and there["loss"] > here["loss"] + 1e-4 * share * float(grad @ move):
            share /= 2
            there = one_pass(slope + share * move[0], offset + share * move[1])
        slope, offset = slope + share * float(move[0]), offset + share * float(move[1])
        here = there
    return Decision(slope=slope, offset=offset)


CALIBRATIONS: dict[str, Callable[[Objective, Shards, Array, str], Decision]] = {
    "none": _none,
    "temperature": _temperature,
    "platt": _platt,
}


def _pass(
    objective: Objective,
    shards: Shards,
    theta: Array,
    part: str,
    targets: tuple[float, float],
    slope: float,
    offset: float,
) -> dict[str, float]:
    """The loss at slope and offset, its derivatives, and the size that they are small or large against."""
    found = look(objective, shards, theta, part, partial(_derivatives, targets, slope, offset))
    return {name: from_exact(one) for name, one in found.items()}


def _classes(objective: Objective, z: Array, outputs: Array, block: Block) -> dict[str, float]:
    """The weight of the rows of the first and of the second class."""
    w = np.ones(len(block)) if block.weight is None else block.weight
    return {"first": float(w[block.y == 0].sum()), "second": float(w[block.y == 1].sum())}


def _derivatives(
    targets: tuple[float, float], slope: float, offset: float,
    objective: Objective, z: Array, outputs: Array, block: Block,
) -> dict[str, float]:  # fmt: skip
    """Of a block; ``targets`` are of the rows of the second class, or with a label, and of the others."""
    scores = log_scores(objective.problem, objective.network.output, z)
    w = np.ones(len(block)) if block.weight is None else block.weight
    if objective.problem == "classification" and scores.shape[1] > 2:
        return _of_classes(scores, slope, block.y, w)
    own = block.y >= 0.5 if block.y.ndim == 2 else (block.y == 1)[:, None]
    target = np.where(own, *targets)
    linear = slope * scores + offset
    p = OUTPUTS["sigmoid"](linear.copy())
    error, spread = p - target, p * (1.0 - p)
    sums = {
        "loss": np.logaddexp(0.0, linear) - target * linear,
        "d slope": error * scores,
        "d offset": error,
        "d slope slope": spread * scores**2,
        "d slope offset": spread * scores,
        "d offset offset": spread,
        "size": np.abs(scores) + 1.0,
    }
    return {name: float(w @ one.sum(axis=1)) for name, one in sums.items()}


def _of_classes(scores: Array, slope: float, y: Array, w: Array) -> dict[str, float]:
    """The same of more than two classes, whose slope alone is fitted."""
    scores = scores - scores.max(axis=1, keepdims=True)
    powers = np.exp(slope * scores)
    total = powers.sum(axis=1)
    p = powers / total[:, None]
    mean, own = (p * scores).sum(axis=1), scores[np.arange(len(y)), y]
    sums = {
        "loss": np.log(total) - slope * own,
        "d slope": mean - own,
        "d slope slope": (p * scores**2).sum(axis=1) - mean**2,
        "size": np.abs(mean) + 1.0,
    }
    return {name: float(np.dot(w, one)) for name, one in sums.items()}
