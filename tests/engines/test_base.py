"""Where blocks go, and how deep their sums are: decided without Spark."""

from collections import Counter

import numpy as np
import pytest

from nnspark.engines.gather import depth_for, size_of
from nnspark.engines.layout import bin_of

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
