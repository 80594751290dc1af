"""nnspark.ml.MultilayerPerceptronClassifier: what Spark's own tests ask of its perceptron, and more."""

import math

import numpy as np
import pytest
from helpers import one_line_error
from ml.data import CALIBRATION, XOR, bits, frame_of, multiclass
from pyspark.ml.linalg import Vectors
from pyspark.sql import functions as F

from nnspark.errors import DataError, DivergedError, RecipeError
from nnspark.ml import MultilayerPerceptronClassifier, MultilayerPerceptronRegressor

NAN = float("nan")


@pytest.fixture
def xor(spark):
    """The four rows."""
    return frame_of(spark, XOR)


def test_xor_is_learnt_and_a_vector_gets_what_transform_says(xor):
    """Four of four; raw outputs, probabilities and labels are equal to the last bit."""
    model = MultilayerPerceptronClassifier(layers=[2, 5, 2], blockSize=1, seed=123, maxIter=100).fit(xor)
    rows = model.transform(xor).collect()
    assert [row.prediction for row in rows] == [row.label for row in rows]
    for row in rows:
        assert model.predict(row.features) == row.prediction
        assert model.predictRaw(row.features) == row.rawPrediction
        assert model.predictProbability(row.features) == row.probability
    assert (model.numFeatures, model.numClasses, model.getLayers()) == (2, 2, [2, 5, 2])
    assert model.weights.size == 27


def test_probabilities_are_calibrated(spark):
    """Two rows with both labels get one half."""
    df = frame_of(spark, CALIBRATION)
    model = MultilayerPerceptronClassifier(layers=[4, 5, 2], blockSize=1, seed=123).fit(df)
    found = [row.probability.toArray() for row in model.transform(df).collect()]
    np.testing.assert_allclose(found, [[1, 0], [0, 1], [0.5, 0.5], [0.5, 0.5]], atol=1e-3)


def test_the_initial_cost_is_the_one_spark_has_at_these_weights(xor):
    """Measured with pyspark 4.3.0; and ln 2 where all weights are zero."""
    estimator = MultilayerPerceptronClassifier(layers=[2, 2, 2], maxIter=1)
    first = estimator.setInitialWeights(Vectors.dense(range(12))).fit(xor).summary.objectiveHistory[0]
    assert first == pytest.approx(1.5423737562693773, rel=1e-14)
    zeros = estimator.setInitialWeights([0.0] * 12).fit(xor).summary().objectiveHistory
    assert zeros[0] == pytest.approx(math.log(2), rel=1e-14)


@pytest.mark.parametrize("solver", ["l-bfgs", "gd"])
def test_a_restart_from_the_weights_is_repeatable(spark, solver):
    """For gradient descent two iterations and two more are four, bit for bit."""
    df = multiclass(spark)
    estimator = MultilayerPerceptronClassifier(layers=[4, 5, 3], solver=solver, maxIter=2, tol=0.0)
    half = estimator.fit(df)
    again = [bits(estimator.copy().setInitialWeights(half.weights).fit(df)) for _ in range(2)]
    assert again[0] == again[1]
    if solver == "gd":
        assert again[0] == bits(estimator.copy().setMaxIter(4).fit(df))


def test_every_numeric_label_type_gives_the_same_weights(spark):
    """From byte to decimal, and boolean."""
    df = frame_of(spark, XOR)
    estimator = MultilayerPerceptronClassifier(layers=[2, 3, 2], maxIter=3)
    kinds = ["tinyint", "smallint", "int", "bigint", "float", "double", "decimal(10,2)", "boolean"]
    assert (
        len({bits(estimator.fit(df.withColumn("label", F.col("label").cast(kind)))) for kind in kinds}) == 1
    )


