"""Spark's perceptron on raw tables, behind a pipeline of Spark ML's encoders.

It knows sigmoid layers, L-BFGS (100 iterations by default) and neither regression nor a penalty.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._table_peers import Files, Fitted
from benchmarks._tables import VOCABULARY
from nnspark.recipe import Data, Recipe

__all__ = ["mllib"]


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
