"""A whole program in the words of Spark ML, with nnspark's class and with Spark's: one line differs."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

NOTEBOOK = Path(__file__).with_name("notebook.py")
OURS = "from nnspark.ml import MultilayerPerceptronClassifier\n"
THEIRS = "from pyspark.ml.classification import MultilayerPerceptronClassifier\n"
READ_AGAIN = """
import sys
from pyspark.ml.tuning import CrossValidatorModel
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
flowers = spark.read.csv(sys.argv[1] + "/flowers.csv", header=True, inferSchema=True)
rows = CrossValidatorModel.load(sys.argv[1] + "/best").transform(flowers).collect()
print([(row.prediction, row.probability.toArray().tolist()) for row in rows])
"""


@pytest.fixture
def folder(tmp_path):
    """Eighty flowers of two species."""
    rng = np.random.default_rng(2)
    lines = ["length,width,petal,species"]
    for number in range(80):
        species = "ab"[number % 2]
        values = rng.normal(size=3) + np.array([0, 2.5 * (number % 2), 0])
        lines.append(",".join([*(f"{value:.4f}" for value in values), species]))
    (tmp_path / "flowers.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def run(script, folder, monkeypatch, capsys):
    """Run a program in this process, with the session there is; what it printed."""
    monkeypatch.setattr(sys, "argv", [str(script), str(folder)])
    runpy.run_path(str(script))
    return dict(
        line.split() for line in capsys.readouterr().out.splitlines() if line.startswith(("acc", "wei"))
    )


def test_the_program_runs_with_either_import_and_is_read_in_a_new_process(spark, folder, monkeypatch, capsys):
    """Both tell most flowers apart; every probability of what was saved is the same to the last bit."""
    from pyspark.ml.tuning import CrossValidatorModel

    text = NOTEBOOK.read_text()
    assert text.count(OURS) == 1
    (folder / "theirs.py").write_text(text.replace(OURS, THEIRS))
    theirs = run(folder / "theirs.py", folder, monkeypatch, capsys)
    ours = run(NOTEBOOK, folder, monkeypatch, capsys)
    assert float(ours["accuracy"]) >= float(theirs["accuracy"]) - 0.05
    assert float(ours["accuracy"]) > 0.8

    flowers = spark.read.csv(f"{folder}/flowers.csv", header=True, inferSchema=True)
    rows = CrossValidatorModel.load(f"{folder}/best").transform(flowers).collect()
    expected = [(row.prediction, row.probability.toArray().tolist()) for row in rows]
    command = [sys.executable, "-c", READ_AGAIN, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False, env=os.environ)
    assert done.stdout.strip().splitlines()[-1:] == [str(expected)], done.stderr[-2000:]
