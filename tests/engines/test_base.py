"""Where blocks go, and how deep their sums are: decided without Spark."""

import math
import pickle
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from helpers import shards_of

from nnspark.engines.bins import bin_of, place_of
from nnspark.engines.gather import depth_for, size_of
from nnspark.sums.ordered import OrderedSum

MB = 1 << 20


@pytest.mark.parametrize(
    ("tasks", "result_bytes", "depth"),
    [
        (2, 96 * MB, 1),
        (5, 96 * MB, 1),
        (6, 96 * MB, 2),
        (64, 1000, 1),
        (65, 1000, 2),
        (1, 4096 * MB, 2),
    ],
)
def test_the_sum_is_deeper_where_the_driver_would_hold_too_much(
    tasks: int, result_bytes: int, depth: int
) -> None:
    """Many results, or large ones, are added on the executors first."""
    assert depth_for(tasks, result_bytes) == depth


def test_the_size_of_a_value_is_that_of_its_arrays() -> None:
    """Nested as a round's start is: theta, the state's arrays, a rate."""
    theta = np.zeros(10)
    assert size_of(theta) == 80
    assert size_of((3, theta, {"mean": theta, "steps": np.int64(4)}, 0.1)) == 160
    assert size_of(None) == 0


@pytest.mark.parametrize("tasks", [1, 2, 7])
@pytest.mark.parametrize("bins_a_task", [1, 3])
def test_blocks_spread_evenly_over_tasks_and_their_bins(tasks: int, bins_a_task: int) -> None:
    """Neighbours go to different tasks; no task gets two blocks more than another."""
    bins = [bin_of(unit, tasks, bins_a_task) for unit in range(100)]
    by_task = Counter(one // bins_a_task for one in bins)
    assert set(bins) == set(range(tasks * bins_a_task))
    assert max(by_task.values()) - min(by_task.values()) <= 1


@pytest.mark.parametrize(("tasks", "bins_a_task"), [(1, 1), (2, 3), (3, 1), (4, 1), (4, 5), (7, 2), (100, 1)])
@pytest.mark.parametrize("replicas", [1, 4, 64, 100])
def test_a_task_holds_neighbouring_replicas_and_returns_few_sums(
    replicas: int, tasks: int, bins_a_task: int
) -> None:
    """Of 64 replicas on 4 tasks each returns one sum; of any number at most two a level of the tree."""
    plan = replace(shards_of(np.zeros((1, 1)), [0]).plan, replicas=replicas, blocks=(3 * replicas, 1, 1))
    blocks = np.arange(3 * replicas)
    bins = place_of(plan, "train", blocks, tasks, bins_a_task)
    assert [place_of(plan, "train", int(b), tasks, bins_a_task) for b in blocks] == bins.tolist()
    holders = [set(bins[3 * r : 3 * r + 3]) for r in range(replicas)]
    assert all(len(bins_of_one) == 1 for bins_of_one in holders)
    held = Counter(one.pop() // bins_a_task for one in holders)
    assert max(held.values()) - min(held.values()) <= (len(held) == tasks) or max(held.values()) == 1
    theta, start, sums = np.ones(1000), 0, {}
    for task in sorted(held):
        moved = OrderedSum(replicas)
        for replica in range(start, start + held[task]):
            assert bins[3 * replica] // bins_a_task == task
            moved.add(replica, 1.0, {"theta": theta})
        start += held[task]
        sums[task] = round(len(pickle.dumps(moved)) / theta.nbytes)
    few = 1 if (replicas, tasks) == (64, 4) else max(1, 2 * math.ceil(math.log2(max(held.values()) + 1)))
    assert max(sums.values()) <= few


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_blocks_that_need_not_stay_together_spread(part: str) -> None:
    """All of them without replicas; those of validation and test with them too."""
    plan = shards_of(np.zeros((1, 1)), [0]).plan
    if part != "train":
        plan = replace(plan, replicas=4, blocks=(8, 8, 8))
    assert [place_of(plan, part, block, 4, 1) for block in range(8)] == [0, 1, 2, 3, 0, 1, 2, 3]
