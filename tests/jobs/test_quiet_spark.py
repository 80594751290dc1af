"""What a person sees of Spark at the console: nothing but what can be acted on."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from nnspark.engines.starting import ALL_BUT_ONE_LINE, MODULES

ROOT = Path(__file__).parents[2]

INTERRUPTED = """
import os, signal, threading, time
from pathlib import Path
from nnspark.engines.interrupts import interruptible
from nnspark.engines.session import open_session
from nnspark.runs.command import run_job

def main(arguments):
    sc = open_session("interrupted").sparkContext
    def sleep(rows):
        Path(FOLDER, str(os.getpid())).touch()
        time.sleep(600)
        yield 1
    def press():
        while len(os.listdir(FOLDER)) < sc.defaultParallelism:  # PySpark's daemon shows a worker's lost start
            time.sleep(0.1)
        for wait in WAITS:
            time.sleep(wait)
            os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=press, daemon=True).start()
    interruptible(sc, sc.parallelize(range(8), 8).mapPartitions(sleep).count)

run_job(main)
"""


WAITS = [
    pytest.param((0,), marks=pytest.mark.slow),
    (0, 0.002),
    pytest.param((0, 0.3, 0.3), marks=pytest.mark.slow),
]


@pytest.mark.parametrize("waits", WAITS, ids=["once", "at once twice", "thrice"])
def test_an_interrupt_while_spark_works_is_one_line(waits: tuple[float, ...], tmp_path: Path) -> None:
    """Exit code 130; no warnings of killed tasks, nor of the JVM's own modules, nor what py4j logs."""
    program = f"WAITS, FOLDER = {waits}, {str(tmp_path)!r}\n{INTERRUPTED}"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True,
        timeout=200, check=False, env={**os.environ, "SPARK_CONF_DIR": str(ROOT / "conf")},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_a_person_at_a_terminal_is_told_that_spark_starts() -> None:
    """One line, once; where standard error is no terminal the tests above and below find none."""
    ours, theirs = os.openpty()
    code = "from nnspark.engines.session import open_session; open_session('one'); open_session('two')"
    env = {**os.environ, "SPARK_CONF_DIR": str(ROOT / "conf")}
    done = subprocess.run([sys.executable, "-c", code], stderr=theirs, timeout=200, check=True, env=env)
    os.close(theirs)
    said = b""
    with open(ours, "rb", buffering=0) as terminal, contextlib.suppress(OSError):  # its other end is closed
        while more := terminal.read(1 << 12):
            said += more
    assert done.returncode == 0
    assert said.startswith(b"starting Spark ...\r\n")
    assert said.count(b"starting") == 1  # Spark itself has a word to say of a second session


def submit(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """A plain spark-submit, without properties or a folder of them, of a short training."""
    ours = ("SPARK_CONF_DIR", "SPARK_SUBMIT_OPTS")  # both quieten Log4j, see class_data.py
    keep = {key: value for key, value in os.environ.items() if key not in ours}
    command = [
        str(Path(pyspark.__file__).parent / "bin/spark-submit"),
        *(str(ROOT / "jobs/train.py"), "digits", "--out", str(folder / "run")),
        *("--set", "training.epochs=2", "--set", "report.html=false", *options),
    ]
    env = {**keep, "PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    env["SPARK_SUBMIT_OPTS"] = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # half the time; not of Log4j
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True, env=env)


def test_a_plain_spark_submit_says_nothing_of_sparks_steps(tmp_path: Path) -> None:
    """Its first three lines aside, which come before it heeds any setting."""
    said = submit(tmp_path).stderr
    assert said.count(" INFO ") == 3
    assert "starting Spark" not in said


@pytest.mark.slow
def test_v_brings_sparks_steps_back(tmp_path: Path) -> None:
    """As many as there are."""
    assert submit(tmp_path, "--overwrite", "-v").stderr.count(" INFO ") > 100


IDLE = """
import sys, time
from nnspark.engines.session import open_session
from nnspark.engines.settling import settle_worker
from nnspark.runs.command import run_job

def settled(rows):
    settle_worker()
    yield sum(rows)

def main(arguments):
    sc = open_session("idle").sparkContext
    sc.parallelize(range(8), 2).mapPartitions(settled).collect()
    time.sleep(80)

run_job(main)
"""


@pytest.mark.slow
def test_workers_that_spark_ends_after_an_idle_minute_say_nothing() -> None:
    """Spark closes their sockets, and PySpark's daemon would print the stack of what is left to write."""
    done = subprocess.run(
        [sys.executable, "-c", IDLE], capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_all_that_the_jvm_says_passes_but_one_line() -> None:
    """Before it and after it, the line once, and a last line that is not ended."""
    said = f"Picked up options\n  \\t {MODULES}\n{MODULES}\n\nan error\n{MODULES}\ncut"
    for text, expected in (
        (said, said.replace(f"\n{MODULES}\n", "\n", 1)),
        ("never said\n", "never said\n"),
        ("cut", "cut"),
        ("", ""),
    ):
        command = ["sh", "-c", ALL_BUT_ONE_LINE, "sh", MODULES]
        assert (
            subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout == expected
        )
