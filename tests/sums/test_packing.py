"""Integers and levels in few bytes: nothing is lost, whatever their width and however few they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnspark.sums.packing import SPARSE, pack, pack_levels, unpack, unpack_levels

SIZE = 100


@pytest.mark.parametrize("integers", [np.int64, np.float64])
@given(st.dictionaries(st.integers(0, SIZE - 1), st.integers(-(2**52), 2**52)))
def test_arrays_with_any_number_of_zeros_come_back(integers, values):
    """With places and without: on both sides of one in SPARSE."""
    total = np.zeros(SIZE, integers)
    total[list(values)] = list(values.values())
    found = unpack(pack(total), SIZE, integers)
    assert found.dtype == integers
    assert found.tolist() == total.tolist()


def test_few_values_are_sent_with_their_places():
    """And more than one in SPARSE without."""
    total = np.zeros(SIZE, np.int64)
    total[: SIZE // SPARSE] = 1
    assert pack(total).places is not None
    total[SIZE // SPARSE] = 1
    assert pack(total).places is None


@given(st.lists(st.sampled_from([-9, -8, 0, 7, 300]), min_size=1, max_size=40))
def test_levels_come_back(levels):
    """Whatever values there are; the lowest is not sent."""
    packed = pack_levels(np.array(levels, np.int16), -9)
    assert unpack_levels(packed, len(levels), -9).tolist() == levels
    assert len(packed) == len(set(levels) - {-9})


def test_one_level_everywhere_takes_no_bits():
    """What most segments have."""
    assert pack_levels(np.full(SIZE, 8, np.int16), -9) == [(8, None)]