def test_engines_partitions_and_vector_kinds_do_not_change_a_bit(spark):
    """On executors in 7 partitions, sparse; in the driver, dense and as arrays; with weights and penalty."""
    from pyspark.ml.functions import vector_to_array

    df = multiclass(spark).withColumn("w", F.col("label") + 0.5)
    options = {"layers": [4, 5, 3], "maxIter": 2, "weightCol": "w", "regParam": 0.01, "standardization": True}
    arrays = df.withColumn("features", vector_to_array("features"))
    fitted = [
        MultilayerPerceptronClassifier(**options, engine="spark").fit(df.repartition(7)),
        MultilayerPerceptronClassifier(**options, engine="local").fit(df),
        MultilayerPerceptronClassifier(**options).fit(arrays),
    ]
    assert len({bits(model) for model in fitted}) == 1
    assert len({tuple(model.summary.objectiveHistory) for model in fitted}) == 1


def test_rows_that_validate_are_named_by_a_column(spark):
    """They do not train; on some partitions only; the history has their figures; the same on executors."""
    df = multiclass(spark).withColumn("held", F.col("label") == 2).repartitionByRange(3, "label")
    df = df.withColumn("held", F.col("held") & (F.rand(1) < 0.9))
    df = df.persist()
    options = {"layers": [4, 5, 3], "maxIter": 3, "validationIndicatorCol": "held"}
    fitted = [
        MultilayerPerceptronClassifier(**options, engine=engine).fit(df) for engine in ("spark", "local")
    ]
    assert bits(fitted[0]) == bits(fitted[1])
    train = df.where("not held")
    assert bits(fitted[0]) == bits(MultilayerPerceptronClassifier(layers=[4, 5, 3], maxIter=3).fit(train))
    assert "validation_loss" in fitted[0].history[-1]
    df.unpersist()


def test_a_column_that_lets_no_row_validate_holds_none_back(xor):
    """All rows train; training that is to stop by the others is refused in one line."""
    df = xor.withColumn("held", F.lit(False))
    options = {"layers": [2, 3, 2], "maxIter": 2}
    held = MultilayerPerceptronClassifier(**options, validationIndicatorCol="held")
    assert bits(held.fit(df)) == bits(MultilayerPerceptronClassifier(**options).fit(df))
    with one_line_error("earlyStoppingMonitor", "'held' is true in no row", kind=DataError):
        held.copy({held.earlyStoppingPatience: 2}).fit(df)
    with one_line_error("no row is left for training", "have fewer validate", kind=DataError):
        held.fit(xor.withColumn("held", F.lit(True)))


@pytest.mark.parametrize("fraction", [-0.1, 1.0, 1.5])
def test_a_fraction_that_leaves_nothing_to_train_on_is_refused(xor, fraction):
    """By the Param's name."""
    estimator = MultilayerPerceptronClassifier(
        layers=[2, 3, 2], earlyStoppingPatience=1, validationFraction=fraction
    )
    with one_line_error("validationFraction: expected a fraction", f"got {fraction:g}", kind=RecipeError):
        estimator.fit(xor)


@pytest.mark.parametrize("weight", [NAN, 1e39])
def test_initial_weights_that_are_not_finite_are_counted(xor, weight):
    """In the type that is trained in."""
    estimator = MultilayerPerceptronClassifier(layers=[2, 1, 2], dtype="float32", initialWeights=[weight] * 7)
    with one_line_error("initialWeights", "finite in float32", "7 of 7", kind=RecipeError):
        estimator.fit(xor)


@pytest.mark.parametrize(("label", "dtype"), [(1e200, "float64"), (1e39, "float32")])
def test_labels_too_large_to_be_squared_are_one_line(xor, label, dtype):
    """A regression's, by either engine."""
    df = xor.withColumn("label", F.col("label") * label)
    for engine in ("local", "spark"):
        with one_line_error("must be finite", kind=DivergedError):
            MultilayerPerceptronRegressor(layers=[2, 2, 1], dtype=dtype, engine=engine).fit(df)


def test_early_stopping_keeps_the_best_weights(spark):
    """A fraction of the rows is held out where no column says which."""
    options = {"layers": [4, 30, 3], "maxIter": 200, "tol": 0.0, "earlyStoppingPatience": 3}
    model = MultilayerPerceptronClassifier(**options).fit(multiclass(spark))
    assert model.summary.totalIterations < 200
    assert "validation_loss did not improve" in model.summary.stoppedBecause


