"""The folds of laid-out rows: one set of shards, and for each fold what its run has of them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nnspark.data.affine import Scaling
from nnspark.data.folds import Fold, is_fitted
from nnspark.data.plan import Plan
from nnspark.data.scaling import class_weights, fit_over, only_measured
from nnspark.engines.base import Function, Shards, Sum
from nnspark.engines.fold_jobs import Counts, Merged, count_rows, over_training_rows, through
from nnspark.errors import DataError, InternalError
from nnspark.recipe import Recipe

__all__ = ["FoldShards", "Folds", "View", "fold_of_scaled", "whole_view"]

Array = NDArray[Any]
View = Callable[[Any], Any]
"""What a run sees of shards: ``view(shards)``."""


def whole_view(shards: Any) -> Any:
    """All there is."""
    return shards


class FoldShards:
    """Shards as a run of one fold sees them. Closing them closes what all folds share."""

    def __init__(self, shards: Shards, plan: Plan, fold: Fold) -> None:
        self._shards, self.plan, self.fold = shards, plan, fold

    @property
    def platforms(self) -> set[str]:
        """What the machines compute with."""
        return self._shards.platforms

    def run(self, function: Function[Sum], value: Any, zero: Callable[[], Sum]) -> Sum:
        """``function(blocks, value)`` over the fold's view of every shard, merged."""
        return self._shards.run(partial(through, self.fold, function), value, zero)

    @property
    def view(self) -> "View":
        """This view of any shards that hold the same blocks; it can be sent to where they are."""
        return partial(FoldShards, plan=self.plan, fold=self.fold)

    def close(self) -> None:
        """Give back what all folds share."""
        self._shards.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *about: object) -> None:
        self.close()


class Folds:
    """Laid-out rows in folds; one job counts them.

    Parameters
    ----------
    shards : laid out by ``folds.shared_recipe(recipe)``.
    named : the column that says which fold a row is of, if one does; it may leave a class out of some.

    Raises
    ------
    DataError : a fold has no row of a class, or none at all.
    """

    def __init__(self, shards: Shards, recipe: Recipe, *, named: str = "") -> None:
        self.shared, self._recipe = shards, recipe
        self.rows = _rows_of(shards)
        if named:
            _refuse_unnamed(self.rows, named, weighted=shards.plan.weighted)
        else:
            _refuse_empty(shards.plan, self.rows)

    def shards(self, fold: int) -> FoldShards:
        """What a run of a fold sees, its scaling fitted to its training rows; -1: all folds train."""
        recipe, plan = self._recipe, self.shared.plan
        train = self.rows.sum(axis=0) - (self.rows[fold] if fold >= 0 else 0)
        seen = replace(
            _seen_plan(plan, self.rows, fold),
            dtype=recipe.training.dtype,
            class_weight=class_weights(
                recipe.training.class_weight, plan.classes, None if plan.classes is None else train
            ),
            weighted=plan.weighted or recipe.training.class_weight != "none",
        )
        view = Fold(plan.folds, fold, "float64")
        scaling, target_scaling = None, None
        if is_fitted(recipe):
            raw = FoldShards(self.shared, seen, view)
            scaling = only_measured(
                _fitted(raw, recipe.data.scale, plan.num_features, of_target=False), plan.measured
            )
            if recipe.data.target_scale != "none":
                target_scaling = _fitted(raw, recipe.data.target_scale, plan.num_targets, of_target=True)
            seen = replace(seen, scaling=scaling, target_scaling=target_scaling)
        view = Fold(plan.folds, fold, recipe.training.dtype, scaling, target_scaling, seen.class_weight)
        return FoldShards(self.shared, seen, view)


def fold_of_scaled(shards: Shards, fold: int) -> FoldShards:
    """A fold's view of shards that hold rows ready to use, as an evaluation has them."""
    plan = _seen_plan(shards.plan, _rows_of(shards), fold)
    return FoldShards(shards, plan, Fold(plan.folds, fold, plan.dtype))


def _seen_plan(plan: Plan, rows: Array, fold: int) -> Plan:
    """The plan with the numbers of rows and blocks that a fold's run has."""
    own = int(rows[fold].sum()) if fold >= 0 else 0
    blocks, training = plan.blocks[0] // plan.folds, plan.folds - (fold >= 0)
    return replace(
        plan,
        num_samples=(int(rows.sum()) - own, own, plan.num_samples[2]),
        blocks=(blocks * training, blocks if fold >= 0 else 1, plan.blocks[2]),
    )


def _rows_of(shards: Shards) -> NDArray[np.int64]:
    """Training rows by fold and class, (folds, classes or 1): one job."""
    plan = shards.plan
    shape = plan.folds, 1 if plan.classes is None else len(plan.classes)
    rows = shards.run(count_rows, shape, partial(Counts.of, shape)).rows
    if rows.sum() != plan.num_samples[0]:
        raise InternalError(
            f"the folds have {rows.sum()} rows but the plan has {plan.num_samples[0]}: please report this"
        )
    return rows


def _refuse_unnamed(rows: Array, named: str, *, weighted: bool) -> None:
    what = "row with weight" if weighted else "row"
    for fold in np.flatnonzero(rows.sum(axis=1) == 0).tolist():
        raise DataError(
            f"column {named!r} has no {what} of fold {fold} of {len(rows)}: expected every number from 0 to "
            f"{len(rows) - 1}"
        )


def _refuse_empty(plan: Plan, rows: Array) -> None:
    if plan.classes is None:
        if not rows.all():
            raise DataError(
                f"fold {int(rows[:, 0].argmin())} of {len(rows)} has no row: there are only {rows.sum()}; "
                "use fewer folds"
            )
        return
    there = np.flatnonzero(rows.sum(axis=0))
    missing = [(fold, label) for label in there for fold in np.flatnonzero(rows[:, label] == 0)]
    if missing:
        fold, label = missing[0]
        raise DataError(
            f"fold {fold} of {len(rows)} has no row of class {plan.classes[label]}, which has "
            f"{rows[:, label].sum()} in all: use fewer folds, or data.split.stratify = true where there are "
            "rows enough"
        )


def _fitted(shards: Shards, spec: Any, columns: int, *, of_target: bool) -> Scaling:
    """The scaling of a fold's training rows."""
    if not isinstance(spec, str):
        return Scaling(np.full(columns, float(spec["center"])), np.full(columns, float(spec["divide"])))
    if spec == "none":
        return Scaling(np.zeros(columns), np.ones(columns))

    def over(function: Callable[[Array], Any]) -> Any:
        return shards.run(partial(over_training_rows, of_target, function), None, Merged).value

    return fit_over(spec, over)
