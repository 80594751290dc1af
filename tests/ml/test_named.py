"""Columns by Spark's other names: a struct's field, a name in backticks; a name with dots is itself first."""

import pytest
from ml.data import bits, multiclass
from pyspark.ml.classification import MultilayerPerceptronClassifier as Sparks
from pyspark.sql import functions as F

from nnspark.errors import DataError
from nnspark.ml import MultilayerPerceptronClassifier

OPTIONS = {"layers": [4, 3], "maxIter": 2}


@pytest.fixture(scope="module")
def rows(spark):
    """Rows with weights."""
    return multiclass(spark).select("features", "label", (F.col("label") + 1.0).alias("w")).persist()


@pytest.fixture(scope="module")
def plain(rows):
    """The model of the columns by their own names."""
    return MultilayerPerceptronClassifier(weightCol="w", **OPTIONS).fit(rows)


@pytest.mark.parametrize("engine", ["local", "spark"])
def test_a_field_of_a_struct_is_a_column_as_in_spark(rows, plain, engine):
    """Features, label and weight; answers beside the columns that were there, and the same figures."""
    inside = rows.select(F.struct("*").alias("s"), F.lit(1).alias("kept"))
    named = {"featuresCol": "s.features", "labelCol": "s.label", "weightCol": "s.w"}
    model = MultilayerPerceptronClassifier(engine=engine, **named, **OPTIONS).fit(inside)
    assert bits(model) == bits(plain)
    answered = model.transform(inside)
    assert answered.columns == ["s", "kept", "rawPrediction", "probability", "prediction"]
    expected = [row.probability for row in plain.transform(rows).collect()]
    assert [row.probability for row in answered.collect()] == expected
    assert model.summary.accuracy == model.evaluate(inside).accuracy == plain.summary.accuracy
    beside = rows.select(F.struct("features").alias("s"), "label")
    assert Sparks(featuresCol="s.features", **OPTIONS).fit(beside).transform(beside).columns[:2] == [
        "s",
        "label",
    ]


@pytest.mark.parametrize("name", ["a.b", "`a.b`"])
def test_a_name_with_a_dot_is_a_columns_with_and_without_backticks(rows, plain, name):
    """Spark knows it in backticks only."""
    dotted = rows.withColumnRenamed("features", "a.b")
    model = MultilayerPerceptronClassifier(featuresCol=name, weightCol="w", **OPTIONS).fit(dotted)
    assert bits(model) == bits(plain)
    assert model.transform(dotted).columns[:3] == ["a.b", "label", "w"]


@pytest.mark.parametrize("name", ["s.nothing", "nothing", "s.", "`"])
def test_what_no_name_is_is_refused(rows, name):
    """With the columns there are, and nothing of Spark's."""
    inside = rows.select(F.struct("features").alias("s"), "label")
    with pytest.raises(DataError, match=r"there is no column .*; the DataFrame has 's', 'label'"):
        MultilayerPerceptronClassifier(featuresCol=name, **OPTIONS).fit(inside)


def test_a_field_that_is_there_twice_is_refused_as_that(rows):
    """Not as a column that is missing."""
    inside = rows.select(F.struct("features", "features").alias("s"), "label")
    with pytest.raises(DataError, match=r"column 's.features': expected one .* has several; rename all but"):
        MultilayerPerceptronClassifier(featuresCol="s.features", **OPTIONS).fit(inside)
