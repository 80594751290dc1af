"""nnspark.interop: scikit-learn's perceptrons, its scaler before them, and back."""

import numpy as np
import pandas as pd
import pytest
from helpers import one_line_error
from interop.nets import NAMES, net, rows
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

import nnspark
from nnspark import interop
from nnspark.errors import ModelError
from nnspark.interop.scikit_learn import ACTIVATIONS
from nnspark.net.activations import ACTIVATIONS as OURS
from nnspark.sklearn import MLPClassifier as OurClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
TARGETS = {
    "three classes": Y,
    "two classes": np.array(["low", "high"])[(Y > 0).astype(int)],
    "labels": make_multilabel_classification(n_samples=150, n_features=4, random_state=0)[1],
    "one number": X[:, 0] - Y,
    "numbers": X[:, :2] * Y[:, None],
}
ENDS = ["softmax", "softmax of squares", "softmax of two", "one sigmoid", "labels", "numbers"]


def close(found, expected):
    """Within 1e-12, one column or a vector."""
    np.testing.assert_allclose(np.reshape(found, expected.shape), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("scaled", [True, False], ids=["scaled", "plain"])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_scikit_learn_answers_raw_rows_as_the_model(activation, end, scaled):
    """Within 1e-12, for every activation it has; and back again."""
    model, some = net(activation, end, scaled=scaled), rows(scaled=scaled)
    frame = pd.DataFrame(some, columns=NAMES)
    theirs = interop.to_sklearn(model)
    back = interop.from_sklearn(theirs)
    if end == "numbers":
        close(theirs.predict(frame), model.predict(some))
        close(back.predict(some), model.predict(some))
    else:
        close(theirs.predict_proba(frame), model.predict_proba(some))
        close(back.predict_proba(some), model.predict_proba(some))
        assert theirs.predict(frame).tolist() == model.predict(some).tolist() == back.predict(some).tolist()
    assert back.feature_names == NAMES
    assert theirs.feature_names_in_.tolist() == list(NAMES)


@pytest.mark.parametrize("scaler", [None, StandardScaler, MinMaxScaler])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("kind", TARGETS)
def test_a_fitted_one_of_theirs_answers_alike_here(kind, activation, scaler):
    """Alone or behind a scaler; what comes in is saved, loaded and goes back."""
    y = TARGETS[kind]
    cls = MLPRegressor if "number" in kind else MLPClassifier
    fitted = cls(hidden_layer_sizes=(6, 5), activation=activation, max_iter=8, random_state=0)
    fitted = (make_pipeline(scaler(), fitted) if scaler else fitted).fit(X, y)
    model = interop.from_sklearn(fitted)
    again = interop.to_sklearn(model)
    assert isinstance(model, nnspark.Model)
    if cls is MLPRegressor:
        close(model.predict(X).reshape(fitted.predict(X).shape), fitted.predict(X))
        close(again.predict(X), fitted.predict(X))
    else:
        close(model.predict_proba(X), fitted.predict_proba(X))
        close(again.predict_proba(X), fitted.predict_proba(X))
        assert model.predict(X).tolist() == fitted.predict(X).tolist()


def test_a_trained_model_goes_there(tmp_path):
    """From nnspark.train, its scaling fitted there, its features named; what was loaded from a file too."""
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(label=TARGETS["two classes"])
    recipe = {
        "data": {"scale": "standard"},
        "network": {"hidden": [5], "activation": "tanh"},
        "training": {"engine": "local", "epochs": 5, "dtype": "float32"},
        "report": {"html": False},
    }
    model = nnspark.train(recipe, frame)
    model.save(tmp_path / "m.safetensors")
    for one in (model, nnspark.load(str(tmp_path / "m.safetensors"))):
        theirs = interop.to_sklearn(one)
        close(theirs.predict_proba(frame[["a", "b", "c", "d"]]), model.predict_proba(X))
        assert [type(step).__name__ for _, step in theirs.steps] == ["StandardScaler", "MLPClassifier"]
        theirs.named_steps["mlp"].partial_fit(theirs[:-1].transform(frame[["a", "b", "c", "d"]]), frame.label)


def test_our_estimators_give_their_model():
    """With labels and names; alone or in a pipeline."""
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    ours = make_pipeline(
        StandardScaler(), OurClassifier(4, activation="softplus", max_iter=3, random_state=0)
    )
    model = interop.from_sklearn(ours.fit(frame, Y))
    close(model.predict_proba(X), ours.predict_proba(frame))
    assert model.feature_names == ("a", "b", "c", "d")


@pytest.mark.parametrize("activation", sorted(set(OURS) - set(ACTIVATIONS)))
def test_an_activation_that_scikit_learn_lacks_is_refused(activation):
    """By name; without hidden layers it does not matter."""
    with one_line_error(repr(activation), kind=ModelError):
        interop.to_sklearn(net(activation, "softmax"))
    model, some = net(activation, "softmax", hidden=(), names=tuple("012345")), rows(30)
    close(interop.to_sklearn(model).predict_proba(some), model.predict_proba(some))


@pytest.mark.parametrize("end", ["sigmoids", "identity for classes", "shares", "a number from 0 to 1"])
def test_an_output_that_scikit_learn_lacks_is_refused(end):
    """Problem, units and output are named."""
    with one_line_error("scikit-learn has no", "units of output", kind=ModelError):
        interop.to_sklearn(net("tanh", end))


def test_other_estimators_are_refused():
    """Another scaler, two of them, another estimator, one that is not fitted."""
    net_ = MLPClassifier(3, max_iter=2)
    for steps, said in (
        ([RobustScaler(), net_], "RobustScaler"),
        ([StandardScaler(), MinMaxScaler(), net_], "StandardScaler and MinMaxScaler and MLPClassifier"),
        ([MinMaxScaler(clip=True), net_], "does not clip"),
        ([StandardScaler()], "StandardScaler"),
    ):
        with one_line_error(said, kind=ModelError):
            interop.from_sklearn(make_pipeline(*steps).fit(X, Y))
    for unfitted in (MLPClassifier(), make_pipeline(StandardScaler(), MLPClassifier()), OurClassifier()):
        with one_line_error("expected a fitted MLPClassifier", "call fit first", kind=ModelError):
            interop.from_sklearn(unfitted)
    with one_line_error("'exp'", kind=ModelError):
        interop.from_sklearn(MLPRegressor("poisson", 3, max_iter=2).fit(X, Y))
