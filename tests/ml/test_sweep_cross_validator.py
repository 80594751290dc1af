"""``SweepCrossValidator`` finds what single fits find, and returns Spark's own class."""

from typing import Any

import numpy as np
import pytest
from helpers import one_line_error
from pyspark.ml import Pipeline
from pyspark.ml.evaluation import BinaryClassificationEvaluator, RegressionEvaluator
from pyspark.ml.evaluation import MulticlassClassificationEvaluator as Evaluator
from pyspark.ml.linalg import Vectors
from pyspark.ml.tuning import CrossValidatorModel, ParamGridBuilder
from pyspark.sql import functions as F
from sklearn.datasets import load_iris
from sklearn.metrics import accuracy_score, f1_score, log_loss

from nnspark.errors import DivergedError, ModelError, RecipeError
from nnspark.ml import (
    MultilayerPerceptronClassifier,
    MultilayerPerceptronRegressor,
    SweepCrossValidator,
    searching,
)

X, Y = load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def rows(spark: Any) -> Any:
    """Iris as vectors and labels."""
    pairs = [(Vectors.dense(x.tolist()), float(y)) for x, y in zip(X, Y, strict=True)]
    return spark.createDataFrame(pairs, ["features", "label"]).repartition(3).cache()


def grid_of(estimator: Any) -> Any:
    """Two networks, two penalties."""
    grid = ParamGridBuilder().addGrid(estimator.hiddenLayers, [[3], [5]])
    return grid.addGrid(estimator.regParam, [0.0, 0.1]).build()


def validated(estimator: Any, rows: Any, metric: Any = "accuracy", **options: Any) -> Any:
    """A fitted cross-validation in three folds."""
    maps = options.pop("maps", None) or grid_of(estimator)
    return SweepCrossValidator(
        estimator=estimator, estimatorParamMaps=maps, evaluator=metric, numFolds=3, **options
    ).fit(rows)


def test_engines_agree_and_the_best_is_refitted_on_all_rows(rows: Any) -> None:
    """To the last bit, with and without executors; the figures are of each fold's own rows."""
    found = {}
    for engine in ("local", "spark"):
        estimator = MultilayerPerceptronClassifier(hiddenLayers=[4], maxIter=4, engine=engine)
        found[engine] = validated(estimator, rows)
    local, spark = found["local"], found["spark"]
    assert (local.avgMetrics, local.stdMetrics) == (spark.avgMetrics, spark.stdMetrics)
    assert np.array_equal(local.bestModel.weights.toArray(), spark.bestModel.weights.toArray())
    assert len(local.avgMetrics) == 4
    best = int(np.argmax(local.avgMetrics))
    setting = grid_of(estimator)[best]
    alone = estimator.copy(setting).fit(rows)  # all rows, though in blocks of their own
    assert np.allclose(alone.weights.toArray(), local.bestModel.weights.toArray(), rtol=1e-6, atol=1e-8)
    assert local.bestModel.getHiddenLayers() == setting[estimator.hiddenLayers]


