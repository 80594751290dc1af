"""A run whose recipe names its rows by a relative path, used from another folder."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jobs.loading import call

from nnspark.errors import DataError

RECIPE = """
data = {%s, scale = "standard"}
network = {hidden = [3]}
training = {engine = "local", epochs = 4}
report = {html = false}
"""
SOURCES = {
    "csv": 'source = "csv", path = "rows/rows.csv"',
    "patterns": 'source = "csv", path = ["rows/r*.csv"]',
    "parts": 'source = "csv", train = "rows/rows.csv", test = "rows/test.csv"',
    "npy": 'source = "npy", features = "rows/X.npy", labels = "rows/y.npy"',
}


@pytest.fixture(params=SOURCES)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A folder with rows, a recipe and a run of it; the current folder is another."""
    home, rng = tmp_path / "project", np.random.default_rng(0)
    (home / "rows").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    X = rng.normal(size=(60, 2))
    for name in ("rows", "test"):
        lines = [f"{a},{b},{int(a > b)}" for a, b in (X if name == "rows" else X[:20] + 1)]
        (home / f"rows/{name}.csv").write_text("a,b,label\n" + "\n".join(lines) + "\n")
    np.save(home / "rows/X.npy", X)
    np.save(home / "rows/y.npy", (X[:, 0] > X[:, 1]).astype(int))
    (home / "my.toml").write_text(RECIPE % SOURCES[request.param])
    monkeypatch.chdir(home)
    call("train", "my.toml", "--out", "runs/one")
    monkeypatch.chdir(tmp_path / "elsewhere")
    return home


def test_it_is_evaluated_and_trained_again_from_there(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rows are those in the folder above the run's that it was started in; a line says so."""
    run = project / "runs/one"
    kept = (run / "recipe.toml").read_text()
    metrics = json.loads((run / "metrics.json").read_text())
    call("evaluate", run)
    assert f"is not in this folder; taken from {project}," in capsys.readouterr().err
    figures = json.loads((run / "evaluation.json").read_text())
    assert {name: figures[name] for name in metrics["test"]} == metrics["test"]
    call("train", run / "recipe.toml", "--out", "two")
    assert json.loads(Path("two/metrics.json").read_text())["weights_sha256"] == metrics["weights_sha256"]
    assert (run / "recipe.toml").read_text() == kept


def test_it_goes_on_from_there(project: Path) -> None:
    """By the recipe that it was started with, whose folder has the rows, or by the one that it keeps."""
    for recipe, epochs in ((project / "my.toml", 6), (project / "runs/one/recipe.toml", 8)):
        more = ("--resume", "--set", f"training.epochs={epochs}")
        call("train", recipe, "--out", project / "runs/one", *more)
        assert json.loads((project / "runs/one/metrics.json").read_text())["epochs"] == epochs


def test_rows_that_are_nowhere_are_one_line(project: Path, monkeypatch: Any) -> None:
    """It names the folder that was looked in."""
    (project / "rows").rename(project / "moved")
    with pytest.raises(DataError, match=r"rows.*(names no file|does not exist: the folder .*elsewhere does)"):
        call("evaluate", project / "runs/one")
