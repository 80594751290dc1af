"""A bias added to several rows in one go is the bias added to each."""

import numpy as np
import pytest

from nnspark.net.runs import MUCH, TOGETHER, add_bias


@pytest.mark.parametrize("units", [1, 20, TOGETHER // 2, TOGETHER // 2 + 1])
@pytest.mark.parametrize("more", [0, 1])
def test_a_bias_is_added_to_every_row(units, more):
    """On either side of both limits, and rows that are left over."""
    rng = np.random.default_rng(units)
    for rows in (MUCH // units, MUCH // units + TOGETHER // units + more):
        z, bias = rng.normal(size=(rows, units)), rng.normal(size=units)
        expected = z + bias
        add_bias(z, bias)
        assert z.tobytes() == expected.tobytes()
