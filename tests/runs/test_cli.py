"""The console command: Spark's options before the command, the command's own words after it."""

import sys
from typing import Any

import pytest
from jobs.loading import finished_run

from nnspark.errors import RecipeError
from nnspark.recipe import read
from nnspark.recipe.bundled import bundled, find
from nnspark.runs.cli import main, parse, submit_arguments
from nnspark.sources.makers import MAKERS


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


def test_a_report_is_made_again_from_the_files_of_a_run(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside the page that is there: the same bytes. Without it: what evaluation.json has, or less."""
    monkeypatch.chdir(tmp_path)
    quick = ("--set", "training.engine=local", "--set", "training.epochs=3")
    assert call(monkeypatch, "train", "digits", "--out", "one", *quick) == 0
    page = tmp_path / "one/report.html"
    first = page.read_text()
    assert call(monkeypatch, "report", "one") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "one/report.html"
    assert page.read_text() == first
    page.unlink()
    assert call(monkeypatch, "report", "one") == 0
    assert "Confusion matrix" not in page.read_text()
    assert "% of 180 test rows right after 3 epochs" in page.read_text()
    assert call(monkeypatch, "evaluate", "one") == 0
    assert call(monkeypatch, "report", "one") == 0
    again = page.read_text()
    start, end = first.index("<h2>Classes"), first.index("<h2>Rows as pictures")
    assert first[start:end] in again
    metrics = tmp_path / "one/metrics.json"
    metrics.write_text(metrics.read_text().replace('"weights_sha256": "', '"weights_sha256": "0'))
    assert call(monkeypatch, "report", "one") == 0
    assert "Confusion matrix" not in page.read_text()  # of other weights


def test_a_report_of_no_run_is_one_line(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No directory, no metrics, damaged metrics: exit code 2."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/metrics.json").write_text("{")
    for name, said in (("none", "does not exist"), ("empty", "does not exist"), ("bad", "is damaged")):
        assert call(monkeypatch, "report", name) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
        assert not (tmp_path / name / "report.html").exists()


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
    with pytest.raises(RecipeError, match=r"cannot read recipe nothing\.toml: No such file") as caught:
        read("./nothing.toml")
    assert "comes with nnspark by its name (`nnspark recipes` lists them)" in str(caught.value)
    assert "conf/" not in str(caught.value)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RecipeError, match="`nnspark recipes digits` prints one"):
        read("bytes.toml")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("trian",), "invalid choice: 'trian'"),
        (("train",), "the following arguments are required: recipe, --out"),
        (("train", "digits", "--out", "x", "--resume", "--overwrite"), "not allowed with argument"),
        (("predict", "run", "in.csv", "--out", "o", "--format", "xml"), "invalid choice: 'xml'"),
        (("train", "digits", "--out", ""), "expected a path or Hadoop URI, got an empty one"),
        (("evaluate", "run", "--prat", "test"), "unrecognized arguments: --prat test"),
        (("recipes", "digits", "iris"), "unrecognized arguments: iris"),
    ],
)
def test_a_usage_error_is_one_line(
    words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With where to find what there is; exit code 2."""
    assert call(monkeypatch, *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert said in line
    assert line.endswith(
        f"nnspark {f'{words[0]} ' if len(words) > 1 or words == ('train',) else ''}--help says more"
    )


def test_help_is_still_argparses(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On standard output."""
    assert call(monkeypatch, "predict", "--help") == 0
    assert capsys.readouterr().out.startswith("usage: nnspark predict")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("predict", "nothing", "in.csv", "--out", "o"), "nothing/model.safetensors does not exist"),
        (
            ("predict", "run", "nothing.csv", "--out", "o"),
            "nothing.csv (INPUT) does not exist: the folder",
        ),
        (("predict", "run", "in.csv", "--out", "taken"), "taken exists already; pass --overwrite"),
        (("evaluate", "nothing"), "nothing/model.safetensors does not exist"),
        (("evaluate", "run", "--set", "data.pathh=x"), "did you mean 'data.path'"),
        (
            ("evaluate", "run", "--set", "data.source=csv", "--set", "data.path=no.csv"),
            "no.csv (data.path) does not exist: the folder",
        ),
        (("train", "csv.toml", "--out", "o"), "no.csv (data.path) does not exist: the folder"),
    ],
)
def test_what_is_not_there_is_told_before_spark_starts(
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    """No JVM for a path that is mistyped; but where Hadoop may know a plain path, it is asked."""
    from pyspark import SparkContext

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(SparkContext, "_gateway", None)  # as in a process of its own
    monkeypatch.delenv("HADOOP_CONF_DIR", raising=False)
    finished_run(tmp_path / "run", 'data = {source = "iris"}\ntraining = {engine = "local", epochs = 1}')
    recipe = tmp_path / "run/recipe.toml"
    recipe.write_text(recipe.read_text().replace('engine = "local"', 'engine = "spark"'))
    (tmp_path / "csv.toml").write_text('[data]\nsource = "csv"\npath = "no.csv"\n')
    (tmp_path / "in.csv").write_text("1,2,3,4\n")
    (tmp_path / "taken").mkdir()
    started: list[str] = []
    monkeypatch.setattr("nnspark.engines.session.start_jvm", lambda: started.append("JVM") or sys.exit(9))
    spark = ("--set", "training.engine=spark")
    assert call(monkeypatch, *words, *(spark if words[0] == "evaluate" else ())) == 2
    assert said in capsys.readouterr().err
    assert not started
    if "nothing.csv" in words or "csv.toml" in words:
        monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
        assert call(monkeypatch, *words) == 9


def test_sparks_options_come_before_the_command() -> None:
    """What follows the command is the command's."""
    args = parse(["--master", "spark://h:1", "--conf", "a.b=c d", "train", "digits", "--out", "x", "--conf"])
    assert (args.command, args.arguments) == ("train", ["digits", "--out", "x", "--conf"])
    assert submit_arguments(args.master, args.conf, "") == [
        "--master", "spark://h:1", "--conf", "a.b=c d", "pyspark-shell"
    ]  # fmt: skip
    assert submit_arguments("", [], "")[:1] == ["--properties-file"]


def test_training_a_recipe_of_a_sweep_says_what_is_left_out(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line with the command that trains all of its models; none for a recipe without."""
    monkeypatch.chdir(tmp_path)
    quick = ("--set", "training.engine=local", "--set", "training.epochs=1", "--set", "report.html=false")
    said = "[sweep] section, which is left out: this trains one model"
    assert call(monkeypatch, "train", "digits-sweep", "--out", "one", *quick) == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if said in line]
    assert line.startswith("warning: digits-sweep has a")
    assert line.endswith("nnspark sweep digits-sweep --out DIR")
    grid = 'sweep.grid={"training.l2" = [0.1, 1.0]}'
    assert call(monkeypatch, "train", "digits", "--out", "two", *quick, "--set", grid) == 0
    assert said in capsys.readouterr().err
    assert call(monkeypatch, "train", "digits", "--out", "three", *quick) == 0
    assert said not in capsys.readouterr().err


FILES = ("mnist", "r8-mnist-minibatch")


@pytest.mark.parametrize("name", [name for name in bundled() if name not in FILES])
def test_a_recipe_runs_by_its_name_with_nothing_prepared(
    name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In an empty folder; MNIST's files alone have to be brought."""
    monkeypatch.chdir(tmp_path)
    few = ("--set", "data.options.rows=300") if find(name).stem in (*MAKERS, "r0-digits-400") else ()
    quick = ("--set", "training.engine=local", "--set", "training.epochs=1", "--set", "report.html=false")
    assert call(monkeypatch, "train", name, "--out", "one", *quick, *few) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "one/metrics.json"


def test_a_recipe_whose_files_are_not_there_says_where_they_come_from(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that has the option which names them, and the recipe that says what they are."""
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, "train", "mnist", "--out", "x", "--set", "training.engine=local") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "name yours with --set data.path=PATH" in line
    assert "`nnspark recipes mnist` says first" in line
    assert "--set data.path=" in "".join(find("mnist").read_text().splitlines()[:5])
