"""Spark's tuning, reductions and evaluators over nnspark's estimators."""

import pytest
from ml.data import bits, multiclass
from pyspark.ml.classification import OneVsRest, OneVsRestModel
from pyspark.ml.evaluation import (
    BinaryClassificationEvaluator,
    MulticlassClassificationEvaluator,
    RegressionEvaluator,
)
from pyspark.ml.tuning import CrossValidator, CrossValidatorModel, ParamGridBuilder, TrainValidationSplit
from pyspark.sql import functions as F

from nnspark.ml import MultilayerPerceptronClassifier, MultilayerPerceptronRegressor


@pytest.fixture(scope="module")
def rows(spark):
    """The three classes."""
    return multiclass(spark).coalesce(1).persist()


def test_a_cross_validation_in_threads_finds_what_one_thread_finds(rows, tmp_path):
    """The same figures and weights; and is read as it was written."""
    estimator = MultilayerPerceptronClassifier(layers=[4, 4, 3])
    grid = ParamGridBuilder().baseOn({estimator.regParam: 0.1}).addGrid(estimator.maxIter, [1, 8]).build()
    search = CrossValidator(
        estimator=estimator,
        estimatorParamMaps=grid,
        evaluator=MulticlassClassificationEvaluator(metricName="logLoss"),
        numFolds=2,
        seed=3,
    )
    one, four = search.fit(rows), search.setParallelism(4).fit(rows)
    assert one.avgMetrics == four.avgMetrics
    assert bits(one.bestModel) == bits(four.bestModel)
    one.save(str(tmp_path / "search"))
    again = CrossValidatorModel.load(str(tmp_path / "search"))
    assert bits(again.bestModel) == bits(one.bestModel)
    assert again.getEstimator().getLayers() == [4, 4, 3]


def test_a_split_tunes_a_regressor(rows):
    """The longer training wins."""
    estimator = MultilayerPerceptronRegressor(hiddenLayers=[4])
    grid = ParamGridBuilder().addGrid(estimator.maxIter, [1, 20]).build()
    search = TrainValidationSplit(
        estimator=estimator, estimatorParamMaps=grid, evaluator=RegressionEvaluator(), seed=3
    )
    fitted = search.fit(rows)
    assert fitted.validationMetrics[1] < fitted.validationMetrics[0]
    assert fitted.bestModel.getMaxIter() == 20


def test_one_against_the_rest(rows, tmp_path):
    """Three models of two classes, their weights' column passed on; saved and read."""
    weighted = rows.withColumn("w", F.lit(2.0))
    reduction = OneVsRest(
        classifier=MultilayerPerceptronClassifier(layers=[4, 3, 2], maxIter=8), weightCol="w", parallelism=2
    )
    model = reduction.fit(weighted)
    answered = model.transform(rows)
    assert MulticlassClassificationEvaluator(metricName="accuracy").evaluate(answered) > 0.6
    model.save(str(tmp_path / "rest"))
    again = OneVsRestModel.load(str(tmp_path / "rest"))
    assert [bits(one) for one in again.models] == [bits(one) for one in model.models]


def test_binary_figures_come_from_raw_predictions(rows):
    """The area under the curve of the raw outputs and of the probabilities is one."""
    two = rows.where("label < 2").persist()
    answered = MultilayerPerceptronClassifier(layers=[4, 2], maxIter=3).fit(two).transform(two)
    areas = [
        BinaryClassificationEvaluator(rawPredictionCol=name).evaluate(answered)
        for name in ("rawPrediction", "probability")
    ]
    assert areas[0] == pytest.approx(areas[1])
    assert areas[0] > 0.8
    two.unpersist()
