"""scikit-learn on raw tables: its network in two forms, and gradient boosting.

``defaults`` is the network as it comes, with early stopping; ``tuned`` has settings of its own, ``TUNED``:
those that did well on tables of the maker's seeds 0 and 7. Text is one-hot, holes get the median and an
indicator, numbers are scaled as the recipe says; boosting has its defaults, takes text as ordinals and holes
as they are. All compute in one thread: two of a small product wait for each other wherever others use the
cores. Where a tenth of the rows says when to stop, it counts as trained on.
"""

import math
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks._tables import read_rows
from nnspark.recipe import Data, Recipe

__all__ = ["TUNED", "Files", "Fitted", "boosting", "defaults", "refuse_other_rows", "tuned"]

Array = NDArray[Any]
EARLY = {"early_stopping": True}
TUNED: dict[str, dict[str, Any]] = {
    "bank": {"hidden_layer_sizes": (16,), "learning_rate_init": 0.01, "batch_size": 100, "max_iter": 15},
    "houses": {"hidden_layer_sizes": (32,), "learning_rate_init": 0.005, "batch_size": 100, "max_iter": 30},
    "words": {
        "hidden_layer_sizes": (32,),
        "learning_rate_init": 0.002,
        "batch_size": 100,
        "max_iter": 10,
        "alpha": 0.1,
    },
}
EPOCH, DAY = pd.Timestamp("1970-01-01"), pd.Timedelta(days=1)


class Files(Protocol):
    """A table's two files."""

    @property
    def name(self) -> str:
        """A key of ``TUNED``."""

    @property
    def rows(self) -> int:
        """In either file."""

    @property
    def train(self) -> Path:
        """Rows to train on."""

    @property
    def test(self) -> Path:
        """Rows held out."""


class Fitted(NamedTuple):
    """Held-out targets ``y`` (n,), answers: probabilities (n, classes) or values (n,); seconds."""

    y: Array
    answers: Array
    training: float
    wall: float
    trained_on: int
    sha256: str = ""


def refuse_other_rows(name: str, trained_on: int, rows: int) -> None:
    """End the benchmark where a contestant trained on other rows than claimed."""
    if trained_on != rows:
        raise SystemExit(f"bench: {name} trained on {trained_on} rows where there are {rows}")


def defaults(files: Files, recipe: Recipe) -> Fitted:
    """``MLPClassifier`` or ``MLPRegressor`` as they come; a tenth of the rows says when to stop."""
    return _perceptron(files, recipe, EARLY)


def tuned(files: Files, recipe: Recipe) -> Fitted:
    """The same with the settings of ``TUNED`` and the recipe's penalty, on all rows, to the last epoch."""
    settings = TUNED[files.name]
    alpha = recipe.training.l2 * settings["batch_size"] / files.rows
    return _perceptron(files, recipe, {**settings, "alpha": alpha, "tol": 0.0, "n_iter_no_change": 1_000})


def _perceptron(files: Files, recipe: Recipe, settings: dict[str, Any]) -> Fitted:
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    began = time.perf_counter()
    X, y = _rows(files.train, recipe.data)
    text = _text(X)
    numbers = [name for name in X if name not in text]
    scaler = StandardScaler() if recipe.data.scale == "standard" else FunctionTransformer()
    encode = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore", min_frequency=10, sparse_output=False), text),
            (make_pipeline(SimpleImputer(strategy="median", add_indicator=True), scaler), numbers),
        ),
        FunctionTransformer(lambda values: values.astype(recipe.training.dtype)),
    )
    features = encode.fit_transform(X)
    kind = MLPRegressor if recipe.data.task == "regression" else MLPClassifier
    model = kind(**settings, random_state=recipe.training.seed)
    fitted, training = _fit(model, features, y, recipe)
    wall = time.perf_counter() - began
    network = getattr(fitted, "regressor_", fitted)
    stops = _tenth(len(y)) if network.early_stopping else 0
    trained_on = network.t_ // network.n_iter_ + stops
    test, y_test = _rows(files.test, recipe.data)
    return Fitted(y_test, _answers(fitted, encode.transform(test)), training, wall, trained_on)


def boosting(files: Files, recipe: Recipe) -> Fitted:
    """``HistGradientBoosting`` as it comes: above 10,000 rows a tenth says when to stop."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.preprocessing import OrdinalEncoder

    began = time.perf_counter()
    X, y = _rows(files.train, recipe.data)
    text = _text(X)
    encode = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), text),
        remainder="passthrough",
    )
    features = encode.fit_transform(X)
    kind = (
        HistGradientBoostingRegressor if recipe.data.task == "regression" else HistGradientBoostingClassifier
    )
    model = kind(categorical_features=list(range(len(text))), random_state=recipe.training.seed)
    fitted, training = _fit(model, features, y, recipe)
    wall = time.perf_counter() - began
    test, y_test = _rows(files.test, recipe.data)
    grown = getattr(fitted, "regressor_", fitted)
    root = int(grown._predictors[0][0].nodes[0]["count"])  # the rows of the first tree
    trained_on = root + (_tenth(len(y)) if grown.do_early_stopping_ else 0)
    return Fitted(y_test, _answers(fitted, encode.transform(test)), training, wall, trained_on)


def _rows(path: Path, data: Data) -> tuple[pd.DataFrame, Array]:
    """Features and target of a file; dates are days."""
    frame = read_rows(path)
    X = frame.drop(columns=[data.label, *data.exclude])
    for name in data.dates:
        X[name] = (pd.to_datetime(X[name]) - EPOCH) / DAY
    return X, frame[data.label].to_numpy()


def _tenth(rows: int) -> int:
    return math.ceil(0.1 * rows)


def _text(X: pd.DataFrame) -> list[str]:
    return [str(name) for name in X if X[name].dtype in (object, bool)]


def _fit(model: Any, features: Array, y: Array, recipe: Recipe) -> tuple[Any, float]:
    """Fit on the target, or on its standardised logarithm where the recipe says so; and the seconds."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler
    from threadpoolctl import threadpool_limits

    if recipe.data.target_scale == "log":
        logarithm = FunctionTransformer(np.log1p, np.expm1)
        model = TransformedTargetRegressor(model, transformer=make_pipeline(logarithm, StandardScaler()))
    began = time.perf_counter()
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # that the last epoch was reached
        model.fit(features, y)
    return model, time.perf_counter() - began


def _answers(model: Any, features: Array) -> Array:
    if not hasattr(model, "predict_proba"):
        return np.asarray(model.predict(features), dtype=np.float64)
    shares = model.predict_proba(features).astype(np.float64)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))  # float32's do not quite add up to 1
