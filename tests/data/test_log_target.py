"""data.target_scale = "log": trained on standardised log(1 + y), figures in the target's own units."""

import numpy as np
import pandas as pd
import pytest
from helpers import make_recipe, one_line_error
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

import nnspark
from nnspark.data.dataset import make_dataset
from nnspark.data.scaling import fit_target_scaling
from nnspark.errors import DataError, RecipeError
from nnspark.model import Model
from nnspark.sources.memory import read_memory

LINEAR = (
    "data.task=regression", "data.target_scale=log", "data.scale=standard", "network.hidden=[]",
    "data.split={train = 1.0, validation = 0.0, test = 0.0}", "training.optimizer=lbfgs", "training.l2=0",
    "training.epochs=60",
)  # fmt: skip


def prices():
    """Skewed targets of two features."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2))
    return X, np.expm1(np.abs(2 + X @ [0.7, -0.3] + 0.1 * rng.normal(size=400)))


def test_a_linear_model_is_scikit_learns_on_the_logarithm():
    """TransformedTargetRegressor of log1p and expm1; figures are of the targets themselves."""
    X, y = prices()
    model = nnspark.train(make_recipe(*LINEAR, source="memory"), (X, y), progress=False)
    theirs = TransformedTargetRegressor(LinearRegression(), func=np.log1p, inverse_func=np.expm1).fit(X, y)
    found = model.predict(X)[:, 0]
    np.testing.assert_allclose(found, theirs.predict(X), rtol=1e-5)
    figures = model.metrics["train"]
    assert figures["rmse"] == pytest.approx(root_mean_squared_error(y, found), rel=1e-9)
    assert figures["mae"] == pytest.approx(mean_absolute_error(y, found), rel=1e-9)
    assert figures["r2"] == pytest.approx(r2_score(y, found), rel=1e-9)
    back = Model.from_bytes(model.to_bytes())
    np.testing.assert_array_equal(back.predict(X), model.predict(X))
    assert back.coefficients() is None
    assert model.evaluate((X, y))["rmse"] == pytest.approx(figures["rmse"], rel=1e-12)


def test_the_fit_does_not_depend_on_the_pieces():
    """Mean and deviation of log(1 + y), in any order."""
    y = prices()[1][:, None]
    whole = fit_target_scaling("log", [y], 1)
    assert whole.log
    for count in (2, 7):
        pieces = np.array_split(np.random.default_rng(count).permutation(y), count)
        other = fit_target_scaling("log", pieces, 1)
        assert (other.center, other.divide) == (whole.center, whole.divide)
    np.testing.assert_allclose(whole.center, np.log1p(y).mean(), rtol=1e-12)
    np.testing.assert_allclose(whole.undo(whole.apply(y)), y, rtol=1e-13)


def test_targets_of_minus_one_or_less_are_refused():
    """With the row; -0.5 and 0 are fine; other tasks have no such key."""
    rows = pd.DataFrame({"x": [1.0, 2, 3], "label": [0.0, -0.5, -1.0]})
    recipe = make_recipe(*LINEAR, source="memory")
    with one_line_error("log", "above -1", "1 row", "row 2", kind=DataError):
        make_dataset(read_memory(rows, recipe.data), recipe)
    make_dataset(read_memory(rows.iloc[:2], recipe.data), recipe)
    with one_line_error("data.target_scale", "regression", kind=RecipeError):
        make_recipe("data.target_scale=log")
