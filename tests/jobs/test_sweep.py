"""The sweep as a job: its last line, its exit codes, and kill -9."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

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


def job(*words: str) -> list[str]:
    """The command line of a sweep."""
    return [sys.executable, str(ROOT / "jobs/sweep.py"), *words]


def results(out: Path) -> list[dict[str, object]]:
    """Its results, without what a clock says."""
    lines = (out / "results.jsonl").read_text().splitlines()
    return [json.loads(line) | {"seconds": 0} for line in lines]


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
    out, kills = tmp_path / "out", 0
    for _ in range(times):
        process = subprocess.Popen(
            job(str(recipe), "--out", str(out), "--resume"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        deadline, before = time.monotonic() + 60, checkpoints(out)
        while process.poll() is None and checkpoints(out) <= before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.communicate()
    done = subprocess.run(
        job(str(recipe), "--out", str(out), "--resume"), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert kills
    assert results(out) == results(tmp_path / "whole")
    hashes = [
        json.loads((folder / "best/metrics.json").read_text())["weights_sha256"]
        for folder in (out, tmp_path / "whole")
    ]
    assert hashes[0] == hashes[1]


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
