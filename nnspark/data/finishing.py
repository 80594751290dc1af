"""What a split and a plan are once it is known which rows have a part of their own, and how many each has."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nnspark.data.affine import Scaling
from nnspark.data.block_rows import block_rows_of
from nnspark.data.plan import Plan, num_blocks
from nnspark.data.rows import PARTS
from nnspark.data.scaling import class_weights
from nnspark.errors import DataError
from nnspark.recipe import Recipe, Split

__all__ = ["finish_plan", "split_of_the_rest"]

FEW = 10  # classes that a warning names


def finish_plan(
    plan: Plan,
    recipe: Recipe,
    counts: NDArray[np.int64],
    class_counts: NDArray[np.int64] | None,
    scaling: Scaling,
    target_scaling: Scaling | None,
) -> Plan:
    """The plan with all that needs the rows of each part to be known: counts, scaling, class weights."""
    warnings, split = [], recipe.data.split
    if counts[0] == 0:
        advice = "give some the part 'train'" if recipe.data.own_parts else "make data.split.train larger"
        raise DataError(f"no row is left for training out of {counts.sum()}; {advice}")
    for part, fraction in ((1, 0.0 if split.folds else split.validation), (2, split.test)):
        if fraction > 0 and counts[part] == 0:
            warnings.append(f"no row fell into the {PARTS[part]} part: there are only {counts.sum()} rows")
    if plan.classes is not None and class_counts is not None:
        if counts[0] < len(plan.classes) and not recipe.data.classes:
            raise DataError(
                f"there are fewer training rows ({counts[0]}) than classes ({len(plan.classes)}); "
                "is data.label the right column?"
            )
        unseen = [str(plan.classes[c]) for c in np.flatnonzero(class_counts == 0)]
        if unseen:
            advice = "" if recipe.data.own_parts else "; try data.split.stratify = true"
            more = f" and {len(unseen) - FEW:,} more" if len(unseen) > FEW else ""
            warnings.append(f"no training row has class {', '.join(unseen[:FEW])}{more}{advice}")
    if recipe.training.class_weight != "none" and recipe.prediction.calibration != "platt":
        warnings.append(
            "training.class_weight moves the probabilities towards the classes that weigh more: they are "
            "scores, not shares of rows; of two classes prediction.calibration = 'platt' makes them shares"
        )
    train, validation, test = (int(count) for count in counts)
    rows, folds = block_rows_of(recipe.training.block_rows, train, plan.num_features), split.folds or 1
    blocks = folds * num_blocks(math.ceil(train / folds), rows, recipe.rounds.replicas)
    return replace(
        plan,
        block_rows=rows,
        scaling=scaling,
        target_scaling=target_scaling,
        blocks=(blocks, num_blocks(validation, rows), num_blocks(test, rows)),
        class_weight=class_weights(recipe.training.class_weight, plan.classes, class_counts),
        num_samples=(train, validation, test),
        weighted=plan.weighted or recipe.training.class_weight != "none",
        warnings=tuple(warnings),
    )


def split_of_the_rest(split: Split, given: Sequence[int]) -> Split:
    """The split of the rows whose part is not given, where these parts (1, 2) are."""
    if split.folds:
        return replace(split, test=0.0) if 2 in given else split
    fractions = (
        split.train,
        0.0 if 1 in given else split.validation,
        0.0 if 2 in given else split.test,
    )
    if not given or not sum(fractions):
        return split
    train, validation, test = (fraction / sum(fractions) for fraction in fractions)
    return replace(split, train=train, validation=validation, test=test)
