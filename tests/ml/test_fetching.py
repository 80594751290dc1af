"""Rows that come to the driver: from Parquet files read here, or by Spark, to the same bits as on Spark."""

from dataclasses import replace

import numpy as np
import pytest
from ml.data import bits
from pyspark.ml.linalg import Vectors
from pyspark.sql import functions as F

from nnspark.engines.frames import classes
from nnspark.engines.frames.parquet_files import ParquetFiles
from nnspark.errors import DataError
from nnspark.ml import MultilayerPerceptronClassifier, columns, fitting

ROWS = 60


def rows_of(spark, kind):
    """Rows with a label, weights and an indicator; a weight of 0 and an indicator that is null among them."""
    X = np.random.default_rng(3).normal(size=(ROWS, 3)).round(2)
    X[::4, 1] = 0.0
    made = [
        (
            int(values.sum() > 0),
            Vectors.sparse(3, np.flatnonzero(values).tolist(), values[values != 0].tolist())
            if kind == "mixed" and at % 3
            else values.tolist()
            if kind in ("array", "floats")
            else Vectors.dense(values),
            float(at % 5),
            None if at == 7 else at % 4 == 0,
        )
        for at, values in enumerate(X)
    ]
    if kind in ("array", "floats"):
        of = "float" if kind == "floats" else "double"
        return spark.createDataFrame(made, f"label int, features array<{of}>, w double, v boolean")
    return spark.createDataFrame(made, ["label", "features", "w", "v"])


@pytest.fixture
def read_here(monkeypatch):
    """The number of times that this process read files itself."""
    times, real = [], ParquetFiles.batches
    monkeypatch.setattr(ParquetFiles, "batches", lambda self, threads: times.append(1) or real(self, threads))
    return times


# Dense: what "mixed" has too. Floats: what "array" does; executors read such in test_direct_parquet.py.
@pytest.mark.parametrize(
    "kind", ["mixed", "array", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("dense", "floats"))]
)
def test_files_read_here_give_the_bits_of_spark(spark, tmp_path, read_here, kind):
    """Labels, weights and an indicator too; several files and row groups."""
    rows = rows_of(spark, kind).where("v is not null")
    rows.repartition(3).write.option("parquet.block.size", 512).parquet(str(tmp_path / "rows"))
    stored = spark.read.parquet(str(tmp_path / "rows"))
    estimator = MultilayerPerceptronClassifier(
        layers=[3, 4, 2], maxIter=2, seed=1, weightCol="w", validationIndicatorCol="v"
    )
    here = estimator.copy({estimator.engine: "local"})
    found = {
        "files, here": bits(here.fit(stored)),
        "a filter, here": bits(here.fit(stored.where("label >= 0"))),
        "memory, here": bits(here.fit(rows)),
        "files, there": bits(estimator.copy({estimator.engine: "spark"}).fit(stored)),
    }
    assert len(set(found.values())) == 1, found
    assert len(read_here) == 1


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ("if(label = 0, features, null)", "null"),
        pytest.param(  # found as the other two are; in memory: tests/ml/test_classifier.py
            "transform(features, x -> if(x > 1, double('nan'), x))", "NaN", marks=pytest.mark.slow
        ),
        ("if(label = 0, features, slice(features, 1, 2))", "must hold 3 finite numbers"),
    ],
)
def test_features_that_cannot_be_used_are_refused_alike(spark, tmp_path, read_here, features, said):
    """The same sentence from files read here and from Spark."""
    rows_of(spark, "array").withColumn("features", F.expr(features)).write.parquet(str(tmp_path / "rows"))
    stored = spark.read.parquet(str(tmp_path / "rows"))
    sentences = []
    for engine, rows in (("local", stored), ("local", stored.where("label >= 0")), ("spark", stored)):
        with pytest.raises(DataError) as error:
            MultilayerPerceptronClassifier(layers=[3, 4, 2], engine=engine).fit(rows)
        sentences.append(str(error.value))
    assert len(set(sentences)) == 1, sentences
    assert said in sentences[0]
    assert len(read_here) == 1


def test_rows_that_change_from_query_to_query_are_refused(spark, monkeypatch):
    """More rows than were counted, or fewer."""
    rows = rows_of(spark, "array")
    estimator = MultilayerPerceptronClassifier(layers=[3, 4, 2], engine="local")

    real = columns.read_source
    for counted in (ROWS - 1, ROWS + 1):
        monkeypatch.setattr(
            fitting, "read_source", lambda *of, c=counted, **more: replace(real(*of, **more), rows=c)
        )
        with pytest.raises(DataError, match="changes from query to query"):
            estimator.fit(rows)


@pytest.mark.parametrize("kind", ["int", "decimal(3,1)"])
def test_no_job_finds_the_classes_that_every_label_was_checked_to_be(spark, monkeypatch, kind):
    """On Spark, whatever type of number a label is; a class may have no row."""
    monkeypatch.setattr(classes, "find_labels", None)
    rows = rows_of(spark, "array").withColumn("label", F.expr(f"cast(if(label = 0, 2, 0) as {kind})"))
    models = [
        MultilayerPerceptronClassifier(layers=[3, 4, 3], maxIter=3, seed=1, engine=engine).fit(rows)
        for engine in ("spark", "local")
    ]
    assert bits(models[0]) == bits(models[1])
    assert {row.prediction for row in models[0].transform(rows).collect()} <= {0.0, 2.0}
