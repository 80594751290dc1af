"""Models of nnspark.ml answer DataFrames lazily: Parquet vectors, SQL, streams, thresholds, attributes."""

import numpy as np
import pytest
from ml.data import multiclass
from pyspark.ml.feature import IndexToString, StringIndexer, VectorAssembler
from pyspark.ml.linalg import Vectors
from pyspark.sql import functions as F

from nnspark.errors import DataError, NNSparkError
from nnspark.ml import MultilayerPerceptronClassifier, MultilayerPerceptronRegressor
from nnspark.scoring.function import COLUMNAR

NAMES = ["a", "b", "c"]


@pytest.fixture(scope="module", autouse=True)
def columns_go_to_python_as_spark_has_it(spark):
    """Functions of SQL set this in their session; models do without."""
    spark.conf.unset(COLUMNAR)


@pytest.fixture(scope="module")
def table(spark):
    """Sixty rows: three numbers and a colour that follows from them."""
    X = np.random.default_rng(3).normal(size=(60, 3)).round(3)
    colour = np.array(["red", "green", "blue"])[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0)]
    rows = [(*x, c) for x, c in zip(X.tolist(), colour.tolist(), strict=True)]
    return spark.createDataFrame(rows, [*NAMES, "colour"]).coalesce(1)


@pytest.fixture(scope="module")
def prepared(table):
    """With the label numbered and the numbers in a vector."""
    indexed = StringIndexer(inputCol="colour", outputCol="label").fit(table).transform(table)
    return VectorAssembler(inputCols=NAMES, outputCol="features").transform(indexed)


@pytest.fixture(scope="module")
def model(prepared):
    """A classifier of the colours."""
    return MultilayerPerceptronClassifier(hiddenLayers=[4], maxIter=5).fit(prepared)


def answers(df):
    """What a classifier says, row by row."""
    return [(row.prediction, row.probability, row.rawPrediction) for row in df.collect()]


def test_vectors_read_from_parquet_are_predicted(spark, prepared, model, tmp_path):
    """Dense and sparse, as features or only passing by, as arrays and as what they were before."""
    from pyspark.ml.functions import array_to_vector, vector_to_array

    arrays = vector_to_array("features")
    frame = prepared.withColumn("arrays", arrays).withColumn("other", array_to_vector(arrays))
    expected = answers(model.transform(prepared))
    frame.write.parquet(str(tmp_path / "rows"))
    stored = spark.read.parquet(str(tmp_path / "rows"))
    assert answers(model.transform(stored)) == expected
    assert answers(model.transform(stored, {model.featuresCol: "arrays"})) == expected
    assert answers(model.transform(stored.drop("features"), {model.featuresCol: "other"})) == expected
    refitted = MultilayerPerceptronClassifier(hiddenLayers=[4], maxIter=5).fit(stored)
    assert refitted.weights == model.weights
    sparse = spark.createDataFrame(
        [(Vectors.sparse(3, [1], [2.0]),), (Vectors.dense(0, 2, 0),)], ["features"]
    )
    sparse.coalesce(1).write.parquet(str(tmp_path / "sparse"))
    one, other = answers(model.transform(spark.read.parquet(str(tmp_path / "sparse"))))
    assert one == other


def test_answers_are_lazy_and_can_be_had_again(spark, prepared, model):
    """In SQL, filtered, and after another transform; names are kept whatever they are."""
    answered = model.transform(prepared)
    answered.createOrReplaceTempView("answered")
    (row,) = spark.sql("select count(*) n from answered where prediction = 0 and colour = 'red'").collect()
    expected = [one for one in answered.collect() if one.prediction == 0 and one.colour == "red"]
    assert row.n == len(expected) > 0
    assert answers(answered) == answers(model.transform(prepared.withColumn("odd `name.", F.lit(1))))
    renamed = model.copy({model.predictionCol: "p2", model.probabilityCol: "", model.rawPredictionCol: ""})
    assert renamed.transform(answered).columns == [*answered.columns, "p2"]


