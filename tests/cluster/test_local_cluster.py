"""Spark's own small cluster: separate executors on one host."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from spark.training import recipe_of, without_spark

TESTS = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.cluster
def test_a_local_cluster_does_not_change_a_bit() -> None:
    """local-cluster[2,1,1024], with speculation on and a task that dawdles.

    Spark starts a second attempt only on another host, and here both executors are on one.
    """
    options = ("training.epochs=3",)
    command = [sys.executable, str(TESTS / "spark" / "local_cluster.py"), *options]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, env={**os.environ, "PYTHONPATH": str(TESTS)}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert tuple(json.loads(done.stdout.splitlines()[-1])) == without_spark(recipe_of(*options))
