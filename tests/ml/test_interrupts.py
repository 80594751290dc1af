"""Ctrl-C at any moment of an estimator's work ends it, and the session answers the next question."""

import os
import signal
import threading
from typing import Any

import pytest
from pyspark.sql import functions as F

import nnspark
from nnspark.ml import MultilayerPerceptronClassifier, SweepCrossValidator

LAYERS = [2, 3, 2]


@pytest.fixture(scope="module")
def slow_rows(spark: Any) -> Any:
    """Rows that take Spark several seconds for every pass."""
    from pyspark.ml.functions import array_to_vector

    text = F.col("id").cast("string")
    for _ in range(12):
        text = F.sha2(text, 512)
    features = array_to_vector(F.array(F.rand(1), F.rand(2)))
    return spark.range(0, 5_000_000, 1, 4).select(
        (text > "8").cast("double").alias("label"), features.alias("features")
    )


def fitted(rows: Any, **options: Any) -> Any:
    """An estimator's model of a few iterations."""
    return MultilayerPerceptronClassifier(layers=LAYERS, maxIter=3, **options).fit(rows)


WORKS = {
    "a fit's first pass": lambda rows, model: fitted(rows, engine="spark"),
    "a fit's first pass, for the engine it will choose": lambda rows, model: fitted(rows),
    "figures": lambda rows, model: model.evaluate(rows).accuracy,
    "a search": lambda rows, model: SweepCrossValidator(
        estimator=MultilayerPerceptronClassifier(layers=LAYERS), estimatorParamMaps=[{}], evaluator="f1"
    ).fit(rows),
    "train": lambda rows, model: nnspark.train({"data": {"label": "label"}}, rows, progress=False),
}


@pytest.mark.parametrize("work", WORKS)
def test_the_session_answers_after_an_interrupt(spark: Any, slow_rows: Any, work: str) -> None:
    """Twice within a moment, as a person presses; the next question has its own answer."""
    model = fitted(slow_rows.limit(100))
    for after in (0.3, 0.31):
        threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        WORKS[work](slow_rows, model)
    assert spark.range(10).count() == 10
    assert fitted(slow_rows.limit(100)).weights == model.weights
