"""The L2 term."""

import numpy as np
import pytest

from nnspark.net.regularize import add_l2
from nnspark.net.weights import bias_mask


def test_l2_leaves_the_bias_column_alone():
    """cost + l2/(2m)·|W|², grad + l2/m·W by hand; 3 and 5 are biases."""
    theta = np.array([3.0, 1.0, -2.0, 5.0, 4.0, 0.5])
    cost, grad = add_l2(7.0, np.ones(6), theta, l2=0.5, num_samples=10.0, is_bias=bias_mask((2, 2)))
    assert cost == pytest.approx(7.0 + 0.5 / 20 * (1 + 4 + 16 + 0.25), rel=1e-15)
    np.testing.assert_allclose(grad, 1.0 + 0.05 * np.array([0.0, 1.0, -2.0, 0.0, 4.0, 0.5]), rtol=1e-15)


def test_no_l2_changes_nothing():
    """The same float and the same array."""
    grad = np.ones(6)
    assert add_l2(7.0, grad, np.ones(6), l2=0.0, num_samples=1.0, is_bias=bias_mask((2, 2))) == (7.0, grad)


def test_l2_of_float32_weights_is_added_in_float64():
    """One part in 2^24 of a large weight is not lost."""
    theta = np.full(3, 4097.0, np.float32)
    cost, _ = add_l2(0.0, np.zeros(3), theta, l2=2.0, num_samples=1.0, is_bias=bias_mask((2, 1)))
    assert cost == 2 * 4097.0**2
