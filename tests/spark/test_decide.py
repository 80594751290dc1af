"""Decisions, plots, importance and dropout: the same bits on 1, 3 and 7 partitions and without Spark."""

import json
from typing import Any

import numpy as np
import pytest
from helpers import shards_of, table_of
from spark.training import outcome, recipe_of, without_spark

import nnspark
from nnspark.data.dataset import Dataset, make_dataset
from nnspark.engines.layout import make_shards
from nnspark.evaluation.importance import importance
from nnspark.evaluation.plots import plots
from nnspark.net import weights as weights_module
from nnspark.net.network import Network
from nnspark.objective.objective import Objective
from nnspark.recipe import Prediction
from nnspark.training import decide as decide_module
from nnspark.training.decide import decide

RNG = np.random.default_rng(11)
Z = np.round(RNG.normal(size=(500, 1)) * 3, 2)
CASES = {
    "classification": ("sigmoid", (Z[:, 0] / 4 + RNG.normal(size=500) > 0.4).astype(int)),
    "regression": ("identity", Z + RNG.normal(size=Z.shape)),
}
RULES = [
    Prediction(threshold="f1", calibration="platt"),
    Prediction(threshold={"recall": 0.9}, calibration="temperature"),
]


@pytest.mark.parametrize("at_once", [pytest.param(1 << 22, marks=pytest.mark.slow), 50])
@pytest.mark.parametrize("task", CASES)
def test_what_is_found_after_training_does_not_depend_on_the_partitions(
    spark: Any, monkeypatch: pytest.MonkeyPatch, task: str, at_once: int
) -> None:
    """With tallies of all scores, and of their leading bits."""
    monkeypatch.setattr(decide_module, "AT_ONCE", at_once)
    output, y = CASES[task]
    local = shards_of(Z, y, task=task, block_rows=16, part="validation")
    loss = "cross_entropy" if task == "classification" else "squared_error"
    objective = Objective(Network((1, 1), "identity", output, loss), task, "float64", local.plan.terms)
    theta = weights_module.flatten([np.array([[0.1, 1.2]])])

    def found(shards: Any) -> str:
        rules = RULES if task == "classification" else []
        decided = [repr(decide(rule, objective, shards, theta)) for rule in rules]
        drawn = plots(objective, shards, theta, "validation", ["a", "b"])
        ranked = importance(objective, shards, theta, "validation", ["a"], seed=3, most=4)
        return json.dumps([decided, drawn, ranked])

    expected = found(local)
    for partitions in (1, 7) if at_once > 50 else (3,):
        dataset = Dataset(local.plan, local.blocks[0])
        with make_shards(dataset, spark.sparkContext, partitions=partitions) as shards:
            assert found(shards) == expected


def test_dropout_and_a_decision_do_not_depend_on_the_partitions(spark: Any) -> None:
    """The weights, the history, and the figures at the threshold that was found."""
    X = RNG.normal(size=(400, 5))
    table = table_of(X, (X[:, 0] + RNG.normal(size=400) > 0.7).astype(int))
    recipe = recipe_of(
        "rounds.batch_size=20", "rounds.replicas=3", "rounds.dropout=0.3", "training.block_rows=16",
        "prediction.threshold=f1", "prediction.calibration=platt", "training.class_weight=balanced",
    )  # fmt: skip
    shards = make_shards(make_dataset(table, recipe), spark.sparkContext, partitions=7)
    assert outcome(recipe, shards) == without_spark(recipe, table)


def test_rows_of_a_dataframe_are_answered_by_the_threshold(spark: Any) -> None:
    """By transform, as a function of columns and of SQL, and by the Spark ML model's worker."""
    from pyspark.sql import functions as F

    from nnspark.scoring.raw import class_answers

    X = RNG.normal(size=(300, 2))
    y = (X[:, 0] + RNG.normal(size=300) > 0.9).astype(int)
    model = nnspark.train(
        {
            "data": {"task": "classification"},
            "network": {"hidden": [3]},
            "training": {"engine": "local", "epochs": 5, "learning_rate": 3.0},
            "prediction": {"threshold": {"recall": 0.9}, "calibration": "platt"},
        },
        (X, y),
    )
    frame = spark.createDataFrame(X.tolist(), ["0", "1"])
    expected, p = model.predict(X), model.predict_proba(X)
    assert 0 < expected.mean() != (p[:, 1] >= 0.5).mean()
    rows = model.transform(frame).collect()
    assert [row["prediction"] for row in rows] == expected.tolist()
    assert [row["probability_1"] for row in rows] == p[:, 1].tolist()
    model.register(spark, "decided")
    found = frame.select(F.expr("decided(`0`, `1`)").alias("sql"), model.as_udf()("0", "1").alias("udf"))
    assert [tuple(row) for row in found.collect()] == [(one, one) for one in expected.tolist()]
    answers = class_answers(model.artifact(), X)
    np.testing.assert_array_equal(answers.prediction, expected)
    np.testing.assert_array_equal(answers.probability, p)
    given = class_answers(model.artifact(), X, [1.0, 1.0])
    np.testing.assert_array_equal(given.prediction, p.argmax(axis=1))
