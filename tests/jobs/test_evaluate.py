"""jobs/evaluate.py, its main called in this process on a shared SparkSession."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from jobs.loading import call, finished_run

from nnspark.errors import DataError, ModelError, RecipeError, ShapeError

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
    again = json.loads((tmp_path / "local.json").read_text()) | {"model": str(run)}
    assert again.pop("evaluated_at") >= figures.pop("evaluated_at")
    assert again == figures


def test_an_evaluation_says_of_what_and_keeps_the_one_before(spark, run, tmp_path, capsys):
    """Rows, part, model and date; another part's goes beside it, the same part's over it."""
    out = tmp_path / "e.json"
    call("evaluate", run, "--out", out)
    first = out.read_bytes()
    said = json.loads(first)
    model = (run / "model.safetensors").read_bytes()
    assert said["model_sha256"] == hashlib.sha256(model).hexdigest()
    assert said["data"] == {
        "source": "iris",
        "path": "",
        "part": "test",
        "rows": said["num_samples"],
        "fingerprint": said["data_fingerprint"],
    }
    assert abs((datetime.now(UTC) - datetime.fromisoformat(said["evaluated_at"])).total_seconds()) < 600
    call("evaluate", run, "--out", out)
    assert [path.name for path in tmp_path.iterdir()] == ["e.json"]
    first = out.read_bytes()
    capsys.readouterr()
    call("evaluate", run, "--part", "train", "--out", out)
    kept = tmp_path / f"e-{hashlib.sha256(first).hexdigest()[:12]}.json"
    assert kept.read_bytes() == first
    assert f"is now {kept}" in capsys.readouterr().err
    assert json.loads(out.read_text())["data"]["part"] == "train"


def test_another_recipe_can_name_the_rows(spark, run, tmp_path):
    """Its data section is used, the rest of it is not."""
    recipe = tmp_path / "other.toml"
    recipe.write_text('[data]\nsource = "iris"\nsplit = {train = 0.4, validation = 0.0, test = 0.6}\n')
    out = call("evaluate", run, "--data", recipe, "--out", tmp_path / "e.json")
    assert json.loads((tmp_path / "e.json").read_text())["num_samples"] == 90
    assert out == str(tmp_path / "e.json")


@pytest.fixture(scope="module")
def rows_and_run(tmp_path_factory):
    """Rows of three columns and a label in words, and a run on them."""
    folder = tmp_path_factory.mktemp("rows")
    X = np.random.default_rng(0).normal(size=(90, 3)) * [1, 50, 2]
    rows = pd.DataFrame(X, columns=list("abc")).assign(label=np.where(X[:, 0] > 0, "yes", "no"))
    rows.to_csv(folder / "d.csv", index=False)
    section = f'data = {{source = "csv", path = "{folder / "d.csv"}", scale = "standard"}}\n'
    return rows, finished_run(folder / "run", section + 'training = {epochs = 5, engine = "local"}')


QUICK = [("d.csv", "test"), ("e.csv", "all"), ("e.parquet", "test")]  # each file and part once
FILES_AND_PARTS = [
    pytest.param(file, part, marks=[] if (file, part) in QUICK else [pytest.mark.slow])
    for file in ("d.csv", "e.csv", "e.parquet")
    for part in ("train", "test", "all")
]


@pytest.mark.parametrize(("file", "part"), FILES_AND_PARTS)
def test_executors_read_all_that_they_can(spark, rows_and_run, tmp_path, monkeypatch, file, part):
    """Not a row goes through the driver, of the model's own data or others; the figures are the same.

    The others have columns in another order and one more, and fewer rows, of one class.
    """
    rows, run = rows_and_run
    others = rows[rows["label"] == "yes"][["label", "c", "b", "a"]].assign(d=0.5)
    others.loc[others.index[:3], "label"] = "no"
    options = ["--part", part]
    if file != "d.csv":
        others.to_csv(tmp_path / "e.csv", index=False)
        others.to_parquet(tmp_path / "e.parquet", index=False)
        options += ["--set", f"data.path={tmp_path / file}", "--set", f"data.source={file.split('.')[1]}"]
    local = json.loads(Path(call("evaluate", run, *options, "--out", tmp_path / "l.json")).read_text())
    with monkeypatch.context() as patched:
        patched.delattr("nnspark.evaluation.data.load_table")
        options += ["--set", "training.engine=spark", "--set", "spark.partitions=3"]
        spread = json.loads(Path(call("evaluate", run, *options, "--out", tmp_path / "s.json")).read_text())
    assert spread.pop("data")["source"] == local.pop("data")["source"]
    del spread["evaluated_at"], local["evaluated_at"]
    assert spread == local


def test_executors_refuse_what_the_driver_refuses(spark, rows_and_run, tmp_path):
    """A label that is no class of the model, in rows that count; a column that is missing."""
    rows, run = rows_and_run
    odd = rows.assign(w=1.0)
    odd.loc[[3, 5], "label"] = "maybe"
    for name, frame, said in (
        ("odd", odd, "label 'maybe' is not a class of the model, nor are 1 labels of other rows"),
        ("named", rows.rename(columns={"c": "k"}), "the data has no column 'c'"),
        ("narrow", rows.drop(columns="c"), "the model takes 3 features but the data has 2"),
    ):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
        for engine in ("local", "spark"):
            options = [f"data.path={tmp_path / name}.csv", f"training.engine={engine}"]
            with pytest.raises((DataError, ShapeError), match=said):
                call("evaluate", run, "--part", "all", *(word for one in options for word in ("--set", one)))
    odd["w"] = np.where(odd["label"] == "maybe", 0.0, 1.0)
    odd.to_csv(tmp_path / "weighted.csv", index=False)
    options = [f"data.path={tmp_path / 'weighted.csv'}", "data.weight=w", "training.engine=spark"]
    call("evaluate", run, "--part", "all", *(word for one in options for word in ("--set", one)))


def test_what_cannot_be_evaluated_is_refused(spark, run, tmp_path):
    """No model, an unknown key."""
    with pytest.raises(ModelError, match="does not exist"):
        call("evaluate", tmp_path)
    with pytest.raises(RecipeError, match=r"did you mean 'data\.path'"):
        call("evaluate", run, "--set", "data.pathh=x")
