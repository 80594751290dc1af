"""The peers on raw tables: pipelines of scikit-learn and of Spark ML, by the recipe's own settings.

scikit-learn's network has the recipe's layers, activation, optimizer, rate, batch, penalty and epochs (its
rate stays, where a recipe's may fall); boosting and Spark's perceptron, which knows sigmoid layers and L-BFGS
only, have their own defaults. Text is one-hot, holes get the median and an indicator, numbers are scaled as
the recipe says; boosting takes text as ordinals and holes as they are.
"""

import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks._tables import VOCABULARY, read_rows
from nnspark.recipe import Data, Recipe

__all__ = ["Fitted", "boosting", "mllib", "perceptron", "refuse_other_rows"]

Array = NDArray[Any]
EPOCH, DAY = pd.Timestamp("1970-01-01"), pd.Timedelta(days=1)


class Files(Protocol):
    """A table's two files."""

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


def perceptron(files: Files, recipe: Recipe) -> Fitted:
    """``MLPClassifier`` or ``MLPRegressor``, of the recipe's architecture and settings."""
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
    batch, epochs = recipe.rounds.batch_size, recipe.training.epochs
    model = kind(
        hidden_layer_sizes=recipe.network.hidden, activation=recipe.network.activation,
        solver=recipe.training.optimizer, alpha=recipe.training.l2 * batch / len(X), batch_size=batch,
        max_iter=epochs,
        learning_rate_init=recipe.training.learning_rate, random_state=recipe.training.seed,
    )  # fmt: skip
    fitted, training = _fit(model, features, y, recipe)
    wall = time.perf_counter() - began
    network = getattr(fitted, "regressor_", fitted)
    test, y_test = _rows(files.test, recipe.data)
    return Fitted(
        y_test, _answers(fitted, encode.transform(test)), training, wall, network.t_ // network.n_iter_
    )


def boosting(files: Files, recipe: Recipe) -> Fitted:
    """``HistGradientBoosting``, by its defaults: above 10,000 rows a tenth says when to stop."""
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
    return Fitted(y_test, _answers(fitted, encode.transform(test)), training, wall, len(features))


def mllib(spark: Any, files: Files, recipe: Recipe) -> Fitted:
    """Spark's perceptron of the recipe's layers behind a pipeline of Spark ML's encoders."""
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import MultilayerPerceptronClassifier
    from pyspark.ml.functions import vector_to_array

    began = time.perf_counter()
    df = _spark_rows(spark, files.train, recipe.data)
    encoder = Pipeline(stages=_stages(df, recipe.data)).fit(df)
    rows = encoder.transform(df).select("features", "target").cache()
    count, width, classes = rows.count(), len(rows.first()[0]), rows.select("target").distinct().count()
    layers = [width, *recipe.network.hidden, classes]
    estimator = MultilayerPerceptronClassifier(labelCol="target", layers=layers, seed=recipe.training.seed)
    middle = time.perf_counter()
    model = estimator.fit(rows)
    end = time.perf_counter()
    rows.unpersist()
    held_out = model.transform(encoder.transform(_spark_rows(spark, files.test, recipe.data)))
    found = held_out.select("target", vector_to_array("probability").alias("p")).toPandas()
    return Fitted(found.target.to_numpy(), np.array(found.p.tolist()), end - middle, end - began, count)


def _spark_rows(spark: Any, path: Path, data: Data) -> Any:
    """A file as a DataFrame: dates as days, booleans as text, an indicator beside each number."""
    from pyspark.sql import functions as F

    if path.suffix == ".libsvm":
        reader = spark.read.format("libsvm").option("numFeatures", VOCABULARY)
        return reader.load(str(path)).withColumnRenamed("label", "target")
    df = spark.read.csv(str(path), header=True, inferSchema=True).drop(*data.exclude)
    for name, kind in df.dtypes:
        if name in data.dates:
            df = df.withColumn(name, F.datediff(name, F.lit("1970-01-01")).cast("double"))
        elif kind == "boolean":
            df = df.withColumn(name, F.col(name).cast("string"))
        elif kind != "string":
            df = df.withColumn(name, F.col(name).cast("double"))
            df = df.withColumn(f"{name}=(missing)", F.col(name).isNull().cast("double"))
    return df


def _stages(df: Any, data: Data) -> list[Any]:
    from pyspark.ml.feature import Imputer, OneHotEncoder, StandardScaler, StringIndexer, VectorAssembler

    if "features" in df.columns:
        return []
    columns = [(name, kind) for name, kind in df.dtypes if name != data.label]
    text, numbers = ([name for name, kind in columns if (kind == "string") == is_text] for is_text in (1, 0))
    indexed, hot = [f"{name}#" for name in text], [f"{name}##" for name in text]
    return [
        StringIndexer(inputCol=data.label, outputCol="target", stringOrderType="alphabetAsc"),
        StringIndexer(inputCols=text, outputCols=indexed, handleInvalid="keep"),
        OneHotEncoder(inputCols=indexed, outputCols=hot, dropLast=False),
        Imputer(inputCols=numbers, outputCols=numbers, strategy="median"),
        VectorAssembler(inputCols=numbers, outputCol="numbers"),
        StandardScaler(inputCol="numbers", outputCol="scaled", withMean=True),
        VectorAssembler(inputCols=["scaled", *hot], outputCol="features"),
    ]


def _rows(path: Path, data: Data) -> tuple[pd.DataFrame, Array]:
    """Features and target of a file; dates are days."""
    frame = read_rows(path)
    X = frame.drop(columns=[data.label, *data.exclude])
    for name in data.dates:
        X[name] = (pd.to_datetime(X[name]) - EPOCH) / DAY
    return X, frame[data.label].to_numpy()


def _text(X: pd.DataFrame) -> list[str]:
    return [str(name) for name in X if X[name].dtype in (object, bool)]


def _fit(model: Any, features: Array, y: Array, recipe: Recipe) -> tuple[Any, float]:
    """Fit on the target, or on its standardised logarithm where the recipe says so; and the seconds."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    if recipe.data.target_scale == "log":
        logarithm = FunctionTransformer(np.log1p, np.expm1)
        model = TransformedTargetRegressor(model, transformer=make_pipeline(logarithm, StandardScaler()))
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the last epoch was reached
        model.fit(features, y)
    return model, time.perf_counter() - began


def _answers(model: Any, features: Array) -> Array:
    if not hasattr(model, "predict_proba"):
        return np.asarray(model.predict(features), dtype=np.float64)
    shares = model.predict_proba(features).astype(np.float64)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))  # float32's do not quite add up to 1
