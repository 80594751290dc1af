"""Initial weights, the flat vector, the bias mask, the hash of a model."""

import hashlib
import struct

import numpy as np
import pytest
from helpers import one_line_error
from hypothesis import given
from hypothesis import strategies as st

from nnspark.errors import RecipeError, ShapeError
from nnspark.net.weights import INITS, bias_mask, count, flatten, init_weights, sha256, shapes, unflatten

LAYERS = st.lists(st.integers(1, 6), min_size=2, max_size=5)


@given(LAYERS)
def test_flatten_and_unflatten_are_inverse(layers):
    """Row by row, layer by layer, as views."""
    theta = np.arange(count(layers), dtype=float)
    weights = unflatten(theta, layers)
    assert [W.shape for W in weights] == shapes(layers)
    assert flatten(weights).tolist() == theta.tolist()
    weights[0][0, 0] = -1.0
    assert theta[0] == -1.0


@given(LAYERS)
def test_the_bias_mask_marks_column_0_of_every_layer(layers):
    """One bias a unit, nothing else."""
    for W in unflatten(bias_mask(layers), layers):
        assert W[:, 0].all()
        assert not W[:, 1:].any()


def test_a_vector_of_another_length_is_refused():
    """The message says how many weights the layers take."""
    with one_line_error("[2, 3, 1]", "13", "(12,)", kind=ShapeError):
        unflatten(np.zeros(12), (2, 3, 1))


def drawn(**init):
    """The first layer's weights of a wide net."""
    return init_weights((400, 300, 2), init, seed=1)[0]


def test_uniform_keeps_to_its_limit():
    """U(-limit, limit): mean 0, variance limit²/3, biases too."""
    W = drawn(name="uniform", limit=0.12)
    assert -0.12 <= W.min() < -0.1199
    assert 0.1199 < W.max() <= 0.12
    assert W.var() == pytest.approx(0.12**2 / 3, rel=0.02)
    assert W[:, 0].any()


def test_normal_has_its_scale():
    """N(0, scale²)."""
    W = drawn(name="normal", scale=0.5)
    assert W.std() == pytest.approx(0.5, rel=0.01)
    assert W.mean() == pytest.approx(0.0, abs=0.01)


def test_glorot_he_and_fan_in_scale_with_the_fan():
    """Bounds sqrt(6 / (fan_in + units)), 2.4 / sqrt(fan_in); deviation sqrt(2 / fan_in)."""
    assert np.abs(drawn(name="fan_in")).max() == pytest.approx(2.4 / np.sqrt(400), rel=1e-3)
    bound = np.sqrt(6 / 700)
    assert np.abs(drawn(name="glorot")).max() == pytest.approx(bound, rel=1e-3)
    assert np.abs(drawn(name="glorot", gain=2.0)).max() == pytest.approx(np.sqrt(2 / 700), rel=1e-3)
    assert drawn(name="he")[:, 1:].std() == pytest.approx(np.sqrt(2 / 400), rel=0.01)


@pytest.mark.parametrize("name", sorted(INITS))
def test_biases_are_as_the_init_says(name):
    """Zero on request; He's are zero of themselves; the other weights stay the same."""
    zero, usual = drawn(name=name, bias="zero"), drawn(name=name, bias="drawn")
    assert not zero[:, 0].any()
    assert zero[:, 1:].tobytes() == usual[:, 1:].tobytes()
    assert usual[:, 0].any() == (name != "zeros")
    assert drawn(name=name)[:, 0].any() == (name not in ("he", "zeros"))


def test_a_layers_weights_depend_on_seed_and_position_only():
    """Another depth, the same first layer; another seed or layer, other weights."""
    init = {"name": "normal"}
    shallow, deep = init_weights((3, 3), init, seed=5), init_weights((3, 3, 3), init, seed=5)
    assert shallow[0].tobytes() == deep[0].tobytes()
    assert deep[0].tobytes() != deep[1].tobytes()
    assert init_weights((3, 3), init, seed=6)[0].tobytes() != shallow[0].tobytes()


def test_float32_weights_are_the_rounded_float64_ones():
    """One draw for both dtypes."""
    init = {"name": "he"}
    (double,), (single,) = (
        init_weights((4, 2), init, seed=0, dtype=dtype) for dtype in ("float64", "float32")
    )
    assert single.dtype == np.float32
    assert single.tobytes() == double.astype(np.float32).tobytes()


@pytest.mark.parametrize(
    "init", [{"name": "xavier"}, {"name": "he", "scale": 1.0}, {"name": "he", "bias": "one"}]
)
def test_unknown_inits_and_options_are_refused(init):
    """The message lists what there is."""
    with one_line_error("network.init", "glorot(gain)", kind=RecipeError):
        init_weights((2, 2), init, seed=0)


def test_sha256_is_that_of_the_little_endian_bytes_layer_by_layer():
    """By struct and hashlib alone; the byte order in memory does not matter."""
    weights = [np.array([[1.5, -2.0]]), np.array([[0.25]])]
    expected = hashlib.sha256(struct.pack("<3d", 1.5, -2.0, 0.25)).hexdigest()
    assert sha256(weights) == expected
    assert sha256([W.astype(">f8") for W in weights]) == expected
    assert sha256([flatten(weights)]) == expected
    assert sha256([np.asfortranarray(np.arange(4.0).reshape(2, 2))]) == sha256([np.arange(4.0)])
