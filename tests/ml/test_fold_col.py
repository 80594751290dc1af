"""``foldCol``: folds that a column names, by every route; and what is shared with Spark's CrossValidator."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import one_line_error
from pyspark.ml.evaluation import MulticlassClassificationEvaluator as Evaluator
from pyspark.ml.linalg import Vectors
from pyspark.ml.tuning import CrossValidator, ParamGridBuilder
from pyspark.sql import functions as F
from sklearn.datasets import load_iris
from sklearn.metrics import log_loss

from nnspark.data.fold_numbers import MOST_NAMED
from nnspark.errors import DataError, ModelError, RecipeError
from nnspark.ml import MultilayerPerceptronClassifier, SweepCrossValidator

X, Y = load_iris(return_X_y=True)
FOLD = np.arange(len(X)) ** 2 % 7 % 3  # uneven: 22, 86, 42 rows


@pytest.fixture(scope="module")
def rows(spark: Any) -> Any:
    """Iris with a fold for each row."""
    table = [
        (Vectors.dense(x.tolist()), float(y), int(f), float(1 + f % 2))
        for x, y, f in zip(X, Y, FOLD, strict=True)
    ]
    return (
        spark.createDataFrame(table, ["features", "label", "part", "w"])
        .withColumn("part", F.col("part").cast("int"))
        .repartition(3)
    )


def validated(rows: Any, *, engine: str = "local", folds: int = 3, maps: Any = None, **options: Any) -> Any:
    """A search of one setting in folds that the column says; its models by fold."""
    estimator = MultilayerPerceptronClassifier(
        hiddenLayers=[4], maxIter=options.pop("iterations", 5), seed=3, engine=engine, **options
    )
    return SweepCrossValidator(
        estimator=estimator,
        estimatorParamMaps=maps or [{}],
        evaluator="logLoss",
        numFolds=folds,
        foldCol="part",
        collectSubModels=True,
    ).fit(rows)


def weights_of(found: Any) -> list[Any]:
    """Of each fold's model, and of the best on all rows."""
    return [model.weights.toArray().tolist() for (model,) in found.subModels] + [
        found.bestModel.weights.toArray().tolist()
    ]


@pytest.fixture(scope="module")
def expected(rows: Any) -> Any:
    """Without executors, of rows that Spark sends."""
    return weights_of(validated(rows))


def test_a_fold_validates_its_own_rows_and_the_others_train(rows: Any) -> None:
    """scikit-learn's figure of its rows; the weights of a fit on the others, but for its blocks' sums."""
    found = validated(rows)
    losses = []
    for fold, (model,) in enumerate(found.subModels):
        mine = fold == FOLD
        p = np.array([model.predictProbability(Vectors.dense(x.tolist())).toArray() for x in X[mine]])
        losses.append(log_loss(Y[mine], p, labels=[0, 1, 2]))
        alone = MultilayerPerceptronClassifier(
            layers=[4, 4, 3], hiddenLayers=[4], maxIter=5, seed=3, engine="local"
        ).fit(rows.where(F.col("part") != fold))
        np.testing.assert_allclose(model.weights.toArray(), alone.weights.toArray(), rtol=1e-7, atol=1e-9)
    assert found.avgMetrics[0] == pytest.approx(np.mean(losses), rel=1e-9)
    assert found.stdMetrics[0] == pytest.approx(np.std(losses), rel=1e-9)


@pytest.mark.parametrize("engine", ["local", "spark"])
@pytest.mark.parametrize("route", ["memory", "seven partitions", "Parquet", "bytes in Parquet", "cached"])
def test_no_route_changes_a_bit(
    spark: Any, rows: Any, expected: Any, tmp_path: Path, engine: str, route: str
) -> None:
    """Weights of every fold's model, from a column of any type of whole numbers."""
    df = rows
    if route == "seven partitions":
        df = rows.repartition(7).withColumn("part", F.col("part").cast("bigint"))
    elif "Parquet" in route:
        kind = "tinyint" if "bytes" in route else "int"
        rows.withColumn("part", F.col("part").cast(kind)).write.parquet(str(tmp_path / "rows"))
        df = spark.read.parquet(str(tmp_path / "rows"))
    elif route == "cached":
        df = rows.cache()
    try:
        assert weights_of(validated(df, engine=engine)) == expected
    finally:
        rows.unpersist()


