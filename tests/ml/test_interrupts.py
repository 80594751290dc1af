"""Ctrl-C at any moment of an estimator's work ends it, and the session answers the next question."""

import os
import signal
import threading
import time
from contextlib import suppress
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


def pressed_twice(spark: Any, done: threading.Event) -> None:
    """Ctrl-C as a person presses it: once jobs run, and again within a moment."""
    tracker = spark.sparkContext.statusTracker()
    deadline = time.monotonic() + 60
    while not tracker.getActiveJobsIds() and time.monotonic() < deadline:
        time.sleep(0.05)
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
    done.set()


@pytest.mark.parametrize("work", WORKS)
def test_the_session_answers_after_an_interrupt(spark: Any, slow_rows: Any, work: str) -> None:
    """The next question has its own answer. (The second may come after the first has ended the work.)"""
    model, done = fitted(slow_rows.limit(100)), threading.Event()
    threading.Thread(target=pressed_twice, args=(spark, done), daemon=True).start()
    whole: list[str] = []
    with suppress(KeyboardInterrupt):
        try:
            WORKS[work](slow_rows, model)
            whole.append(work)
        finally:
            done.wait()
            time.sleep(0.1)
    assert done.wait(60)
    assert not whole
    assert spark.range(10).count() == 10
    assert fitted(slow_rows.limit(100)).weights == model.weights
