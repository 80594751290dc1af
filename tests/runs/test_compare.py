"""Runs side by side: what differs and what does not, told by their files."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jobs.loading import finished_run
from report.reading import read, words

from nnspark.runs.commands import compare

RECIPE = 'data = {{source = "iris"}}\ntraining = {{engine = "local", epochs = {}, l2 = {}}}'


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of one recipe, and one that is longer and has another penalty."""
    folder = tmp_path_factory.mktemp("runs")
    for name, epochs, l2 in (("one", 2, 1.0), ("twin", 2, 1.0), ("long", 3, 0.5)):
        finished_run(folder / name, RECIPE.format(epochs, l2))
    return folder


def test_a_table_says_what_differs_and_whose_weights_are_the_same(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each figure is that of the run's metrics.json; what all share is left out; the page has the curves."""
    page = tmp_path / "page.html"
    compare.main([*(str(runs / name) for name in ("one", "long", "twin")), "--out", str(page)])
    lines = capsys.readouterr().out.splitlines()
    rows = [re.split(r"\s{2,}", line) for line in lines[1:-3]]
    table = {row[0]: row[1:] for row in rows}
    metrics = {
        name: json.loads((runs / name / "metrics.json").read_text()) for name in ("one", "long", "twin")
    }
    assert lines[0].split() == list(metrics)
    assert table["training.epochs"] == ["2", "3", "2"]
    assert table["training.l2"] == ["1.0", "0.5", "1.0"]
    assert not [key for key in table if "." in key and key not in ("training.epochs", "training.l2")]
    assert table["test accuracy"] == [f"{one['test']['accuracy']:.4f}" for one in metrics.values()]
    assert table["train loss"] == [f"{one['train']['loss']:.4f}" for one in metrics.values()]
    assert table["weights"] == [one["weights_sha256"][:12] for one in metrics.values()]
    assert "test roc_auc" not in table
    assert lines[-2:] == ["the same weights, bit for bit: one = twin", str(page)]
    shown = words(page.read_text())
    assert "The same weights, bit for bit: one = twin" in shown
    labels = [value for name, value in read(page.read_text()).attributes if name == "aria-label"]
    assert any(label.startswith("Validation loss over 3 epochs") and "long" in label for label in labels)


def test_equal_runs_and_runs_of_other_rows_are_called_so(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And one that is still at work has no weights."""
    compare.main([str(runs / "one"), str(runs / "twin"), "--all"])
    said = capsys.readouterr().out
    assert said.endswith("\nall weights are the same, bit for bit\n")
    assert "test roc_auc" in said
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "recipe.toml").write_text((runs / "one/recipe.toml").read_text())
    (tmp_path / "other/metrics.json").write_text('{"weights_sha256": "0f", "data_fingerprint": "another"}')
    compare.main([str(runs / "one"), str(tmp_path / "one"), str(tmp_path / "other")])
    said = capsys.readouterr().out
    assert f"no two runs have the same weights; none yet: {tmp_path / 'one'}" in said
    assert "the rows are not the same" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("one",), "expected two run directories or more, got 1"),
        (("one", "one"), "expected different run directories, got one of them twice"),
        (("one", "nothing"), "nothing/recipe.toml does not exist: expected the directory of a run"),
        (
            ("one", "sweep"),
            "sweep holds a sweep: its report compares the settings; its best run is sweep/best",
        ),
        (("one", "bad"), "bad/metrics.json is damaged"),
        (
            ("one", "[1]"),
            "[1]/metrics.json is damaged: expected an object, got [1]; train again or use a copy",
        ),
        (("one", '{"test": 5}'), "expected an object of figures as 'test', got 5"),
        (("one", '{"train": {"loss": "low"}}'), "expected a number as 'loss', got \"low\""),
        (
            ("one", '{"test": {"baseline": [2]}}'),
            "expected an object of figures as 'baseline', got [2]",
        ),
        (("one", '{"weights_sha256": {}}'), "expected text as 'weights_sha256', got {}"),
    ],
)
def test_bad_input_is_one_line(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, words: tuple[str, ...], said: str
) -> None:
    """Exit code 2."""
    from runs.test_cli import call

    for name, metrics in (("sweep", ""), ("bad", "{"), *((word, word) for word in words if word[0] in "[{")):
        (runs / name).mkdir(exist_ok=True)
        (runs / name / "recipe.toml").write_text((runs / "one/recipe.toml").read_text())
        (runs / name / "metrics.json").write_text(metrics)
    (runs / "sweep/sweep.json").write_text("{}")
    monkeypatch.chdir(runs)
    assert call(monkeypatch, "compare", *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
