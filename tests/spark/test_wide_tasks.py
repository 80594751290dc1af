"""Tasks of several cores (``spark.task.cpus``): as many threads over the task's blocks, and the same bits."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
WAYS = ["DataFrame, lbfgs", "arrays, rounds"]


def found_by(kind: str, folder: Path) -> dict[str, Any]:
    """What the program saw."""
    command = [sys.executable, str(TESTS / "spark/wide_tasks.py"), kind, str(folder)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]),
    }
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def check(found: dict[str, Any]) -> None:
    """Two tasks of two threads, or three of two, two at a time; one thread each for a small network."""
    for way in WAYS:
        seen = found[way]
        assert seen["alike"], way
        assert (seen["processes"], seen["threads"]) == (2, 4), way
        assert seen["a small network's"] == 2, way
        assert seen["pool"] == ["nnspark blocks"], way
    assert found["three tasks, rounds"]["alike"]
    assert found["three tasks, rounds"]["threads"] >= 4


def test_a_task_of_two_cores_computes_with_two_threads(tmp_path: Path) -> None:
    """Four cores make two tasks; rows from the driver and from a DataFrame."""
    check(found_by("classic", tmp_path))


@pytest.mark.slow
def test_so_it_does_over_spark_connect(tmp_path: Path) -> None:
    """Whose server says what spark.task.cpus is."""
    pytest.importorskip("grpc")
    check(found_by("connect", tmp_path))
