"""The console command: Spark's options before the command, the command's own words after it."""

import sys
from typing import Any

import pytest

from nnspark.errors import RecipeError
from nnspark.recipe import read
from nnspark.recipe.bundled import bundled, find
from nnspark.runs.cli import main, parse, submit_arguments


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> Any:
    """The exit code of ``nnspark WORDS``."""
    monkeypatch.setattr(sys, "argv", ["nnspark", *words])
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "unchanged")
    monkeypatch.setenv("SPARK_CONF_DIR", "unchanged")
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code


def test_a_recipe_is_trained_by_its_name(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From any folder; the last line is the path of the metrics."""
    monkeypatch.chdir(tmp_path)
    quick = ("--set", "training.engine=local", "--set", "training.epochs=2", "--set", "report.html=false")
    assert call(monkeypatch, "train", "digits", "--out", "one", *quick) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "one/metrics.json"


def test_recipes_are_listed_and_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One a line with what it is; the text of one is TOML to start from."""
    assert call(monkeypatch, "recipes") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(bundled())
    assert call(monkeypatch, "recipes", "digits") == 0
    assert capsys.readouterr().out == find("digits").read_text()


@pytest.mark.parametrize("words", [("train", "digitz", "--out", "x"), ("recipes", "digitz")])
def test_an_unknown_recipe_is_one_line_with_the_nearest(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2."""
    assert call(monkeypatch, *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "did you mean 'digits'?" in line


@pytest.mark.parametrize("name", bundled())
def test_every_recipe_that_comes_with_nnspark_can_be_read_by_name(name: str) -> None:
    """Every key known, every value in range."""
    assert read(name) == read(find(name))


def test_a_file_of_that_name_wins(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is a path first; a path that is not there is no name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").write_text('[data]\nsource = "iris"\n')
    assert read("digits").data.source == "iris"
    with pytest.raises(RecipeError, match="cannot read recipe"):
        read("./nothing.toml")


def test_sparks_options_come_before_the_command() -> None:
    """What follows the command is the command's."""
    args = parse(["--master", "spark://h:1", "--conf", "a.b=c d", "train", "digits", "--out", "x", "--conf"])
    assert (args.command, args.arguments) == ("train", ["digits", "--out", "x", "--conf"])
    assert submit_arguments(args.master, args.conf, "") == [
        "--master", "spark://h:1", "--conf", "a.b=c d", "pyspark-shell"
    ]  # fmt: skip
    assert submit_arguments("", [], "")[:1] == ["--properties-file"]
