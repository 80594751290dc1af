"""Losses against scikit-learn and SciPy, and where the network is sure and wrong."""

import numpy as np
import pytest
from scipy import special
from sklearn.metrics import log_loss

from nnspark.net.activations import OUTPUTS
from nnspark.net.losses import HEADS

DTYPES = ["float32", "float64"]


def head(output, loss, z, Y):
    """Row losses and delta of a head at z."""
    a = OUTPUTS[output](z.copy())
    return HEADS[output, loss].loss(z, a, Y), HEADS[output, loss].delta(a, Y, np.empty_like(z))


@pytest.fixture
def z():
    """Twelve rows of four pre-activations."""
    return np.random.default_rng(3).normal(size=(12, 4)) * 3


def test_softmax_cross_entropy_is_scikit_learns_log_loss(z):
    """The multinomial loss."""
    y = np.arange(12) % 4
    losses, _ = head("softmax", "cross_entropy", z, np.eye(4)[y])
    expected = log_loss(y, special.softmax(z, axis=1), labels=range(4))
    np.testing.assert_allclose(losses.mean(), expected, rtol=1e-13)


def test_sigmoid_cross_entropy_is_scikit_learns_log_loss_of_every_unit(z):
    """The binary loss, summed over units."""
    Y = (np.random.default_rng(4).random((12, 4)) < 0.5).astype(float)
    losses, _ = head("sigmoid", "cross_entropy", z, Y)
    expected = sum(log_loss(Y[:, k], special.expit(z[:, k]), labels=[0, 1]) for k in range(4))
    np.testing.assert_allclose(losses.mean(), expected, rtol=1e-13)


@pytest.mark.parametrize("units", [1, 2, 63, 64, 300])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_and_its_loss_are_scipys_for_every_width(units, dtype):
    """Narrow rows and wide ones are summed in other ways; targets that do not add up to 1 too."""
    rng = np.random.default_rng(units)
    z, Y = (3 * rng.normal(size=(50, units))).astype(dtype), rng.random((50, units)).astype(dtype)
    a = OUTPUTS["softmax"](z.copy())
    precision = 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(a, special.softmax(z.astype(float), axis=1), rtol=precision)
    expected = -(Y * special.log_softmax(z.astype(float), axis=1)).sum(axis=1)
    np.testing.assert_allclose(
        HEADS["softmax", "cross_entropy"].loss(z, a, Y), expected, rtol=precision, atol=precision
    )


@pytest.mark.parametrize("output", ["identity", "sigmoid", "softmax"])
def test_squared_error_is_half_the_sum_of_squares(output, z):
    """Per row, over outputs."""
    Y = np.eye(4)[np.arange(12) % 4]
    losses, _ = head(output, "squared_error", z, Y)
    a = {"identity": z, "sigmoid": special.expit(z), "softmax": special.softmax(z, axis=1)}[output]
    np.testing.assert_allclose(losses, 0.5 * ((a - Y) ** 2).sum(axis=1), rtol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("pair", sorted(HEADS))
def test_loss_and_delta_are_finite_at_probabilities_0_and_1(pair, dtype):
    """z = ±1e4 with the right and the wrong target, no warning."""
    z = np.array([[1e4, -1e4], [1e4, -1e4], [-1e4, -1e4], [1e4, 1e4]], dtype)
    Y = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], dtype)
    losses, delta = head(*pair, z, Y)
    assert np.isfinite(losses).all()
    assert np.isfinite(delta).all()
    assert delta.dtype == dtype


def test_a_sure_and_wrong_network_pays_what_its_margin_says():
    """Cross-entropy at z = ±1e4 is 2e4 and not log of a clipped probability."""
    z, wrong = np.array([[1e4, -1e4]]), np.array([[0.0, 1.0]])
    assert head("softmax", "cross_entropy", z, wrong)[0][0] == 2e4
    assert head("sigmoid", "cross_entropy", z, wrong)[0][0] == 2e4


@pytest.mark.parametrize("pair", sorted(HEADS))
def test_delta_is_the_derivative_of_the_loss(pair, z):
    """Central differences in every z, targets that are not one-hot included."""
    Y = np.random.default_rng(5).dirichlet(np.ones(4), size=12)
    delta, step = head(*pair, z, Y)[1], 1e-4
    for k in range(4):
        shift = np.zeros(4)
        shift[k] = step
        at = [head(*pair, z + factor * shift, Y)[0] for factor in (1, -1, 2, -2)]
        numeric = (8 * (at[0] - at[1]) - (at[2] - at[3])) / (12 * step)
        np.testing.assert_allclose(delta[:, k], numeric, rtol=1e-7, atol=1e-11)
