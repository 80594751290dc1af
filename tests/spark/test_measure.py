"""The figures of a finished model are the same bits on 1 and 7 partitions, on Spark and without."""

from typing import Any

import numpy as np
import pytest
from helpers import shards_of

from nnspark.data.dataset import Dataset
from nnspark.engines.layout import make_shards
from nnspark.net import weights as weights_module
from nnspark.net.network import Network
from nnspark.objective.objective import Objective
from nnspark.training import measure as measure_module
from nnspark.training.measure import measure

HEADS = {
    "classification": ("softmax", "cross_entropy"),
    "regression": ("identity", "squared_error"),
    "multilabel": ("sigmoid", "cross_entropy"),
}


@pytest.mark.parametrize("at_once", [pytest.param(1 << 22, marks=pytest.mark.slow), 300])
@pytest.mark.parametrize("task", HEADS)
def test_figures_do_not_depend_on_the_partitions(
    spark: Any, monkeypatch: pytest.MonkeyPatch, task: str, at_once: int
) -> None:
    """Areas, medians and baselines among them, ties included; by one pass, and by ranges."""
    rng = np.random.default_rng(7)
    scores = np.round(rng.normal(size=(400, 3)), 1)
    y: Any = {
        "classification": rng.integers(0, 3, 400),
        "regression": scores + np.round(rng.normal(size=scores.shape), 1),
        "multilabel": (scores > 0.3).astype(float),
    }[task]
    monkeypatch.setattr(measure_module, "AT_ONCE", at_once)
    local = shards_of(scores, y, task=task, block_rows=16, part="test")
    objective = Objective(Network((3, 3), "identity", *HEADS[task]), task, "float64", local.plan.terms)
    theta = weights_module.flatten([np.hstack([np.zeros((3, 1)), np.eye(3) + 0.1])])
    expected = measure(objective, local, theta, ["test"])
    assert expected["test"]["num_samples"] == 400
    for partitions in (1, 7):
        dataset = Dataset(local.plan, local.blocks[0])
        with make_shards(dataset, spark.sparkContext, partitions=partitions) as shards:
            assert measure(objective, shards, theta, ["test"]) == expected
