"""The sweep as a job: its last line, its exit codes, and kill -9."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from nnspark.net.blas import cores

ROOT = Path(__file__).parents[2]
RECIPE = """[data]
source = "iris"
scale = "standard"
[training]
engine = "local"
optimizer = "lbfgs"
epochs = 60
[checkpoint]
seconds = 0.05
[report]
html = false
[sweep]
folds = 2
[sweep.grid]
"training.l2" = [0.01, 1.0]
"network.hidden" = [[8], [4, 4]]
"""


FORTY = """[data]
source = "digits"
scale = "standard"
[training]
engine = "local"
epochs = 20
block_rows = 128
{training}
[checkpoint]
seconds = 0.1
[report]
html = false
{rounds}
[sweep]
folds = 5
[sweep.grid]
"training.l2" = [0.0, 0.1, 1.0, 10.0]
"network.hidden" = [[10], [25]]
"""
METHODS = {
    "gd": {"training": "learning_rate = 1.0", "rounds": ""},
    "adam": {"training": 'optimizer = "adam"\nlearning_rate = 0.01', "rounds": ""},
    "lbfgs": {"training": 'optimizer = "lbfgs"', "rounds": ""},
    "rounds": {"training": "learning_rate = 0.1", "rounds": "[rounds]\nbatch_size = 64\nreplicas = 4"},
}


def job(*words: str) -> list[str]:
    """The command line of a sweep."""
    return [sys.executable, str(ROOT / "jobs/sweep.py"), *words]


def results(out: Path) -> list[dict[str, object]]:
    """Its results, without what a clock says."""
    lines = (out / "results.jsonl").read_text().splitlines()
    return [json.loads(line) | {"seconds": 0} for line in lines]


def hash_of_best(out: Path) -> str:
    """Of the best model's weights."""
    return str(json.loads((out / "best/metrics.json").read_text())["weights_sha256"])


def killed_and_resumed(recipe: Path, out: Path, seconds: float, times: int = 3) -> int:
    """Run with --resume and kill -9 ``times`` times, then let it end; returns how often it was killed.

    ``seconds`` are what a run may take until it has written a checkpoint, and until it ends.
    """
    kills, words = 0, job(str(recipe), "--out", str(out), "--resume")
    for _ in range(times):
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline, before = time.monotonic() + seconds, checkpoints(out)
        while process.poll() is None and checkpoints(out) <= before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.communicate()
    done = subprocess.run(words, capture_output=True, text=True, timeout=2 * seconds)
    assert done.returncode == 0, done.stderr
    return kills


@pytest.mark.parametrize("times", [1, pytest.param(5, marks=pytest.mark.slow)])
def test_a_sweep_that_is_killed_goes_on_to_the_same_results(tmp_path: Path, times: int) -> None:
    """Killed between and inside writes, as it comes; the last line is the table's path."""
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE)
    whole = subprocess.run(
        job(str(recipe), "--out", str(tmp_path / "whole")), capture_output=True, text=True, timeout=120
    )
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout.splitlines()[-1] == str(tmp_path / "whole/results.csv")
    assert killed_and_resumed(recipe, tmp_path / "out", 60, times)
    assert results(tmp_path / "out") == results(tmp_path / "whole")
    assert hash_of_best(tmp_path / "out") == hash_of_best(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("engine", ["local", "spark"])
@pytest.mark.parametrize("method", METHODS)
def test_forty_models_that_are_killed_go_on_to_the_same_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, engine: str
) -> None:
    """8 settings, 5 folds, killed three times; the results are those without Spark that nobody disturbed."""
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--master local[2] pyspark-shell")
    text = FORTY.format(**METHODS[method])
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(text)
    undisturbed = job(str(recipe), "--out", str(tmp_path / "whole"))
    subprocess.run(undisturbed, capture_output=True, check=True, timeout=300)
    recipe.write_text(text.replace('"local"', f'"{engine}"'))
    assert killed_and_resumed(recipe, tmp_path / "out", 400) == 3
    assert len(results(tmp_path / "out")) == 40
    assert results(tmp_path / "out") == results(tmp_path / "whole")
    assert hash_of_best(tmp_path / "out") == hash_of_best(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.skipif(cores() < 2, reason="helpers are for more cores than one")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_search_that_ends_early_leaves_no_helper(tmp_path: Path, number: int, code: int) -> None:
    """An interrupt is told in one line; a kill leaves helpers that notice by themselves."""
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.replace('"lbfgs"', '"gd"').replace("epochs = 60", "epochs = 1_000_000"))
    process = subprocess.Popen(
        job(str(recipe), "--out", str(tmp_path / "out")),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    helpers: list[psutil.Process] = []
    deadline = time.monotonic() + 120
    while len(helpers) < 2 and process.poll() is None and time.monotonic() < deadline:
        helpers = psutil.Process(process.pid).children()
        time.sleep(0.05)
    time.sleep(1.0)  # they answer by now, mostly
    os.kill(process.pid, number)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == code
    assert "Traceback" not in said
    assert len(helpers) >= 2
    assert not psutil.wait_procs(helpers, timeout=30)[1]


def checkpoints(out: Path) -> int:
    """The epochs of the models' checkpoints, added up."""
    return sum(int(path.stem.split("-")[1]) for path in out.glob("models/*/checkpoints/epoch-*.ckpt"))


def test_a_bad_sweep_exits_with_2_and_one_line(tmp_path: Path) -> None:
    """A recipe without the section, and a grid that cannot be."""
    recipe = tmp_path / "recipe.toml"
    for text, said in (
        (RECIPE.partition("[sweep]")[0], "the recipe has no [sweep] section"),
        (RECIPE.replace("training.l2", "training.dtype"), "training.dtype cannot be swept"),
    ):
        recipe.write_text(text)
        done = subprocess.run(
            job(str(recipe), "--out", str(tmp_path / "out")), capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 2
        assert done.stderr.startswith("error: ")
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
