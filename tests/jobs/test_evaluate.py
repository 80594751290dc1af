"""jobs/evaluate.py, its main called in this process on a shared SparkSession."""

import json
from pathlib import Path

import numpy as np
import pytest
from jobs.loading import call, finished_run, write_csv

from nnspark.errors import ModelError, RecipeError

IRIS = """
data = {source = "iris", scale = "standard"}
training = {engine = "local", epochs = 20, block_rows = 16}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on iris."""
    return finished_run(tmp_path_factory.mktemp("iris") / "run", IRIS)


def test_spark_and_the_local_engine_give_the_same_figures(spark, run, tmp_path, capsys):
    """Those that training reported, in evaluation.json beside the model; the table on standard error."""
    options = ("--set", "spark.partitions=3", "--set", "training.engine=spark")
    assert call("evaluate", run, *options) == str(run / "evaluation.json")
    assert "macro average" in capsys.readouterr().err
    figures = json.loads((run / "evaluation.json").read_text())
    reported = json.loads((run / "metrics.json").read_text())
    assert {name: figures[name] for name in reported["test"]} == reported["test"]
    assert figures["weights_sha256"] == reported["weights_sha256"]
    assert sum(map(sum, figures["confusion"])) == reported["test"]["num_samples"]
    local = call("evaluate", run / "model.safetensors", "--out", tmp_path / "local.json")
    assert local == str(tmp_path / "local.json")
    assert json.loads((tmp_path / "local.json").read_text()) | {"model": str(run)} == figures


def test_another_recipe_can_name_the_rows(spark, run, tmp_path):
    """Its data section is used, the rest of it is not."""
    recipe = tmp_path / "other.toml"
    recipe.write_text('[data]\nsource = "iris"\nsplit = {train = 0.4, validation = 0.0, test = 0.6}\n')
    out = call("evaluate", run, "--data", recipe, "--out", tmp_path / "e.json")
    assert json.loads((tmp_path / "e.json").read_text())["num_samples"] == 90
    assert out == str(tmp_path / "e.json")


def test_executors_read_the_data_the_model_was_trained_on(spark, tmp_path, monkeypatch):
    """Not a row of it goes through the driver; other rows do, scaled as the model says."""
    rows = np.random.default_rng(0).normal(size=(90, 3)) * [1, 50, 2]
    data = [["a", "b", "c", "label"], *([*row, int(row[0] > 0)] for row in rows.tolist())]
    path, other = write_csv(tmp_path / "d.csv", data), write_csv(tmp_path / "e.csv", data[:40])
    section = f'data = {{source = "csv", path = "{path}", scale = "standard"}}\n'
    text = section + 'training = {epochs = 5, engine = "local"}'
    run = finished_run(tmp_path / "run", text)
    local = json.loads(Path(call("evaluate", run)).read_text())
    with monkeypatch.context() as patched:
        patched.delattr("nnspark.evaluation.data.load_table")
        spread = json.loads(Path(call("evaluate", run, "--set", "training.engine=spark")).read_text())
    assert spread == local
    out = call(
        "evaluate", run, "--set", "training.engine=spark", "--set", f"data.path={other}", "--part", "train"
    )
    again = call(
        "evaluate", run, "--set", f"data.path={other}", "--part", "train", "--out", tmp_path / "l.json"
    )
    assert json.loads(Path(out).read_text()) == json.loads(Path(again).read_text())


def test_what_cannot_be_evaluated_is_refused(spark, run, tmp_path):
    """No model, an unknown key."""
    with pytest.raises(ModelError, match="does not exist"):
        call("evaluate", tmp_path)
    with pytest.raises(RecipeError, match=r"did you mean 'data\.path'"):
        call("evaluate", run, "--set", "data.pathh=x")
