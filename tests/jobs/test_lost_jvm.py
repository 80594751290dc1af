"""A driver whose JVM dies under it."""

import subprocess
import sys
import textwrap

PROGRAM = """
import os, signal
from nnspark.jobs import run_job
from nnspark.session import open_session

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