@pytest.mark.parametrize("engine", ["local", "spark"])
def test_weighted_rows_and_scaled_features_are_their_folds(rows: Any, engine: str) -> None:
    """A row of weight 0 is not there, whatever its fold; scaling is of the other folds' rows."""
    there = rows.where("w > 1")
    zeroed = rows.withColumn("w", F.when(F.col("w") > 1, 2.0).otherwise(0.0))
    # only fold 1 has rows left: two folds of them by another column
    halves = [df.withColumn("part", (F.hash("features") % 2 + 2) % 2) for df in (there, zeroed)]
    options = {"standardization": True, "weightCol": "w", "folds": 2, "engine": engine}
    one, other = (weights_of(validated(df, **options)) for df in halves)
    assert one == other


def test_mini_batches_of_named_folds(rows: Any) -> None:
    """Steps of other folds' rows, by both engines."""
    options = {"solver": "adam", "batchSize": 8, "replicas": 2, "stepSize": 0.05}
    found = [weights_of(validated(rows, engine=engine, **options)) for engine in ("local", "spark")]
    assert found[0] == found[1]


@pytest.mark.parametrize("engine", ["local", "spark"])
def test_a_fold_need_not_have_every_class(rows: Any, engine: str) -> None:
    """Groups seldom have; what is validated are the classes that are there."""
    by_class = rows.withColumn("part", F.when(F.col("label") == 2.0, 0).otherwise(F.col("part") % 2))
    found = validated(by_class, folds=2, engine=engine)
    assert found.subModels[0][0].numClasses == 3
    assert np.isfinite(found.avgMetrics).all()


def test_as_many_folds_as_there_are_numbers_for(spark: Any) -> None:
    """The last has the last of an int8."""
    table = [(Vectors.dense([float(n), 1.0]), float(n % 2), n % MOST_NAMED) for n in range(4 * MOST_NAMED)]
    many = spark.createDataFrame(table, ["features", "label", "part"])
    found = [
        weights_of(validated(many, folds=MOST_NAMED, iterations=1, engine=e)) for e in ("local", "spark")
    ]
    assert len(found[0]) == MOST_NAMED + 1
    assert found[0] == found[1]
    with one_line_error(f"numFolds: expected 2 to {MOST_NAMED} with a foldCol", kind=RecipeError):
        validated(many, folds=MOST_NAMED + 1)


def test_many_rows_of_one_fold_in_blocks_of_their_own(spark: Any) -> None:
    """60,000 rows, most of them in one fold and half of those alike: engines agree."""
    lone = spark.range(0, 60_000, 1, 5).select(
        F.array(*(F.when(F.col("id") % 2 == 0, F.rand(k)).otherwise(0.5) for k in range(2))).alias(
            "features"
        ),
        (F.col("id") % 3).cast("double").alias("label"),
        F.when(F.col("id") % 100 < 98, 0).otherwise(F.col("id") % 100 - 97).cast("int").alias("part"),
    )
    lone = lone.cache()
    try:
        found = [validated(lone, engine=engine, iterations=2) for engine in ("local", "spark")]
    finally:
        lone.unpersist()
    assert weights_of(found[0]) == weights_of(found[1])
    history = found[1].subModels[1][0].summary
    assert history.totalIterations == 2


@pytest.mark.parametrize("engine", ["local", "spark"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "part + 1",
            "'part' must hold whole numbers from 0 to 2, but 42 of 150 rows do not, such as 3",
        ),
        ("part - 1", "from 0 to 2, but 22 of 150 rows do not, such as -1"),
        ("if(part > 0, part, null)", "but 22 of 150 rows do not, such as null"),
        ("part * 2 % 4", "column 'part' has no row of fold 1 of 3"),
        (
            "cast(part as double)",
            "'part' must hold whole numbers, each row's fold, but is double",
        ),
        ("part = 1", "'part' must hold whole numbers, each row's fold, but is boolean"),
    ],
)
def test_folds_that_cannot_be_are_counted(rows: Any, change: str, said: str, engine: str) -> None:
    """One line, before anything trains."""
    with one_line_error(said, kind=DataError):
        validated(rows.withColumn("part", F.expr(change)), engine=engine)


def test_columns_that_do_not_go_together(rows: Any) -> None:
    """Two that say which rows validate; one that is not there; the label's."""
    with one_line_error("foldCol: expected no validationIndicatorCol beside it", kind=RecipeError):
        validated(rows.withColumn("v", F.lit(True)), validationIndicatorCol="v")
    with one_line_error("there is no column 'part'", kind=DataError):
        validated(rows.drop("part"))
    with one_line_error("need a column each", kind=RecipeError):
        validated(rows.drop("label"), labelCol="part")


