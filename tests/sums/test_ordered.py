"""Weighted averages of numbered parts: the same bits in any order and grouping, NumPy as the oracle."""

import pickle
from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nnspark.sums.ordered import OrderedSum

NUMBERS = st.floats(-1e9, 1e9)
SUBNORMAL = 1e-320  # a weighted sum of numbers this small has few bits
WEIGHTS = st.floats(0.1, 1e4)
PARTS = st.lists(st.tuples(WEIGHTS, st.lists(NUMBERS, min_size=3, max_size=3)), min_size=1, max_size=20)


def grouped(parts, random, present=None):
    """The average of parts added in random order to random accumulators, merged in random order."""
    numbers = list(range(len(parts))) if present is None else list(present)
    random.shuffle(numbers)
    sums = [OrderedSum(len(parts)) for _ in range(random.randint(1, len(parts)))]
    for number in numbers:
        weight, values = parts[number]
        random.choice(sums).add(number, weight, {"theta": np.array(values)})
    while len(sums) > 1:
        random.shuffle(sums)
        other = sums.pop()
        sums[0].merge(pickle.loads(pickle.dumps(other)) if random.random() < 0.5 else other)
    return sums[0].average()["theta"]


def check(average, expected, values):
    """See that they are equal to rounding, which near 0 is to a few of the smallest numbers."""
    np.testing.assert_allclose(average, expected, rtol=1e-12, atol=1e-12 * np.abs(values).max() + SUBNORMAL)


@given(PARTS, st.randoms(use_true_random=False))
@example([(0.25, [0.0, 0.0, 2.2250738585e-313])], Random(1))
def test_any_order_and_grouping_gives_the_same_bits(parts, random):
    """And what np.average gives, to rounding."""
    average = grouped(parts, random)
    assert average.tobytes() == grouped(parts, random).tobytes()
    weights, values = [w for w, _ in parts], np.array([v for _, v in parts])
    check(average, np.average(values, axis=0, weights=weights), values)


@given(PARTS.filter(lambda parts: len(parts) > 1), st.data(), st.randoms(use_true_random=False))
def test_parts_without_rows_may_be_absent(parts, data, random):
    """Any subset of the parts gives one result, the average of those there are."""
    present = data.draw(st.sets(st.integers(0, len(parts) - 1), min_size=1))
    average = grouped(parts, random, present)
    assert average.tobytes() == grouped(parts, random, present).tobytes()
    values = np.array([parts[i][1] for i in sorted(present)])
    check(average, np.average(values, axis=0, weights=[parts[i][0] for i in sorted(present)]), values)


@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_one_part_of_weight_1_comes_out_as_it_went_in(values):
    """Bit for bit: what makes one replica sequential SGD."""
    total = OrderedSum(1)
    total.add(0, 1.0, {"theta": np.array(values)})
    assert total.average()["theta"].tobytes() == np.array(values).tobytes()


def test_one_part_of_any_weight_comes_out_as_it_went_in():
    """As the module says; 0.1 · 3 / 3 is not 0.1 in floating point."""
    values = np.random.default_rng(0).normal(size=1000)
    total = OrderedSum(1)
    total.add(0, 3.0, {"theta": values})
    assert total.average()["theta"].tobytes() == values.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_averages_are_float64_and_counters_take_their_maximum(dtype):
    """Step counters are whole numbers: the replica that took most steps gives the count."""
    total = OrderedSum(3)
    for part, (value, steps) in enumerate([(1.0, 4), (2.0, 9), (6.0, 5)]):
        total.add(part, 1.0, {"theta": np.full(2, value, dtype), "steps:int": np.asarray(steps)})
    average = total.average()
    assert average["theta"].dtype == np.float64
    assert average["theta"].tolist() == [3.0, 3.0]
    assert average["steps:int"] == 9


def test_parts_are_left_as_they_were():
    """Neither the arrays given nor the accumulators merged in are written to."""
    values, one, two = np.array([1.0, 2.0]), OrderedSum(2), OrderedSum(2)
    one.add(0, 2.0, {"theta": values})
    two.add(1, 2.0, {"theta": values})
    one.merge(two)
    assert values.tolist() == [1.0, 2.0]
    assert two.average()["theta"].tolist() == [1.0, 2.0]
