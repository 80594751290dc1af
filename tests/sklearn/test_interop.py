"""The estimators among others: pipelines, searches, pickles, scikit-learn's own nets, jobs, Spark."""

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import one_line_error
from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nnspark import sklearn as ours
from nnspark.errors import DataError, ModelError, RecipeError
from nnspark.model import Model
from nnspark.net.activations import ACTIVATIONS
from nnspark.recipe import dumps, loads
from nnspark.runs.run import run
from nnspark.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
SEVERAL = make_multilabel_classification(n_samples=150, n_features=4, random_state=0)[1]
KINDS = {
    "two classes": ("MLPClassifier", np.array(["low", "high"])[(Y > 0).astype(int)]),
    "three classes": ("MLPClassifier", Y),
    "labels": ("MLPClassifier", SEVERAL),
    "one number": ("MLPRegressor", X[:, 0] - Y),
    "numbers": ("MLPRegressor", X[:, :2] * Y[:, None]),
}


def same_answers(one, other, rows=X):
    """Whether two nets predict the same within 1e-12."""
    for method in ("predict", "predict_proba", "predict_log_proba"):
        if hasattr(one, method):
            expected, found = getattr(one, method)(rows), getattr(other, method)(rows)
            if expected.dtype.kind == "f":
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
            else:
                np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("kind", KINDS)
def test_nets_go_to_scikit_learn_and_back(kind, activation):
    """The same answers within 1e-12, the same weights bit for bit; either trains on."""
    name, y = KINDS[kind]
    params = {"hidden_layer_sizes": (6, 5), "activation": activation, "max_iter": 8, "random_state": 0}
    mine = getattr(ours, name)(**params).fit(X, y)
    theirs = mine.to_sklearn()
    assert type(theirs) is getattr(neural_network, name)
    same_answers(mine, theirs)
    back = getattr(ours, name).from_sklearn(theirs)
    assert back.weights_sha256_ == mine.weights_sha256_
    theirs.partial_fit(X, y)
    original = getattr(neural_network, name)(**params).fit(X, y)
    taken = getattr(ours, name).from_sklearn(original)
    same_answers(original, taken)
    assert taken.score(X, y) == pytest.approx(original.score(X, y), abs=1e-12)
    loss = original.loss_curve_[-1] + 1e-6
    assert kind == "numbers" or taken.partial_fit(X, y).loss_ < loss


def test_a_converted_lbfgs_net_stays_one():
    """Solver and arguments come along, though setting it up takes a step of another solver."""
    mine = MLPClassifier(5, solver="lbfgs", max_iter=20, alpha=0.5, early_stopping=True, random_state=0)
    theirs = mine.fit(X, Y).to_sklearn()
    assert (theirs.solver, theirs.alpha, theirs.early_stopping) == ("lbfgs", 0.5, True)
    same_answers(mine, theirs)


@pytest.mark.parametrize("solver", ["lbfgs", "sgd", "adam"])
def test_the_best_loss_is_the_least_of_the_fit(solver):
    """scikit-learn keeps none of L-BFGS; either way the converted net trains on with another solver."""
    original = neural_network.MLPClassifier(5, solver=solver, max_iter=9, random_state=0).fit(X, Y)
    taken = MLPClassifier.from_sklearn(original)
    least = original.loss_ if solver == "lbfgs" else min(original.loss_curve_)
    assert taken.best_loss_ == least
    theirs = taken.to_sklearn().set_params(solver="adam")
    assert theirs.best_loss_ == least
    assert theirs.partial_fit(X, Y).best_loss_ <= least


def test_the_best_loss_is_none_where_scores_decided():
    """As scikit-learn has it with early stopping."""
    original = neural_network.MLPClassifier(5, early_stopping=True, max_iter=9, random_state=0).fit(X, Y)
    taken = MLPClassifier.from_sklearn(original)
    assert (original.best_loss_, taken.best_loss_, taken.to_sklearn().best_loss_) == (None, None, None)


def test_all_activations_can_be_asked_for():
    """Those of the engine, and scikit-learn's name of the sigmoid."""
    for name in (*ACTIVATIONS, "logistic"):
        net = MLPClassifier(3, activation=name, max_iter=2, random_state=0).fit(X, Y)
        assert net.model_.network.activation == {"logistic": "sigmoid"}.get(name, name)
        assert net.predict(X).shape == Y.shape
    with pytest.raises(ValueError, match=r"activation: expected one of logistic, .*silu.*, got 'swish'"):
        MLPClassifier(activation="swish").fit(X, Y)


def test_the_model_of_a_net_takes_a_tables_columns_by_name():
    """As nnspark.Model does; nnspark's own models are one rule."""
    frame = pd.DataFrame(X, columns=list("abcd"))
    net = MLPClassifier(3, max_iter=2, random_state=0).fit(frame, Y)
    expected = net.model_.outputs(X)
    np.testing.assert_array_equal(net.model_.outputs(frame[list("dbca")]), expected)
    np.testing.assert_array_equal(net.model_.predict(frame[list("dbca")]), net.predict(frame))
    with pytest.raises(DataError, match="lack 1 of the model's 4 feature columns, first 'c'"):
        net.model_.outputs(frame[list("abd")])