def test_hidden_layers_take_the_others_from_the_data(spark):
    """Inputs from the vectors, outputs from the labels or from their attributes."""
    df = multiclass(spark)
    estimator = MultilayerPerceptronClassifier(hiddenLayers=[6], maxIter=1)
    assert estimator.fit(df).getLayers() == [4, 6, 3]
    four = df.withColumn("label", F.col("label").alias("label", metadata={"ml_attr": {"vals": list("abcd")}}))
    model = estimator.fit(four)
    assert (model.getLayers(), model.labels) == ([4, 6, 4], ("a", "b", "c", "d"))


@pytest.mark.parametrize(
    "options",
    [
        {"output": "sigmoid"},
        {"output": "sigmoid", "layers": [2, 4, 1]},
        {"output": "sigmoid", "layers": [2, 4, 2]},
        {"optimizer": "adam", "stepSize": 0.1, "optimizerOptions": {"beta1": 0.8}, "dtype": "float32"},
        {"optimizer": "adam", "batchSize": 2, "replicas": 1, "stepSize": 0.1},
        {"activation": "tanh", "loss": "squared_error"},
    ],
    ids=str,
)
def test_other_networks_and_optimizers_learn_xor(xor, options):
    """All that nnspark has can be asked for."""
    hidden = {} if "layers" in options else {"hiddenLayers": [6]}
    model = MultilayerPerceptronClassifier(**hidden, **options, maxIter=300, blockSize=1).fit(xor)
    rows = model.transform(xor).collect()
    assert [row.prediction for row in rows] == [row.label for row in rows]
    assert model.numClasses == len(rows[0].probability) == len(rows[0].rawPrediction) == 2
    assert all(row.probability.toArray().sum() == pytest.approx(1) for row in rows)


def test_regularisation_is_sparks_factor_of_the_mean_cost(xor):
    """Objective at given weights: mean loss + regParam/2 times the squares, biases left out."""
    weights = np.arange(12.0) / 10
    options = {"layers": [2, 2, 2], "maxIter": 1, "initialWeights": weights.tolist()}
    plain, penalised = (
        MultilayerPerceptronClassifier(**options, regParam=reg).fit(xor).summary.objectiveHistory[0]
        for reg in (0.0, 0.3)
    )
    squares = np.square(weights[[0, 1, 2, 3, 6, 7, 8, 9]]).sum()
    assert penalised - plain == pytest.approx(0.15 * squares, rel=1e-12)


BAD_LABELS = [(5.0, "5"), (-1.0, "-1"), (0.5, "0.5"), (NAN, "nan"), (None, "null")]


@pytest.mark.parametrize(("label", "shown"), BAD_LABELS)
def test_labels_that_are_no_class_are_counted(spark, label, shown):
    """Column, value and number of rows."""
    data = [(float(y), Vectors.dense(x)) for y, x in XOR] + [(label, Vectors.dense(1, 1))] * 2
    df = spark.createDataFrame(data, ["y", "features"])
    with one_line_error("'y'", "from 0 to 1", "2 of 6 rows", f"such as {shown}", kind=DataError):
        MultilayerPerceptronClassifier(layers=[2, 2], labelCol="y").fit(df)


BAD_FEATURES = [(None, "2 of 6"), (Vectors.dense(1, NAN), "NaN"), (Vectors.dense(1, 2, 3), "[1.0, 2.0, 3.0]")]