def test_models_in_waves_are_those_that_are_trained_at_once(
    rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve, and two at a time."""
    estimator = MultilayerPerceptronClassifier(hiddenLayers=[4], maxIter=4, engine="local")
    whole = validated(estimator, rows)
    monkeypatch.setattr(searching, "AT_ONCE", 2)
    waves = validated(estimator, rows)
    assert waves.avgMetrics == whole.avgMetrics
    assert np.array_equal(waves.bestModel.weights.toArray(), whole.bestModel.weights.toArray())


@pytest.mark.parametrize("metric", ["accuracy", "f1", "logLoss"])
def test_figures_are_scikit_learns_of_the_folds_rows(rows: Any, metric: str) -> None:
    """The fold a row validates in is the one whose model never saw it: together they are all rows, once."""
    estimator = MultilayerPerceptronClassifier(hiddenLayers=[4], maxIter=8, engine="local")
    evaluator = Evaluator(metricName=metric)
    fitted = validated(estimator, rows, evaluator, maps=[{}], collectSubModels=True)
    from nnspark.data.rows import hash_rows, split_keys

    keys = split_keys(hash_rows(X, Y, None), 42)
    order = np.argsort(keys, kind="stable")
    folds = np.empty(150, int)
    folds[order] = np.repeat(range(3), 50)
    scores = []
    for fold, (model,) in enumerate(fitted.subModels):
        assert model.summary.totalIterations == 8
        with pytest.raises(RuntimeError, match="no figures on the rows of their folds"):
            _ = model.summary.accuracy
        mine = folds == fold
        p = np.array([model.predictProbability(Vectors.dense(x.tolist())).toArray() for x in X[mine]])
        guess = p.argmax(axis=1)
        scores.append(
            {
                "accuracy": accuracy_score(Y[mine], guess),
                "f1": f1_score(Y[mine], guess, average="weighted"),
                "logLoss": log_loss(Y[mine], p, labels=[0, 1, 2]),
            }[metric]
        )
    assert fitted.avgMetrics[0] == pytest.approx(np.mean(scores), rel=1e-9)
    assert fitted.stdMetrics[0] == pytest.approx(np.std(scores), abs=1e-9)


def test_the_result_is_saved_and_read_as_sparks(rows: Any, tmp_path: Any) -> None:
    """A CrossValidatorModel, inside a pipeline too."""
    estimator = MultilayerPerceptronClassifier(hiddenLayers=[4], maxIter=5, engine="local")
    sweep = SweepCrossValidator(
        estimator=estimator, estimatorParamMaps=grid_of(estimator), evaluator="accuracy", numFolds=3
    )
    fitted = Pipeline(stages=[sweep]).fit(rows).stages[0]
    assert isinstance(fitted, CrossValidatorModel)
    fitted.write().overwrite().save(str(tmp_path / "model"))
    read = CrossValidatorModel.load(str(tmp_path / "model"))
    assert read.avgMetrics == fitted.avgMetrics
    expected = [row.prediction for row in fitted.transform(rows).collect()]
    assert [row.prediction for row in read.transform(rows).collect()] == expected


def test_a_regressor_is_ranked_by_its_error(rows: Any) -> None:
    """The least rmse wins."""
    estimator = MultilayerPerceptronRegressor(hiddenLayers=[4], maxIter=10, engine="local")
    maps = ParamGridBuilder().addGrid(estimator.regParam, [0.0, 10.0]).build()
    fitted = validated(estimator, rows, "rmse", maps=maps)
    assert fitted.avgMetrics[0] < fitted.avgMetrics[1]
    assert fitted.bestModel.getRegParam() == 0.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"evaluator": "weightedRecall"}, "evaluator: expected a metric of f1, accuracy, logLoss"),
        ({"numFolds": 1}, "numFolds: expected 2 to 10000, got 1"),
        ({"estimatorParamMaps": []}, "estimatorParamMaps: expected at least one param map"),
        ({"estimatorParamMaps": [{"stepSize": 0.1}]}, "expected a list of param maps"),
        ({"estimatorParamMaps": {"stepSize": 0.1}}, "expected a list of param maps"),
        (
            {"estimatorParamMaps": lambda: grid_of(MultilayerPerceptronClassifier())},
            "expected Params of the estimator MultilayerPerceptronClassifier_",
        ),
        ({"evaluator": 5}, "the name of its metric, got 5"),
        ({"evaluator": Evaluator}, "got MulticlassClassificationEvaluator"),
        (
            {"evaluator": lambda: Evaluator(labelCol="y")},
            "expected labelCol 'label', which models are trained on, got 'y'",
        ),
        (
            {"evaluator": lambda: Evaluator(predictionCol="x")},
            "expected predictionCol 'prediction', as models answer, got 'x'",
        ),
        (
            {"evaluator": lambda: Evaluator(metricName="logLoss", probabilityCol="x")},
            "expected probabilityCol 'probability', as models answer, got 'x'",
        ),
        (
            {"evaluator": lambda: Evaluator(weightCol="w")},
            "expected weightCol None, as f1 is taken here, got 'w'",
        ),
        (
            {"estimator": lambda: Evaluator()},
            "estimator: expected one of nnspark.ml's perceptrons",
        ),
    ],
)
def test_what_cannot_be_is_one_line(rows: Any, change: dict[str, Any], said: str) -> None:
    """By the names of the arguments."""
    estimator = MultilayerPerceptronClassifier(hiddenLayers=[4], engine="local")
    given = {"estimator": estimator, "estimatorParamMaps": grid_of(estimator), "evaluator": "accuracy"}
    given |= {
        name: value() if callable(value) and value is not Evaluator else value
        for name, value in change.items()
    }
    with one_line_error(said, kind=RecipeError):
        SweepCrossValidator(**given).fit(rows)


def test_an_evaluator_of_the_columns_that_models_are_trained_on_is_taken(rows: Any) -> None:
    """By the figures that its metric's name gives."""
    from pyspark.sql import functions as F

    weighted = rows.withColumn("w", F.col("label") + 1.0).withColumnRenamed("label", "y")
    estimator = MultilayerPerceptronClassifier(
        hiddenLayers=[4], maxIter=3, labelCol="y", weightCol="w", engine="local"
    )
    named = validated(estimator, weighted, "accuracy", maps=[{}])
    given = validated(
        estimator, weighted, Evaluator(labelCol="y", weightCol="w", metricName="accuracy"), maps=[{}]
    )
    assert given.avgMetrics == named.avgMetrics
    counted = validated(estimator, weighted, Evaluator(labelCol="y", metricName="f1"), maps=[{}])
    assert counted.avgMetrics == validated(estimator, weighted, "f1", maps=[{}]).avgMetrics
    with one_line_error("expected weightCol 'w', as accuracy is taken here, got None", kind=RecipeError):
        validated(estimator, weighted, Evaluator(labelCol="y", metricName="accuracy"), maps=[{}])
    with one_line_error("expected weightCol None, as f1 is taken here, got 'w'", kind=RecipeError):
        validated(estimator, weighted, Evaluator(labelCol="y", weightCol="w"), maps=[{}])


def test_evaluators_of_what_models_answer(rows: Any) -> None:
    """Areas are of the order alone, which probabilities have too; r2 is not through the origin."""
    two = rows.where("label < 2")
    estimator = MultilayerPerceptronClassifier(
        hiddenLayers=[3], maxIter=30, engine="local", rawPredictionCol="z", probabilityCol="p"
    )
    for column in ("z", "p"):
        evaluator = BinaryClassificationEvaluator(rawPredictionCol=column)
        assert validated(estimator, two, evaluator, maps=[{}]).avgMetrics == [pytest.approx(1.0)]
    with one_line_error("expected rawPredictionCol 'z', as models answer, got 'x'", kind=RecipeError):
        validated(estimator, two, BinaryClassificationEvaluator(rawPredictionCol="x"), maps=[{}])
    line = MultilayerPerceptronRegressor(hiddenLayers=[3], maxIter=2, engine="local")
    with one_line_error("expected throughOrigin False, as r2 is taken here", kind=RecipeError):
        validated(line, rows, RegressionEvaluator(metricName="r2", throughOrigin=True), maps=[{}])


def test_params_that_share_the_layout_are_refused(rows: Any) -> None:
    """And stopping on the fold that judges."""
    estimator = MultilayerPerceptronClassifier(hiddenLayers=[4], engine="local")
    maps = ParamGridBuilder().addGrid(estimator.dtype, ["float32", "float64"]).build()
    with one_line_error("dtype cannot be varied", kind=RecipeError):
        validated(estimator, rows, maps=maps)
    with one_line_error("must not stop what it judges", kind=RecipeError):
        validated(estimator.copy({estimator.earlyStoppingPatience: 3}), rows)
    wild = MultilayerPerceptronRegressor(hiddenLayers=[4], solver="gd", stepSize=1e300, engine="local")
    with one_line_error("no param map has a finite rmse", kind=DivergedError):
        validated(wild, rows, "rmse", maps=[{}])


def test_thresholds_are_refused_where_they_would_change_the_metric(rows: Any) -> None:
    """In a map, and of the estimator; they were not looked at. Of probabilities they change nothing."""
    estimator = MultilayerPerceptronClassifier(hiddenLayers=[3], maxIter=2, engine="local")
    maps = [{estimator.thresholds: [0.9, 0.1, 0.1]}, {}]
    said = ("thresholds: expected none beside accuracy", "set them on the best model")
    with one_line_error(*said, kind=RecipeError):
        validated(estimator, rows, maps=maps)
    with one_line_error("thresholds: expected none beside f1", kind=RecipeError):
        validated(estimator.copy({estimator.thresholds: [0.9, 0.1, 0.1]}), rows, "f1", maps=[{}])
    one, two = validated(estimator, rows, "logLoss", maps=maps).avgMetrics
    assert one == two


def test_layers_of_param_maps_begin_and_end_as_the_rows_do(rows: Any) -> None:
    """Other numbers of features were replaced, and other classes refused as too few, without a true word."""
    estimator = MultilayerPerceptronClassifier(layers=[4, 3, 3], maxIter=2, engine="local")
    for layers in ([7, 3, 3], [4, 3, 5]):
        with one_line_error("layers: expected 4 features first and 3 classes last", f"got {layers}"):
            validated(estimator, rows, maps=[{}, {estimator.layers: layers}])
    with one_line_error("must hold 7 finite numbers", "set layers[0] = 4"):
        validated(estimator, rows, maps=[{estimator.layers: [7, 3, 3]}])
    more = {estimator.layers: [4, 3, 5]}
    found = validated(estimator, rows, maps=[more])
    assert found.bestModel.getLayers() == estimator.copy(more).fit(rows).getLayers() == [4, 3, 5]
    regressor = MultilayerPerceptronRegressor(layers=[4, 3, 1], maxIter=2, engine="local")
    with one_line_error("layers: expected 4 features first in all", "got [5, 3, 1]"):
        validated(regressor, rows, "rmse", maps=[{}, {regressor.layers: [5, 3, 1]}])


@pytest.mark.parametrize("metric", ["accuracy", "f1", "logLoss", "rmse", "r2"])
def test_a_named_metric_is_of_the_estimators_columns(rows: Any, metric: str, tmp_path: Any) -> None:
    """In the model found, whose evaluator judges what ``evaluate`` does, and when it is saved and loaded."""
    of = MultilayerPerceptronRegressor if metric in ("rmse", "r2") else MultilayerPerceptronClassifier
    other = rows.select("features", F.col("label").alias("mine"), (2 - F.col("label")).alias("label"))
    other = other.withColumn("w", F.col("mine") + 0.5)
    estimator = of(
        hiddenLayers=[3], maxIter=3, engine="local", labelCol="mine", weightCol="w", predictionCol="answer"
    )
    search = SweepCrossValidator(estimator=estimator, estimatorParamMaps=[{}], evaluator=metric, numFolds=2)
    found = search.fit(other)
    judge, answered = found.getEvaluator(), found.transform(other)
    assert judge.getLabelCol() == "mine"
    assert judge.getPredictionCol() == "answer"
    name = {"accuracy": "accuracy", "rmse": "rootMeanSquaredError"}  # of weighted rows Spark's r2 is another
    if metric in name:
        own = getattr(found.bestModel.evaluate(other), name[metric])
        assert judge.evaluate(answered) == pytest.approx(own, rel=1e-9)
    search.write().overwrite().save(str(tmp_path / "search"))
    again = SweepCrossValidator.load(str(tmp_path / "search")).fit(other)
    assert again.avgMetrics == found.avgMetrics


@pytest.mark.parametrize("path", ["", "/nowhere/at/all"])
def test_a_search_that_is_not_there_is_one_line(rows: Any, path: str) -> None:
    """As a model is."""
    with one_line_error("cannot be read as a saved estimator or model", kind=ModelError):
        SweepCrossValidator.load(path)