def test_what_cannot_be_converted_is_refused():
    """An activation or a loss that the other does not have, another estimator, an unfitted one."""
    with pytest.raises(ModelError, match="no activation 'softplus'"):
        MLPRegressor(hidden_layer_sizes=3, activation="softplus", max_iter=2).fit(X, Y).to_sklearn()
    with pytest.raises(ModelError, match="'exp'"):
        MLPRegressor.from_sklearn(neural_network.MLPRegressor("poisson", 3, max_iter=2).fit(X, Y))
    for other in (neural_network.MLPClassifier(), MLPRegressor(), StandardScaler()):
        with pytest.raises(ModelError, match="expected a fitted"):
            MLPRegressor.from_sklearn(other)
    with pytest.raises(NotFittedError):
        MLPClassifier().to_sklearn()


def test_pickles_clones_and_parameters():
    """A pickle predicts and trains on alike; a clone is unfitted; every argument comes back."""
    net = MLPClassifier((4,), batch_size=32, max_iter=3, random_state=5).fit(X, Y)
    woken = pickle.loads(pickle.dumps(net))
    same_answers(net, woken)
    assert woken.partial_fit(X, Y).weights_sha256_ == net.partial_fit(X, Y).weights_sha256_
    twin = clone(net)
    assert twin.get_params() == net.get_params()
    assert not hasattr(twin, "coefs_")
    assert twin.set_params(alpha=3.0).alpha == 3.0
    known = set(neural_network.MLPRegressor().get_params()) - {"loss"}
    assert known < set(MLPClassifier().get_params()) | {"loss"}
    theirs = neural_network.MLPClassifier().get_params()
    assert {key: MLPClassifier().get_params()[key] for key in theirs} == theirs


def test_a_search_over_a_pipeline():
    """GridSearchCV over StandardScaler and ours; string labels."""
    pipeline = make_pipeline(
        StandardScaler(), MLPClassifier((8,), solver="lbfgs", max_iter=40, random_state=0)
    )
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-3, 1e6]}, cv=3)
    search.fit(X, np.array(["setosa", "versicolor", "virginica"])[Y])
    assert search.best_params_ == {"mlpclassifier__alpha": 1e-3}
    assert search.best_score_ > 0.9


def test_a_data_frame_gives_its_names():
    """To scikit-learn's attribute and to nnspark's model; other columns are refused."""
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    net = MLPClassifier(4, max_iter=5, early_stopping=True, random_state=0).fit(frame, pd.Series(Y))
    assert net.feature_names_in_.tolist() == list(net.model_.feature_names) == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="feature names"):
        net.predict(frame.rename(columns={"a": "z"}))


def test_the_model_answers_as_the_estimator(tmp_path):
    """Written and read again, without scikit-learn; its recipe is one that can be read."""
    for name, y in KINDS.values():
        net = getattr(ours, name)(hidden_layer_sizes=4, max_iter=3, random_state=0).fit(X, y)
        model = Model.from_bytes(net.model_.to_bytes())
        found = model.predict(X)
        np.testing.assert_array_equal(
            found[:, 0] if net.predict(X).ndim < found.ndim else found, net.predict(X)
        )
        assert loads(model.recipe) == net.recipe_


@pytest.mark.parametrize(
    "params",
    [{"solver": "lbfgs"}, {"batch_size": 32, "alpha": 0.3}, {"solver": "sgd", "activation": "logistic"}],
)
def test_a_job_with_the_same_rows_has_the_same_hash(tmp_path, params):
    """The estimator's own recipe, the rows from a file in another order."""
    net = MLPClassifier(6, max_iter=12, random_state=42, **params).fit(X, Y)
    order = np.random.default_rng(1).permutation(len(X))
    np.savez(tmp_path / "iris.npz", X=X[order], y=Y[order])
    data = replace(net.recipe_.data, source="npz", path=str(tmp_path / "iris.npz"))
    recipe = loads(dumps(replace(net.recipe_, data=data)), ["report.html=false"])
    metrics = json.loads(Path(run(recipe, str(tmp_path / "run"), title="iris")).read_text())
    assert metrics["weights_sha256"] == net.weights_sha256_


@pytest.mark.parametrize("params", [{"solver": "lbfgs"}, {"batch_size": 64}])
def test_spark_gives_the_same_bits(spark, params):
    """With a session and no engine left to choose; clones share it, pickles leave it behind.

    Where the engine is left to nnspark, so few rows are trained on here.
    """
    names = np.array(["setosa", "versicolor", "virginica"])[Y]
    params |= {"max_iter": 4, "random_state": 0, "block_rows": 32}
    local, there = MLPClassifier(5, **params), MLPClassifier(5, **params, engine="spark", spark=spark)
    twin = clone(there)
    assert twin.spark is spark
    assert twin.fit(X, names).weights_sha256_ == local.fit(X, names).weights_sha256_
    assert twin.loss_curve_ == local.loss_curve_
    assert twin.recipe_.training.engine == "spark"
    assert MLPClassifier(5, **params, spark=spark).fit(X, names).recipe_.training.engine == "local"
    with one_line_error("spark: expected a SparkSession, or None, got 5", kind=RecipeError):
        MLPClassifier(5, **params, spark=5).fit(X, names)
    woken = pickle.loads(pickle.dumps(twin))
    assert woken.spark is None
    same_answers(twin, woken)


def test_nnspark_itself_does_not_import_scikit_learn():
    """Only its room does."""
    code = "import sys, nnspark, nnspark.training.loop; print('sklearn' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