def test_a_stream_is_predicted(spark, prepared, model, tmp_path):
    """Rows that arrive as files."""
    prepared.select("features").write.parquet(str(tmp_path / "in"))
    stream = spark.readStream.schema(prepared.select("features").schema)
    query = model.transform(stream.parquet(str(tmp_path / "in"))).writeStream
    query.format("memory").queryName("predicted").trigger(availableNow=True).start().awaitTermination(60)
    found = {row.features: row.prediction for row in spark.table("predicted").collect()}
    assert found == {row.features: row.prediction for row in model.transform(prepared).collect()}


def test_a_stream_cannot_be_fitted_or_evaluated(spark, prepared, model, tmp_path):
    """One line of ours, before Spark's."""
    columns = prepared.select("features", "label")
    columns.write.parquet(str(tmp_path / "in"))
    stream = spark.readStream.schema(columns.schema).parquet(str(tmp_path / "in"))
    for ask in (MultilayerPerceptronClassifier(hiddenLayers=[4]).fit, model.evaluate):
        with pytest.raises(DataError, match="got a streaming DataFrame: train and evaluate on a static read"):
            ask(stream)


def test_thresholds_divide_the_probabilities(prepared, model):
    """As Spark says: the largest p/t; a class of threshold 0 wins wherever it is possible."""
    thresholds = [0.9, 0.05, 0.3]
    rows = model.copy({model.thresholds: thresholds}).transform(prepared).collect()
    expected = [int(np.argmax(row.probability.toArray() / thresholds)) for row in rows]
    assert [row.prediction for row in rows] == expected
    assert expected != [row.prediction for row in model.transform(prepared).collect()]
    always = model.copy({model.thresholds: [0.5, 0.0, 0.5]})
    assert {row.prediction for row in always.transform(prepared).collect()} == {1.0}
    assert always.predict(rows[0].features) == 1.0
    for wrong in ([0.5, 0.5], [0.5, float("nan"), 0.5], [0.5, -0.1, 0.5]):
        with pytest.raises(NNSparkError, match="thresholds: expected 3 numbers"):
            model.copy({model.thresholds: wrong}).transform(prepared)


def test_attributes_of_columns_are_read_and_set(prepared, model):
    """Feature names from the assembler; label names come back out; sizes for evaluators and others."""
    assert model.model.feature_names == tuple(NAMES)
    answered = model.transform(prepared)
    assert answered.schema["probability"].metadata == {"ml_attr": {"num_attrs": 3}}
    assert answered.schema["rawPrediction"].metadata == {"ml_attr": {"num_attrs": 3}}
    said = prepared.schema["label"].metadata["ml_attr"]["vals"]
    assert answered.schema["prediction"].metadata["ml_attr"]["vals"] == list(model.labels) == said
    back = IndexToString(inputCol="prediction", outputCol="colour_again").transform(answered)
    assert {row.colour_again for row in back.collect()} <= {"red", "green", "blue"}


def test_the_schema_of_answers_is_that_of_sparks_own_model(prepared):
    """Names, types, nullability and metadata; beside it only the classes' names, where the label has some."""
    from pyspark.ml import classification, regression

    plain = prepared.select("features", F.col("label").alias("label", metadata={}))
    own = MultilayerPerceptronClassifier(layers=[3, 3], maxIter=2)
    theirs = classification.MultilayerPerceptronClassifier(layers=[3, 3], maxIter=2)
    expected, found = (one.fit(plain).transform(plain).schema for one in (theirs, own))
    assert [field.jsonValue() for field in found] == [field.jsonValue() for field in expected]
    number = MultilayerPerceptronRegressor(hiddenLayers=[2], maxIter=2).fit(plain).transform(plain)
    line = regression.LinearRegression(maxIter=2).fit(plain).transform(plain)
    assert number.schema["prediction"].nullable == line.schema["prediction"].nullable


