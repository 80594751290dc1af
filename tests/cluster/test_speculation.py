"""Separate executors and speculative attempts of slow tasks do not change a bit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from spark.training import recipe_of, without_spark

TESTS = Path(__file__).parents[1]


@pytest.mark.cluster
def test_speculation_on_separate_executors_does_not_change_a_bit(tmp_path: Path) -> None:
    """local-cluster[2,1,1024], where a second attempt may run where the shard is not; and it did run."""
    options = ("training.epochs=3",)
    command = [sys.executable, str(TESTS / "spark" / "local_cluster.py"), str(tmp_path), *options]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, env={**os.environ, "PYTHONPATH": str(TESTS)}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert tuple(json.loads(done.stdout.splitlines()[-1])) == without_spark(recipe_of(*options))
    assert list(tmp_path.glob("stage-*-partition-0-attempt-1")), sorted(map(str, tmp_path.iterdir()))
