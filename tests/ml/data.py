"""Rows that Spark's own tests of its perceptron use, and the comparison of models."""

from pathlib import Path

import pyspark
from pyspark.ml.linalg import Vectors

MULTICLASS = Path(pyspark.__file__).parent / "data/mllib/sample_multiclass_classification_data.txt"
XOR = [(0.0, (0, 0)), (1.0, (0, 1)), (1.0, (1, 0)), (0.0, (1, 1))]
CALIBRATION = [(0.0, (1, 2, 3, 4)), (1.0, (4, 3, 2, 1)), (0.0, (1, 1, 1, 1)), (1.0, (1, 1, 1, 1))]


def frame_of(spark, rows, kind=float):
    """Labels and vectors as a DataFrame in one partition."""
    data = [(kind(label), Vectors.dense(values)) for label, values in rows]
    return spark.createDataFrame(data, ["label", "features"]).coalesce(1)


def multiclass(spark):
    """The 150 rows of three classes that come with Spark."""
    return spark.read.format("libsvm").option("numFeatures", 4).load(str(MULTICLASS))


def bits(model):
    """The weights' bytes."""
    return model.weights.toArray().tobytes()
