"""The public API in the words of a user who runs mypy --strict: scripts/check reads it, nothing runs it."""

from collections.abc import Mapping, Sequence
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.linalg import DenseVector
from pyspark.sql import DataFrame, SparkSession

import nnspark
from nnspark import interop
from nnspark.ml import (
    MultilayerPerceptronClassificationModel,
    MultilayerPerceptronClassifier,
    MultilayerPerceptronRegressor,
    SweepCrossValidator,
)
from nnspark.sklearn import MLPClassifier, MLPRegressor


def trains_and_predicts(X: NDArray[np.float64], y: NDArray[np.int64]) -> NDArray[Any]:
    """Arrays in, answers out; a row of the history after each epoch."""
    seen: list[float] = []

    def on_epoch(row: Mapping[str, Any]) -> None:
        seen.append(row["loss"])

    try:
        model = nnspark.train({"network": {"hidden": [50]}}, (X, y), on_epoch=on_epoch, progress=False)
    except (nnspark.RecipeError, nnspark.DataError, nnspark.DivergedError) as error:
        assert_type(error, nnspark.RecipeError | nnspark.DataError | nnspark.DivergedError)
        raise
    assert_type(model, nnspark.Model)
    assert_type(model.metrics, Mapping[str, Any])
    assert_type(model.weights_sha256, str)
    assert_type(model.predict_proba([[0.0, 1.0]]), NDArray[np.float64])
    model.with_threshold(0.3).save("one.safetensors")
    return model.predict(X)


def goes_to_spark_and_back(spark: SparkSession, rows: DataFrame) -> DataFrame:
    """A DataFrame in, a DataFrame out, and a function of SQL."""
    model = nnspark.load("runs/one")
    assert_type(model, nnspark.Model)
    model.register(spark, "species")
    figures = model.evaluate(rows, spark)
    assert_type(figures, dict[str, Any])
    interop.to_onnx(model, "one.onnx")
    answered: DataFrame = model.transform(rows)
    return answered


def sweeps(rows: DataFrame) -> nnspark.Model:
    """A grid and folds in, the best model out."""
    found = nnspark.sweep("digits", rows, {"training.l2": [0.1, 1.0]}, folds=5)
    assert_type(found.ranked, Sequence[Mapping[str, Any]])
    assert_type(found.best, nnspark.Model)
    return found.best


def in_a_pipeline(rows: DataFrame) -> PipelineModel:
    """Spark ML's setters give the estimator back, and its fit the model."""
    perceptron = MultilayerPerceptronClassifier(layers=[4, 5, 3], seed=7).setMaxIter(20).setFeaturesCol("x")
    assert_type(perceptron, MultilayerPerceptronClassifier)
    model = perceptron.fit(rows)
    assert_type(model, MultilayerPerceptronClassificationModel)
    assert_type(model.weights, DenseVector)
    MultilayerPerceptronRegressor(layers=[4, 5, 1]).fit(rows).transform(rows)
    SweepCrossValidator(estimator=perceptron, numFolds=3)
    return Pipeline(stages=[perceptron]).fit(rows)


def as_scikit_learn(X: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    """fit gives the estimator back."""
    classifier = MLPClassifier(hidden_layer_sizes=(50,), random_state=1).fit(X, y)
    assert_type(classifier, MLPClassifier)
    MLPRegressor(alpha=0.1).fit(X, y).predict(X)
    return float(classifier.score(X, y))