def test_a_fold_without_weight_or_figure_is_said(rows: Any) -> None:
    """Rows that weigh nothing are not there; one class has no area."""
    nothing = rows.withColumn("w", F.when(F.col("part") == 1, 0.0).otherwise(1.0))
    with one_line_error("column 'part' has no row with weight of fold 1 of 3", kind=DataError):
        validated(nothing, weightCol="w")
    two = rows.where("label < 2").withColumn("part", F.col("label").cast("int"))
    one = search_of("areaUnderROC", foldCol="part", numFolds=2)
    with one_line_error("no param map has a roc_auc on every fold: expected rows of several", kind=DataError):
        one.fit(two)


def search_of(evaluator: Any, **options: Any) -> SweepCrossValidator:
    """A search of two settings."""
    estimator = MultilayerPerceptronClassifier(hiddenLayers=[4], maxIter=3, engine="local")
    maps = ParamGridBuilder().addGrid(estimator.hiddenLayers, [[2], [3]]).build()
    return SweepCrossValidator(estimator=estimator, estimatorParamMaps=maps, evaluator=evaluator, **options)


def test_it_is_a_cross_validator_of_sparks(spark: Any) -> None:
    """Its arguments, getters and setters."""
    one = search_of("accuracy", parallelism=4, foldCol="part", seed=7)
    assert isinstance(one, CrossValidator)
    assert (one.getNumFolds(), one.getFoldCol(), one.getParallelism(), one.getSeed()) == (3, "part", 4, 7)
    one.setNumFolds(5).setFoldCol("").setSeed(8).setCollectSubModels(True)
    assert (one.getNumFolds(), one.getFoldCol(), one.getSeed(), one.getCollectSubModels()) == (5, "", 8, True)
    assert one.getEvaluator() == "accuracy"
    assert len(one.getEstimatorParamMaps()) == 2
    assert one.setEvaluator(Evaluator(metricName="f1")).getEvaluator().getMetricName() == "f1"
    with pytest.raises(TypeError):
        SweepCrossValidator(folds=3)  # type: ignore[call-arg]


def test_a_copy_is_apart(rows: Any) -> None:
    """Its estimator too; a fit with other Params leaves the original alone."""
    for evaluator in ("accuracy", Evaluator(metricName="accuracy")):
        one = search_of(evaluator, foldCol="part")
        other = one.copy({one.numFolds: 2})
        assert (one.getNumFolds(), other.getNumFolds()) == (3, 2)
        assert other.getEstimator() is not one.getEstimator()
        assert type(other.getEvaluator()) is type(one.getEvaluator())
        with ThreadPoolExecutor(4) as pool:  # nothing is taken from the original meanwhile
            assert all(k.isDefined("evaluator") for k in pool.map(type(one).copy, [one] * 200))
        two = rows.withColumn("part", F.col("part") % 2)
        assert one.fit(two, {one.numFolds: 2}).avgMetrics == other.fit(two).avgMetrics


@pytest.mark.parametrize("kind", ["a name", "an evaluator"])
def test_it_is_saved_and_read(rows: Any, tmp_path: Path, kind: str) -> None:
    """And finds the same again."""
    evaluator = "accuracy" if kind == "a name" else Evaluator(metricName="accuracy")
    one = search_of(evaluator, foldCol="part", seed=5, collectSubModels=True)
    one.save(str(tmp_path / "search"))
    read = SweepCrossValidator.load(str(tmp_path / "search"))
    assert type(read) is SweepCrossValidator
    assert read.uid == one.uid
    assert read.getEvaluator().getMetricName() == "accuracy"
    assert (read.getFoldCol(), read.getSeed(), read.getCollectSubModels()) == ("part", 5, True)
    assert read.fit(rows).avgMetrics == one.fit(rows).avgMetrics
    with pytest.raises(Exception, match="already exists"):
        one.save(str(tmp_path / "search"))
    one.write().overwrite().save(str(tmp_path / "search"))
    one.getEstimator().save(str(tmp_path / "estimator"))
    with one_line_error("holds a nnspark.ml.MultilayerPerceptronClassifier, not a Sweep", kind=ModelError):
        SweepCrossValidator.load(str(tmp_path / "estimator"))
    with one_line_error("SweepCrossValidator, which is to be read by its own load", kind=ModelError):
        MultilayerPerceptronClassifier.load(str(tmp_path / "search"))
    with one_line_error("evaluator: expected an evaluator", kind=RecipeError):
        SweepCrossValidator(estimator=one.getEstimator(), estimatorParamMaps=[{}]).save(str(tmp_path / "x"))
