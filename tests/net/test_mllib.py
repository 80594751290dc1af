"""nnspark.net.mllib: MLlib's flat layout of a network's weights."""

import numpy as np
import pytest
from helpers import one_line_error

from nnspark.errors import ShapeError
from nnspark.net.mllib import from_mllib, to_mllib
from nnspark.net.weights import count, unflatten


def test_a_layer_is_its_weights_by_columns_and_then_its_biases():
    """Two inputs, two units: w11 w21 w12 w22 b1 b2."""
    W = np.array([[5.0, 1.0, 3.0], [6.0, 2.0, 4.0]])
    assert to_mllib([W]).tolist() == [1, 2, 3, 4, 5, 6]
    assert from_mllib(np.arange(1.0, 7.0), [2, 2]).tolist() == W.ravel().tolist()


@pytest.mark.parametrize("layers", [[3, 2], [4, 5, 1], [7, 6, 5, 4]])
def test_there_and_back_is_the_same(layers):
    """For networks of any depth."""
    vector = np.random.default_rng(0).normal(size=count(layers))
    assert to_mllib(unflatten(from_mllib(vector, layers), layers)).tolist() == vector.tolist()


def test_a_vector_of_another_length_is_refused():
    """Both numbers are named."""
    with one_line_error("initialWeights", "17 weights", "got 3", kind=ShapeError):
        from_mllib(np.zeros(3), [2, 3, 2])