@pytest.mark.parametrize("engine", ["spark", "local"])
@pytest.mark.parametrize(("vector", "shown"), BAD_FEATURES)
def test_features_that_cannot_be_used_are_counted(spark, engine, vector, shown):
    """Null, NaN, another length; by both engines in the same words."""
    data = [(float(y), Vectors.dense(x)) for y, x in XOR] + [(1.0, vector)] * 2
    df = spark.createDataFrame(data, ["label", "v"])
    estimator = MultilayerPerceptronClassifier(layers=[2, 2, 2], featuresCol="v", engine=engine)
    with one_line_error("'v'", "2 finite numbers", "2 of 6 rows", shown, kind=DataError):
        estimator.fit(df)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("label", "'a'", ["'label'", "string", "StringIndexer"]),
        ("features", "1.0D", ["'features'", "double", "VectorAssembler"]),
        ("w", "-1.0D", ["'w'", "weights of 0 or more", "4 of 4 rows", "-1"]),
        ("v", "1", ["'v'", "booleans", "int"]),
        ("v", "cast(null as boolean)", ["'v'", "true or false", "4 of 4", "null"]),
    ],
    ids=["text", "number", "weight", "indicator", "null"],
)
def test_columns_of_the_wrong_kind_are_refused(xor, column, value, said):
    """By name, with what to do."""
    named = {"w": {"weightCol": "w"}, "v": {"validationIndicatorCol": "v"}}.get(column, {})
    with one_line_error(*said, kind=DataError):
        MultilayerPerceptronClassifier(layers=[2, 2], **named).fit(xor.withColumn(column, F.expr(value)))


def test_40_rows_in_50_partitions_train(spark):
    """To the weights of one partition, in the driver."""
    from pyspark.ml.functions import array_to_vector

    def fitted(partitions, engine):
        df = spark.range(0, 40, 1, partitions)
        x = array_to_vector(F.array(F.col("id").cast("double")))
        df = df.select((F.col("id") % 2).alias("label"), x.alias("features"))
        return MultilayerPerceptronClassifier(layers=[1, 3, 2], maxIter=1, engine=engine).fit(df)

    assert bits(fitted(50, "spark")) == bits(fitted(1, "local"))


def test_the_cost_is_as_low_as_sparks(spark):
    """On Spark's sample of three classes, with the layers of its documentation, its seed and two more.

    Both costs are mean log loss over all rows. Spark's own objective is another function: it averages the
    means of blocks, here of 128 and of 22 rows. Which of the two is lower after 100 iterations, by a tenth
    mostly, is a matter of the seed, and of the last bits of the processor's products.
    """
    from pyspark.ml.classification import MultilayerPerceptronClassifier as Theirs
    from pyspark.ml.evaluation import MulticlassClassificationEvaluator

    df = multiclass(spark).coalesce(1).persist()
    evaluator = MulticlassClassificationEvaluator(metricName="logLoss")
    costs = []
    for seed in (1234, 1, 2):
        options = {"layers": [4, 5, 4, 3], "maxIter": 100, "blockSize": 128, "seed": seed}
        fitted = [cls(**options).fit(df) for cls in (MultilayerPerceptronClassifier, Theirs)]
        costs.append([evaluator.evaluate(model.transform(df)) for model in fitted])
        assert costs[-1][0] == pytest.approx(fitted[0].summary.objectiveHistory[-1], rel=1e-9)
    ours, theirs = np.array(costs).sum(axis=0)
    assert ours <= 1.1 * theirs
    df.unpersist()


def test_the_summary_has_sparks_figures(spark):
    """Of the same predictions: by Spark's metrics, weighted."""
    from pyspark.ml.evaluation import MulticlassClassificationEvaluator

    df = multiclass(spark).withColumn("w", F.col("label") + 0.5)
    model = MultilayerPerceptronClassifier(layers=[4, 3], maxIter=4, weightCol="w").fit(df)
    summary, predictions = model.evaluate(df), model.transform(df).persist()
    evaluator = MulticlassClassificationEvaluator(weightCol="w", beta=0.5)
    assert 0.3 < summary.accuracy < 1
    assert summary.labels == [0.0, 1.0, 2.0]
    for name, found in [
        ("accuracy", summary.accuracy),
        ("weightedPrecision", summary.weightedPrecision),
        ("weightedRecall", summary.weightedRecall),
        ("weightedFalsePositiveRate", summary.weightedFalsePositiveRate),
        ("weightedFMeasure", summary.weightedFMeasure(0.5)),
        ("precisionByLabel", summary.precisionByLabel[0]),
        ("fMeasureByLabel", summary.fMeasureByLabel(0.5)[0]),
    ]:
        assert found == pytest.approx(evaluator.setMetricName(name).evaluate(predictions), rel=1e-12), name
    assert model.hasSummary
    assert model.summary.totalIterations == len(model.history) == 4
    predictions.unpersist()
