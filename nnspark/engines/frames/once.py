"""Rows that cross from the JVM, or from their files, once: packed as supposed, and surveyed on the way.

What the survey decides is mostly known before of rows that are all for training, as they are, and have been
counted: how many blocks there are. So they are packed by the plan that such rows will have, while each task
surveys what it reads; then the plan is made of the survey, by the code that makes every plan.

    rows counted --supposed_plan--> pack + survey --> make_plan(survey) --alike--> accepted
                                                                        --not----> packed again, by that plan

They are not alike where the rows changed since they were counted. Where some come so often that their copies
are to be spread (``crowding.py``), all are packed again too. Values that cannot be used are refused as ever.
"""

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnspark.data.finishing import finish_plan
from nnspark.data.folds import is_fitted
from nnspark.data.plan import Plan
from nnspark.data.scaling import fit_scaling
from nnspark.engines.frames.begun import begin_plan
from nnspark.engines.frames.columns import Layout
from nnspark.engines.frames.merging import merge_all
from nnspark.engines.frames.survey import strata_of
from nnspark.recipe import Recipe

if TYPE_CHECKING:
    from nnspark.engines.frames.survey import Survey
    from nnspark.engines.rdd import SparkShards

__all__ = ["are_alike", "holds", "supposed_plan", "survey_on_the_way"]


def supposed_plan(layout: Layout, recipe: Recipe, rows: int) -> Plan | None:
    """The plan of so many rows before anything is known of them; None where it depends on what they are."""
    split, data = recipe.data.split, recipe.data
    is_plain = not (layout.weight or layout.given or layout.kinds or layout.may_miss or layout.text)
    is_whole = not (split.validation or split.test or split.folds)
    is_as_it_is = not is_fitted(recipe) and recipe.training.class_weight == "none"
    if not (rows and is_plain and is_whole and is_as_it_is):
        return None
    plan = begin_plan(layout, recipe, split, np.zeros((strata_of(layout, split), 2), np.uint64), "")
    scaling = fit_scaling(data.scale, [], plan.num_features)
    return replace(finish_plan(plan, recipe, np.array([rows, 0, 0]), None, scaling, None), warnings=())


def survey_on_the_way(shards: "SparkShards") -> "Survey | None":
    """The survey of all rows that shards were packed of; None of no rows."""
    survey: Survey | None = merge_all(map(pickle.loads, shards.learned))
    return survey


def holds(shards: "SparkShards", plan: Plan) -> bool:
    """Whether the shards have all rows of a plan: a bin that got too many has none of them."""
    return sum(sum(handle.rows) for handle in shards.handles) == sum(plan.num_samples)


def are_alike(plan: Plan, supposed: Plan) -> bool:
    """Whether rows that are packed by one plan are where the other has them."""
    same = ("num_samples", "blocks", "block_rows", "class_weight", "encoding", "target_scaling")
    return np.array_equal(plan.cuts, supposed.cuts) and all(
        getattr(plan, name) == getattr(supposed, name) for name in same
    )
