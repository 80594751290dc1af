"""A Spark job that fails for good: one line, the stack in the run directory, and --resume goes on."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers import one_line_error
from spark.training import recipe_of, without_spark

from nnspark.errors import SparkJobError
from nnspark.runs.directory import RunDirectory
from nnspark.runs.run import run
from nnspark.training import cost


def failing(*args: Any) -> Any:
    """A worker function that no attempt gets past."""
    raise MemoryError("no room for a block")


def test_a_job_that_fails_leaves_its_stack_and_the_run_resumes(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After epoch 2 every attempt fails; the line names the cause, error.txt has the stack till a resume."""
    recipe = recipe_of("training.epochs=4", "checkpoint.every=1", "report.html=false")
    call = RunDirectory.__call__

    def fail_after_two(directory: RunDirectory, epoch: Any) -> None:
        call(directory, epoch)
        if epoch.progress.epoch == 2:
            monkeypatch.setattr(cost, "_totals", failing)

    with monkeypatch.context() as patched:
        patched.setattr(RunDirectory, "__call__", fail_after_two)
        with one_line_error("MemoryError: no room for a block", "error.txt", "--resume", kind=SparkJobError):
            run(recipe, str(tmp_path / "run"), title="failing")
    monkeypatch.undo()
    stack = (tmp_path / "run/error.txt").read_text()
    assert "treeAggregate" in stack
    assert 'in failing\n    raise MemoryError("no room for a block")' in stack
    assert not (tmp_path / "run/driver.lock").exists()
    run(recipe, str(tmp_path / "run"), title="again", resume=True)
    assert not (tmp_path / "run/error.txt").exists()
    found = json.loads((tmp_path / "run/metrics.json").read_text())["weights_sha256"]
    assert found == without_spark(recipe).sha256
