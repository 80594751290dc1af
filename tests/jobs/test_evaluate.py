"""jobs/evaluate.py, its main called in this process on a shared SparkSession."""

import json

import pytest
from jobs.loading import call, finished_run

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


def test_what_cannot_be_evaluated_is_refused(spark, run, tmp_path):
    """No model, an unknown key."""
    with pytest.raises(ModelError, match="does not exist"):
        call("evaluate", tmp_path)
    with pytest.raises(RecipeError, match=r"did you mean 'data\.path'"):
        call("evaluate", run, "--set", "data.pathh=x")
