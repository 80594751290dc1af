"""A DataFrame's plan as it is begun: what its columns, its recipe and its split alone say."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.plan import Plan, Scaling
from nnspark.engines.frames.columns import Layout
from nnspark.recipe import Recipe, Split

__all__ = ["begin_plan"]


def begin_plan(layout: Layout, recipe: Recipe, split: Split, cuts: NDArray[Any], fingerprint: str) -> Plan:
    """A plan before it is known how its columns are scaled and how many rows each part has."""
    columns = len(layout.names)
    return Plan(
        task=layout.task,
        feature_names=layout.names,
        scaling=Scaling(np.zeros(columns), np.ones(columns)),
        dtype=recipe.training.dtype,
        block_rows=recipe.training.block_rows,
        split_seed=split.seed,
        cuts=cuts,
        blocks=(1, 1, 1),
        replicas=recipe.rounds.groups,
        folds=split.folds,
        classes=layout.classes,
        num_targets=len(layout.targets),
        weighted=bool(layout.weight),
        fingerprint=fingerprint,
        own_parts=bool(layout.part),
    )
