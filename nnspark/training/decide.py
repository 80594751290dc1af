"""The decision of a trained network: calibration and threshold, as ``[prediction]`` asks for them.

Both are found after training, on rows that it did not see: the validation part. The weights know nothing of
them.
"""

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.data.plan import Plan
from nnspark.data.rows import PARTS, Block
from nnspark.engines.base import Shards
from nnspark.errors import DataError, RecipeError
from nnspark.objective.curves import Curve, choose_threshold, curve_of
from nnspark.objective.decision import Decision
from nnspark.objective.objective import Objective
from nnspark.objective.problems import shares_of
from nnspark.objective.tally import Tally, keys_of_scores
from nnspark.recipe import Prediction
from nnspark.training.calibration import calibrate
from nnspark.training.looking import look
from nnspark.training.measure import AT_ONCE

__all__ = [
    "COARSE",
    "Decided",
    "decide",
    "is_binary",
    "refuse_undecidable",
    "second_class_curve",
    "shift_for",
]

Array = NDArray[Any]
COARSE = 16
"""Bits that scores lack where there are too many for a tally of all."""


class Decided(NamedTuple):
    """The decision, the part that it was found on ("" where nothing was), and what a person should know."""

    decision: Decision
    part: str = ""
    warnings: tuple[str, ...] = ()


def decide(prediction: Prediction, objective: Objective, shards: Shards, theta: Array) -> Decided:
    """The decision at theta: no job without calibration and with a given threshold, else a few small ones."""
    part = "validation" if shards.plan.num_samples[1] else "train"
    decision = calibrate(prediction.calibration, objective, shards, theta, part)
    rule = prediction.threshold
    if isinstance(rule, int | float):
        threshold = None if rule == 0.5 else float(rule)
        return Decided(replace(decision, threshold=threshold), part if decision.calibrates else "")
    curve = second_class_curve(replace(objective, decision=decision), shards, theta, part)
    if not curve.positives or not curve.negatives:
        only = "first" if not curve.positives else "second"
        said = f"prediction.threshold is 0.5: all rows of the {part} part are of the {only} class"
        return Decided(decision, part, (said,))
    threshold, reached = choose_threshold(curve, rule)
    warnings: tuple[str, ...] = ()
    if not reached:
        best = float(np.max(curve.true / (curve.true + curve.false)))
        wanted = dict(rule)["precision"] if not isinstance(rule, str) else rule
        warnings = (
            f"no threshold has a precision of {wanted:g} on the {part} part: {threshold:.6g} has the best, "
            f"{best:.4f}",
        )
    return Decided(replace(decision, threshold=threshold), part, warnings)


def is_binary(objective: Objective) -> bool:
    """Whether it is of two classes."""
    return objective.problem == "classification" and objective.network.layers[-1] <= 2


def second_class_curve(objective: Objective, shards: Shards, theta: Array, part: str) -> Curve:
    """What each threshold of the second class's probability gives on a part: one job."""
    shift = shift_for(shards.plan, part)
    sums = look(objective, shards, theta, part, partial(_second_class, shift))
    return curve_of(sums.get("scores", Tally(2)), shift)


def shift_for(plan: Plan, part: str, tallies: int = 1) -> int:
    """The bits that scores lack, so that no machine holds more than ``AT_ONCE`` of them."""
    return 0 if tallies * plan.num_samples[PARTS.index(part)] <= AT_ONCE else COARSE


def _second_class(
    shift: int, objective: Objective, z: Array, outputs: Array, block: Block
) -> dict[str, Tally]:
    """Scores of a block's rows, by class."""
    answers = objective.answers(z, outputs, fine=True)
    fine = answers.outputs if answers.precise is None else answers.precise
    p = np.clip(shares_of(fine.astype(np.float64))[:, 1], 0.0, 1.0)
    return {"scores": Tally.of(keys_of_scores(p), block.y == 1, 2).coarse(shift)}


def refuse_undecidable(prediction: Prediction, objective: Objective, plan: Plan) -> None:
    """RecipeError or DataError, before training, where the recipe asks for what these rows do not have."""
    units = objective.network.layers[-1]
    binary = is_binary(objective)
    if prediction.threshold != 0.5 and not binary:
        raise RecipeError(
            f"prediction.threshold: expected 0.5 unless there are two classes, got {prediction.threshold!r} "
            f"for {units} {'classes' if plan.classes is not None else 'outputs'}"
        )
    if prediction.calibration == "platt" and not binary:
        raise RecipeError(
            f"prediction.calibration: expected 'temperature' or 'none' for {units} "
            f"{'classes' if plan.classes is not None else 'outputs'}, got 'platt', which is for two classes"
        )
    if prediction.calibration == "none":
        return
    if objective.network.output == "identity":
        raise RecipeError(
            "prediction.calibration: expected 'none' with network.output 'identity', whose outputs are no "
            f"probabilities, got {prediction.calibration!r}"
        )
    if not plan.num_samples[1]:
        raise DataError(
            f"prediction.calibration is {prediction.calibration!r} but the validation part has no rows of "
            f"the {sum(plan.num_samples)} there are: {plan.more_validation}, or set it to 'none'"
        )
