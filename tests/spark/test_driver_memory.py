"""The warning of a driver that is too small for its network."""

import pytest

from nnspark.engines.driver_memory import advice, results_at_once


@pytest.mark.parametrize(
    ("tasks", "depth", "local", "expected"),
    [(100, 0, True, 100), (8, 0, False, 8), (100, 0, False, 10), (100, 1, False, 100), (1000, 3, False, 10)],
)
def test_results_that_meet_in_the_driver(tasks, depth, local, expected):
    """All of them in local mode and at depth 1; else about a root of them."""
    assert results_at_once(tasks, 1000, depth, local=local) == expected


def test_a_heap_that_is_too_small_is_told(spark):
    """With the memory to give; a small network is no reason to say anything."""
    heap = spark.sparkContext._jvm.java.lang.Runtime.getRuntime().maxMemory()
    assert advice(spark.sparkContext, 2, 80_000) is None
    text = advice(spark.sparkContext, 2, heap // 4)
    assert f"2 results of {heap // 4 / 1e6:.0f} MB" in text
    assert f"spark.driver.memory={1 + 8 * (heap // 4) // 10**9}g" in text
