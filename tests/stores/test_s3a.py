"""Data, run directories and checkpoints on an object store: the bits of a local run, whatever goes wrong."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from stores.jars import jars, spark_for_delta
from stores.on_a_store import RECIPE, SCENARIOS, csv, in_peace, on_store
from stores.proxy import Asked, nothing
from stores.s3 import ROOT, Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def play(scenario: str, folder: Path, server: str, more: Mapping[str, str]) -> None:
    """Run on_a_store.py to its end."""
    own = [str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join([*filter(None, [more.get("PYTHONPATH")]), *own])
    python = {"PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable, "MOTO_PYTHON": server}
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("on_a_store.py"), scenario, folder, jars()],
        env={**os.environ, **more, **python},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_run_on_a_store_is_a_run_on_a_disk(server: str, tmp_path: Path, scenario: str) -> None:
    """See on_a_store.py: all commands, the lock, kills at every step, 5 % of requests failing, tables."""
    play(scenario, tmp_path, server, {})


def test_tables_with_delta_on_the_spark_that_it_is_for(server: str, tmp_path: Path) -> None:
    """The same tables and weights on another Spark, and Delta's: of now, not of its first version."""
    play("tables", tmp_path, server, spark_for_delta())


def test_a_driver_killed_with_its_jvm_resumes(store: Store, tmp_path: Path) -> None:
    """SIGKILL when it asks the store to change a checkpoint or the history: before that is done, or after."""
    store.put("rows.csv", csv())
    (tmp_path / "recipe.toml").write_text(RECIPE.format(path=store.uri("rows.csv"), epochs=30))
    words = ("train", str(tmp_path / "recipe.toml"), "--out", store.uri("killed"), "--resume")
    for request in (1, 2, 5, 6, 7):
        for done in (False, True):
            process, left = store.start(*words), [request]

            def step(asked: Asked) -> str:
                if asked.changes and ("checkpoints" in asked.path or "history" in asked.path):
                    left[0] -= 1  # noqa: B023
                    if left[0] == 0:  # noqa: B023
                        os.killpg(process.pid, signal.SIGKILL)  # noqa: B023
                        return "dropped"
                return ""

            setattr(store.proxy, "after" if done else "fault", step)
            process.communicate()
            assert process.returncode == -signal.SIGKILL
            store.proxy.fault, store.proxy.after = nothing, nothing
    store.call(*words)
    assert on_store(store, "killed") == in_peace(tmp_path, 30)
