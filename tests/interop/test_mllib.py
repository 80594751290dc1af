"""nnspark.interop: Spark MLlib's perceptron, from its model and back through initialWeights."""

import numpy as np
import pytest
from helpers import one_line_error
from interop.nets import ENDS, net, rows
from ml.data import multiclass
from pyspark.ml.classification import MultilayerPerceptronClassifier
from pyspark.ml.linalg import Vectors

from nnspark import interop
from nnspark.errors import ModelError, ShapeError
from nnspark.ml import MultilayerPerceptronClassifier as Ours


@pytest.fixture(scope="module")
def fitted(spark):
    """Spark's own, and the rows it was fitted on."""
    frame = multiclass(spark)
    return MultilayerPerceptronClassifier(layers=[4, 5, 4, 3], maxIter=15, seed=3).fit(frame), frame


def test_a_fitted_model_predicts_as_transform_does(fitted):
    """Raw outputs, probabilities within 1e-12, labels; named classes stand for MLlib's numbers."""
    theirs, frame = fitted
    answers = theirs.transform(frame).collect()
    X = np.array([row.features.toArray() for row in answers])
    model = interop.from_mllib(theirs)
    assert model.network.layers == (4, 5, 4, 3)
    expected = np.array([row.probability.toArray() for row in answers])
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=0, atol=1e-12)
    raw = np.array([row.rawPrediction.toArray() for row in answers])
    np.testing.assert_allclose(model.raw_outputs(X), raw, rtol=1e-12, atol=1e-12)
    labels = [int(row.prediction) for row in answers]
    assert model.predict(X).tolist() == labels
    assert len(set(labels)) == 3
    named = interop.from_mllib(theirs, classes=["a", "b", "c"], feature_names=["w", "x", "y", "z"])
    assert named.predict(X).tolist() == ["abc"[label] for label in labels]


def test_the_weights_go_back_by_initial_weights(fitted):
    """To the bit; and a fit of no consequence from them is the same model."""
    theirs, frame = fitted
    vector = interop.to_mllib(interop.from_mllib(theirs))
    assert vector.tolist() == theirs.weights.toArray().tolist()
    again = MultilayerPerceptronClassifier(
        layers=[4, 5, 4, 3], initialWeights=Vectors.dense(vector), solver="gd", stepSize=1e-300, maxIter=1
    ).fit(frame)
    assert again.weights.toArray().tolist() == vector.tolist()


def test_a_scaled_model_goes_to_mllib_for_raw_rows(spark):
    """Its scaling is folded in; MLlib predicts raw rows as we do."""
    model, X = net("sigmoid", "softmax"), rows(12)
    start = Vectors.dense(interop.to_mllib(model))
    frame = spark.createDataFrame(
        [(float(at % 4), Vectors.dense(row)) for at, row in enumerate(X)], ["label", "features"]
    )
    theirs = MultilayerPerceptronClassifier(
        layers=list(model.network.layers), initialWeights=start, solver="gd", stepSize=1e-300, maxIter=1
    ).fit(frame)
    found = np.array([theirs.predictProbability(Vectors.dense(row)).toArray() for row in X])
    np.testing.assert_allclose(found, model.predict_proba(X), rtol=0, atol=1e-9)  # centers of 1e6


def test_a_vector_needs_no_spark_but_its_layers():
    """Any sequence; there and back the same model."""
    model = net("sigmoid", "softmax of two", scaled=False, names=tuple("012345"))
    back = interop.from_mllib(interop.to_mllib(model).tolist(), [6, 9, 7, 2], classes=["no", "yes"])
    assert [W.tobytes() for W in back.weights] == [W.tobytes() for W in model.weights]
    assert back.predict(rows(9)).tolist() == model.predict(rows(9)).tolist()
    with one_line_error("weights: layers [6, 9, 2] take 83 weights, got 149", kind=ShapeError):
        interop.from_mllib(interop.to_mllib(model), [6, 9, 2])
    with one_line_error("layers", "got None", kind=ShapeError):
        interop.from_mllib([1.0, 2.0])
    with one_line_error("layers", "[0, 2]", kind=ShapeError):
        interop.from_mllib([1.0, 2.0], [0, 2])


@pytest.mark.parametrize("end", [end for end in ENDS if not end.startswith("softmax")])
def test_what_mllib_does_not_have_is_refused(end):
    """Another output or problem."""
    with one_line_error("MLlib's perceptron", "'softmax'", kind=ModelError):
        interop.to_mllib(net("sigmoid", end))


def test_another_activation_is_refused_unless_there_is_no_hidden_layer():
    """Then it does not matter."""
    with one_line_error("'tanh'", kind=ModelError):
        interop.to_mllib(net("tanh", "softmax"))
    assert interop.to_mllib(net("tanh", "softmax", hidden=())).size == 28


def test_thresholds_and_our_own_models_are_not_mistaken(fitted):
    """They would predict another thing."""
    theirs, frame = fitted
    with one_line_error("thresholds", "clear", kind=ModelError):
        interop.from_mllib(theirs.copy({theirs.thresholds: [0.1, 0.1, 0.8]}))
    with one_line_error("layers: expected None", kind=ModelError):
        interop.from_mllib(theirs, [4, 5, 4, 3])
    ours = Ours(layers=[4, 3], maxIter=1, activation="tanh").fit(frame)
    with one_line_error("attribute model", kind=ModelError):
        interop.from_mllib(ours)