@pytest.mark.parametrize(
    ("vector", "shown"), [(None, "None"), ([1.0], "1.0"), ([1.0, 2.0, float("nan")], "nan")]
)
def test_rows_that_cannot_be_answered_are_an_error_that_shows_one(spark, model, vector, shown):
    """Column, number and value, from the executor; and at once for a single vector."""
    df = spark.createDataFrame([([1.0, 2.0, 3.0],), (vector,)], "features array<double>")
    with pytest.raises(
        Exception, match=rf"DataError: column 'features' must hold 3 finite.*{shown}"
    ) as caught:
        model.transform(df.coalesce(1)).collect()
    assert len(str(caught.value).splitlines()) == 2  # Spark's own line, then ours; no stack
    if vector:
        with pytest.raises(DataError, match=r"3 features|finite"):
            model.predict(vector)


def test_columns_that_are_there_or_missing_are_named(prepared, model):
    """At once, not when the rows are computed."""
    with pytest.raises(DataError, match="already has a column 'prediction'"):
        model.transform(prepared.withColumn("prediction", F.lit(0)))
    with pytest.raises(DataError, match="already has a column 'Prediction'"):
        model.transform(prepared.withColumn("Prediction", F.lit(0)))
    with pytest.raises(DataError, match="no column 'features'"):
        model.transform(prepared.drop("features"))
    twin = prepared.withColumn("x", F.lit(0)).withColumnRenamed("x", "Features")
    with pytest.raises(DataError, match="'features' and 'Features', which differ only in case"):
        model.transform(twin)
    others = prepared.select("*", F.lit(0).alias("Label"))
    assert model.transform(others).columns[: len(others.columns)] == others.columns


def test_a_regressor_answers_in_the_targets_units(spark, prepared):
    """Half the mean squared error, any number of hidden layers; figures equal Spark's evaluator's."""
    from pyspark.ml.evaluation import RegressionEvaluator

    df = prepared.withColumn("y", 3 * F.col("a") - F.col("b") * F.col("c") + 5)
    estimator = MultilayerPerceptronRegressor(
        hiddenLayers=[8], labelCol="y", activation="tanh", maxIter=60, standardization=True
    )
    fitted = estimator.fit(df)
    rows = fitted.transform(df).collect()
    assert fitted.predict(rows[0].features) == rows[0].prediction
    assert fitted.getLayers() == [3, 8, 1]
    summary = fitted.evaluate(df)
    assert summary.r2 > 0.95
    evaluator = RegressionEvaluator(labelCol="y")
    for name, found in [
        ("rmse", summary.rootMeanSquaredError),
        ("mae", summary.meanAbsoluteError),
        ("r2", summary.r2),
    ]:
        assert found == pytest.approx(evaluator.setMetricName(name).evaluate(summary.predictions), rel=1e-9)
    half = fitted.summary.objectiveHistory[-1]
    assert half == pytest.approx(summary.meanSquaredError / 2, rel=1e-9)


def test_a_sigmoid_output_regresses_xor(spark):
    """2-5-1, half the squared error, 20 iterations: each answer rounds to its label."""
    data = [(float(a ^ b), Vectors.dense(a, b)) for a in (0, 1) for b in (0, 1)]
    df = spark.createDataFrame(data, ["label", "features"]).coalesce(1)
    model = MultilayerPerceptronRegressor(layers=[2, 5, 1], output="sigmoid", maxIter=20, seed=11).fit(df)
    rows = model.transform(df).collect()
    assert [round(row.prediction) for row in rows] == [row.label for row in rows]


def test_bits_of_an_answer_do_not_depend_on_partitions(spark):
    """The same rows in one partition and in five."""
    df = multiclass(spark).withColumn("id", F.monotonically_increasing_id()).persist()
    model = MultilayerPerceptronClassifier(layers=[4, 7, 3], maxIter=2).fit(df)
    one, five = (
        model.transform(frame).sort("id").collect() for frame in (df.coalesce(1), df.repartition(5, "label"))
    )
    assert one == five
    df.unpersist()
