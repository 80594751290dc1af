"""A whole program in the words of Spark ML, with nnspark's class and with Spark's: one line differs."""

import os
import subprocess
import sys

import pytest
from examples import code_of, run_cells

OURS = "from nnspark.ml import MultilayerPerceptronClassifier\n"
THEIRS = "from pyspark.ml.classification import MultilayerPerceptronClassifier\n"
READ_AGAIN = """
import os, sys
from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.ml.tuning import CrossValidatorModel
from pyspark.sql import SparkSession
if "PYSPARK_GATEWAY_PORT" in os.environ:
    jvm = (gateway := launch_gateway()).jvm.org.apache.spark
    there = jvm.api.java.JavaSparkContext(jvm.SparkContext.getOrCreate())
    spark = SparkSession(SparkContext(gateway=gateway, jsc=there, conf=SparkConf(_jconf=there.getConf())))
else:
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
flowers = spark.read.schema(sys.argv[2]).csv(sys.argv[1] + "/flowers.csv", header=True)
rows = CrossValidatorModel.load(sys.argv[1] + "/best").transform(flowers).collect()
print([(row.prediction, row.probability.toArray().tolist()) for row in rows])
"""


@pytest.mark.parametrize("jvm", ["the session's JVM", pytest.param("a new JVM", marks=pytest.mark.slow)])
def test_the_program_runs_and_is_read_in_a_new_process(spark, jvm):
    """It tells most flowers apart; every probability of what was saved is the same to the last bit.

    What nnspark has of it is Python's; a JVM of its own takes as long as all the rest.
    """
    from pyspark.ml.tuning import CrossValidatorModel

    assert "".join(code_of("pipeline")).count(OURS) == 1
    ours = run_cells("pipeline")
    assert ours["accuracy"] > 0.8

    folder, flowers = ours["folder"], ours["flowers"]
    rows = CrossValidatorModel.load(f"{folder}/best").transform(flowers).collect()
    expected = [(row.prediction, row.probability.toArray().tolist()) for row in rows]
    columns = ", ".join(f"{name} {kind}" for name, kind in flowers.dtypes)
    command = [sys.executable, "-c", READ_AGAIN, folder, columns]
    at = spark.sparkContext._gateway.gateway_parameters
    there = {"PYSPARK_GATEWAY_PORT": str(at.port), "PYSPARK_GATEWAY_SECRET": at.auth_token}
    env = os.environ | (there if jvm == "the session's JVM" else {})
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False, env=env)
    assert done.stdout.strip().splitlines()[-1:] == [str(expected)], done.stderr[-2000:]


@pytest.mark.slow  # the class without its import: above; beside Spark's in costs: tests/ml/test_classifier.py
def test_the_program_runs_with_either_import(spark):
    """Both tell most flowers apart, ours no fewer."""
    theirs = run_cells("pipeline", OURS, THEIRS)
    assert run_cells("pipeline")["accuracy"] >= theirs["accuracy"] - 0.05
