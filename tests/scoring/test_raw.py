"""nnspark.scoring.raw: raw outputs, probabilities and labels of a row, the same bits wherever it is."""

import numpy as np
import pyarrow as pa
import pytest
from scoring.test_frame import a_model, rows_of

from nnspark.errors import DataError
from nnspark.scoring.raw import class_answers, class_batches, features_of

MODELS = {
    "softmax": a_model((5, 6, 3)),
    "sigmoids": a_model((5, 6, 3), output="sigmoid"),
    "one sigmoid": a_model((5, 6, 1), output="sigmoid"),
    "float32": a_model((5, 6, 3), dtype="float32"),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_answers_are_the_models_own(model):
    """Probabilities and labels those of Model, raw outputs their logarithms up to a constant."""
    X = rows_of(900, 5)
    raw, probability, prediction = class_answers(model, X)
    np.testing.assert_allclose(
        probability, model.predict_proba(X), rtol=1e-5 if model is MODELS["float32"] else 1e-12
    )
    np.testing.assert_array_equal(prediction, probability.argmax(axis=1))
    if model.network.output == "softmax":
        np.testing.assert_allclose(
            np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True), probability, rtol=1e-9
        )
        assert probability.tobytes() == model.outputs(X).tobytes()


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_row_has_the_same_bits_wherever_it_is(model):
    """Alone, in another order, in pieces."""
    X = rows_of(1700, 5)
    whole, order = class_answers(model, X), np.random.default_rng(1).permutation(1700)
    for found, expected in zip(class_answers(model, X[order]), whole, strict=True):
        assert found.tobytes() == np.ascontiguousarray(expected[order]).tobytes()
    for size in (1, 7, 769):
        for found, expected in zip(class_answers(model, X[-size:]), whole, strict=True):
            assert found.tobytes() == np.ascontiguousarray(expected[-size:]).tobytes()


def test_thresholds_of_zero_win_where_the_class_is_possible():
    """p/t is infinite; where p is 0 too the class is not predicted."""
    model = a_model((2, 2))
    assert set(class_answers(model, rows_of(20, 2), (1.0, 0.0)).prediction) == {1.0}
    sure = np.array([[1e6, 1e6], [-1e6, -1e6]])
    found = class_answers(model, sure, (0.0, 1.0))
    assert (found.prediction == (found.probability[:, 0] == 0)).all()


def test_batches_are_structs_and_bad_rows_are_counted():
    """An empty batch too."""
    batches = [pa.array([[1.0, 2.0], [3.0, 4.0]]), pa.array([], pa.list_(pa.float64()))]
    first, empty = class_batches(a_model((2, 3)), (), "v", iter(batches))
    assert len(first) == 2
    for name in ("raw", "probability"):
        assert [len(vector["values"]) for vector in first.field(name).to_pylist()] == [3, 3]
    assert (len(empty), empty.type) == (0, first.type)
    bad = pa.array([[1.0, 2.0], None, [1.0], [1.0, None], [float("inf"), 0.0]])
    with pytest.raises(DataError, match=r"column 'v' must hold 2 finite numbers, but 4 of 5 .*None"):
        features_of(bad, 2, "v")
