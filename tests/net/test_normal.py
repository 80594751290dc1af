"""Φ and the density against SciPy, from the middle to the far tails."""

import numpy as np
import pytest
from scipy import special

from nnspark.net.normal import bell_and_tail, normal_cdf

DTYPES = ["float32", "float64"]


def some_z(dtype):
    """From -39 to 39, closer in the middle, 0 and -0 among them."""
    near, far = np.linspace(-6, 6, 2001), np.linspace(6, 39, 500)
    return np.concatenate([-far[::-1], near, far, [-0.0]]).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_phi_is_scipys_in_the_middle_and_in_both_tails(dtype):
    """Relative to Φ itself: 4 units in the last place, and those that exp(-z²/2) loses."""
    z = some_z(dtype)
    found, expected = normal_cdf(z), special.ndtr(z.astype(np.float64))
    assert found.dtype == dtype
    eps, tiny = np.finfo(dtype).eps, np.finfo(dtype).tiny
    error = np.abs(found - expected) / np.maximum(expected, tiny / eps)
    assert (error <= eps * (4 + z.astype(np.float64) ** 2)).all()


def test_erf_by_phi_is_scipys_to_1e_15():
    """erf(x) = 1 - 2 Φ(-x sqrt(2))."""
    x = np.linspace(-6, 6, 4001)
    np.testing.assert_allclose(1 - 2 * normal_cdf(-x * np.sqrt(2)), special.erf(x), rtol=0, atol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_two_sides_add_up_to_one(dtype):
    """Φ(z) + Φ(-z), to one rounding."""
    z = some_z(dtype)
    np.testing.assert_allclose(normal_cdf(z) + normal_cdf(-z), 1.0, rtol=np.finfo(dtype).eps, atol=0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_beyond_the_tails_there_is_nothing_and_nan_stays(dtype):
    """1e30, whose square is no float32, without a warning (warnings are errors here)."""
    z = np.array([-np.inf, -1e30, 1e30, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(normal_cdf(z), [0, 0, 1, 1, np.nan])
    np.testing.assert_array_equal(bell_and_tail(z)[0], [0, 0, 0, 0, np.nan])


def test_z_is_left_as_it_was():
    """Both results are new arrays."""
    z = some_z("float64")
    before = z.copy()
    normal_cdf(z)
    assert z.tobytes() == before.tobytes()
