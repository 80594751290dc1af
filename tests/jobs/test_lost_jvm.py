"""A driver whose JVM dies under it."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
import os, signal
from nnspark.runs.command import run_job
from nnspark.engines.session import open_session

def main(arguments):
    sc = open_session("lost").sparkContext
    os.kill(sc._jvm.ProcessHandle.current().pid(), signal.SIGKILL)
    value = None
    try:
        value = sc.broadcast([1])
        sc.parallelize([1, 2]).sum()
    finally:
        value and value.destroy()

run_job(main)
"""


def test_a_jvm_that_died_is_one_line_and_exit_code_1():
    """Whatever py4j raises, and whatever a finally raises after it; 3 would say diverged."""
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: Spark's JVM ended before the job did")
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_driver_out_of_memory_ends_and_says_so(tmp_path):
    """conf/spark-local.conf but for the heap, which is too small for 11 million weights: it does not hang."""
    settings = (ROOT / "conf/spark-local.conf").read_text()
    small = settings.replace("spark.driver.memory                         4g", "spark.driver.memory 600m")
    assert small != settings
    (tmp_path / "small.conf").write_text(small)
    command = [ROOT / "scripts/run", "--out", tmp_path / "run", "--set", "training.epochs=6"]
    command += ["--set", "network.hidden=[3000,2500,1500]"]
    environment = os.environ | {"SPARK_PROPERTIES": str(tmp_path / "small.conf")}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, check=False, env=environment, cwd=tmp_path
    )
    assert done.returncode not in (0, 2, 3), done.stderr
    assert "it may run out of memory; set spark.driver.memory=" in done.stderr
    assert "error: Spark's JVM ended before the job did" in done.stderr
