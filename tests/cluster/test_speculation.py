"""Separate executors and speculative attempts of slow tasks do not change a bit."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from spark.training import recipe_of, without_spark

TESTS = Path(__file__).parents[1]
SPECULATION = {
    "spark.speculation": "true",
    "spark.speculation.interval": "100ms",
    "spark.speculation.minTaskRuntime": "500ms",
    "spark.speculation.multiplier": "2",
    "spark.speculation.quantile": "0.5",
    "spark.locality.wait": "0s",
}


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


@pytest.mark.cluster
@pytest.mark.timeout(300)
def test_separate_executors_and_second_attempts_do_not_change_a_bit(cluster: Any, tmp_path: Path) -> None:
    """A slow task's runs on the other host, where no shard is: it is counted once, the slow one never."""
    from disasters.drivers import in_peace
    from disasters.runs import compare, settings_of

    marks, out, log = tmp_path / "marks", tmp_path / "run", tmp_path / "log"
    marks.mkdir()
    options = [part for item in SPECULATION.items() for part in ("--conf", "=".join(item))]
    job = (*options, TESTS / "cluster/dawdling_train.py", marks)
    code = cluster.submit(out, log, settings_of("gd"), job=job).wait(240)
    assert code == 0, log.read_text()[-3000:]
    (slept,) = (path.name.removeprefix("slept-") for path in marks.glob("slept-*"))
    finished = sorted(path.name for path in marks.glob("[0-9]*"))
    assert f"{slept}-0" not in finished  # the attempt that slept; the job ended with another's result
    assert compare(out, in_peace("gd", tmp_path)) == []
