"""From a table of rows on the driver to a plan and the blocks it makes.

The DataFrame route (``frame.py``) takes the same decisions from the same functions, so that the same
rows give the same blocks however they arrive.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.classes import class_table, encode_labels
from nnspark.data.crowded import find_crowded, spread
from nnspark.data.finishing import finish_plan, split_of_the_rest
from nnspark.data.folds import scales_of
from nnspark.data.hints import Sample, all_differ, hints, sample_rows
from nnspark.data.learning import Over, RawRows, with_encoding
from nnspark.data.plan import Plan, Scaling, thresholds
from nnspark.data.rows import BlockSet, Rows, assemble, fingerprint_of, hash_rows, split_keys, sum_hashes
from nnspark.data.scaling import fit_scaling, fit_target_scaling, only_measured
from nnspark.net.blas import cores
from nnspark.recipe import Recipe
from nnspark.sources import Table, refusals

__all__ = ["Dataset", "fingerprint", "make_dataset", "to_blocks"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Dataset:
    """A plan and the blocks of every part, on the driver."""

    plan: Plan
    blocks: BlockSet


def make_dataset(table: Table, recipe: Recipe, *, given: NDArray[np.int8] | None = None) -> Dataset:
    """Plan, split, scale and cut a table into blocks.

    ``given`` (n,) is the part of each row, an index into ``rows.PARTS``, or its fold (see ``Plan.parts``), or
    -1 where the split decides.
    """
    given = table.given if given is None else given
    if given is not None and table.weight is not None:
        given = given[table.weight > 0]
    table = _without_weightless_rows(table)
    features, weight = table.features, table.weight
    classes, target = encode_target(table.target, recipe)
    hashes = hash_rows(features, target, weight, threads=cores())
    keys = split_keys(hashes, recipe.data.split.seed)
    own = np.ones(len(keys), bool) if given is None else given < 0
    split = split_of_the_rest(recipe.data.split, [] if given is None else np.unique(given[~own]).tolist())
    strata = (
        [target == c for c in range(len(classes))] if split.stratify and classes is not None else [own | True]
    )
    cuts = thresholds([np.sort(keys[rows & own]) for rows in strata], split)

    plan = Plan(
        task=recipe.data.task,
        feature_names=table.feature_names,
        scaling=Scaling(np.zeros(features.shape[1]), np.ones(features.shape[1])),
        dtype=recipe.training.dtype,
        block_rows=recipe.training.block_rows,
        split_seed=recipe.data.split.seed,
        cuts=cuts,
        blocks=(1, 1, 1),
        replicas=recipe.rounds.groups,
        folds=split.folds,
        classes=classes,
        num_targets=1 if target.ndim == 1 else target.shape[1],
        weighted=weight is not None,
        fingerprint=fingerprint(hashes, given if recipe.data.own_parts else None),
        own_parts=recipe.data.own_parts,
    )
    part = plan.parts(keys, target, given)
    train = part == 0
    class_counts = None if classes is None else np.bincount(target[train], minlength=len(classes))
    to_learn = features if train.all() else features[train]
    plan = with_encoding(plan, recipe, table.kinds, _once(RawRows(to_learn, table.spellings)))
    scale, target_scale = scales_of(recipe)
    scaling = fit_scaling(scale, [plan.encoded(to_learn)], plan.num_features)
    plan = finish_plan(
        plan,
        recipe,
        np.bincount(part, minlength=3),
        class_counts,
        only_measured(scaling, plan.measured),
        fit_target_scaling(target_scale, [target[train]], plan.num_targets),
    )
    sample = Sample(sample_rows(features.shape[1]), features.shape[1]).add(hashes, features)
    found = hints(sample, table.feature_names, table.kinds, recipe.data.scale, partial(all_differ, features))
    plan = replace(plan, hints=plan.hints + found)
    rows = plan.prepare(features, target, weight, given, hashes, threads=cores())
    return Dataset(plan, to_blocks(plan, rows, by_hash=given is None))


def to_blocks(plan: Plan, rows: Rows, *, by_hash: bool = True) -> BlockSet:
    """Prepared rows, all there are, in their blocks; copies of rows that come very often are spread.

    ``by_hash`` : whether a row's hash decides its part, so that copies share one; else they are not spread.
    """
    if by_hash:
        crowded = find_crowded(rows.hashes, plan.num_columns, plan.block_rows)
        rows = spread(rows, crowded, plan.blocks, plan.block_rows, plan.folds)
    return assemble([rows], plan.block_rows, threads=cores())


def encode_target(target: Array, recipe: Recipe) -> tuple[Array | None, Array]:
    """Classes (None for other tasks) and the encoded target: indices (n,) or float64 (n, outputs)."""
    if recipe.data.task == "classification":
        classes = class_table(target, recipe.data.classes)
        return classes, encode_labels(target, classes)
    return None, np.asarray(target, dtype=np.float64).reshape(len(target), -1)


def fingerprint(hashes: NDArray[np.uint64], part: NDArray[np.int8] | None = None) -> str:
    """What identifies a set of rows, in any order, and their parts where these are the rows' own."""
    return fingerprint_of(len(hashes), sum_hashes(hashes, part))


def _once(rows: RawRows) -> Over | None:
    """Training rows that are all here."""
    return (lambda function: function(rows)) if len(rows.values) else None


def _without_weightless_rows(table: Table) -> Table:
    """A row of weight 0 is a row that is not there."""
    if table.weight is None or (table.weight > 0).all():
        return table
    keep = table.weight > 0
    if not keep.any():
        raise refusals.no_weight(len(keep))
    return replace(
        table,
        features=table.features[keep],
        target=table.target[keep],
        weight=table.weight[keep],
        given=None if table.given is None else table.given[keep],
    )
