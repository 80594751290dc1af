"""nnspark.runs.command: which exit code and which line an error becomes, where models are found."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from py4j.protocol import Py4JError

from nnspark.errors import DataError, DivergedError, ModelError
from nnspark.runs.command import known_error, read_model, run_job, write_file

ENDING = """
import atexit, sys, time
from nnspark.runs.command import run_job

def end(say=print, sleep=time.sleep, seconds=SECONDS):
    say("ending", flush=True)
    for _ in range(int(20 * seconds)):
        sleep(0.05)

class Last:
    def __del__(self, end=end):
        end()

def main(arguments):
    REGISTER
    return 0

run_job(main)
"""
MOMENTS = {
    "while Spark ends": ("atexit.register(end)", 60),
    "while Python ends": ("global last; last = Last()", 1),  # its own handlers are gone
}


@pytest.fixture(autouse=True)
def signals_stay() -> Iterator[None]:
    """A job that is done, or was interrupted, has handlers of its own; later tests must not have them."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def leave(monkeypatch, main):
    """Run a job's main and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["job.py", "one", "two"])
    with pytest.raises(SystemExit) as left:
        run_job(main)
    return left.value.code


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (DataError("no rows\n  at all"), 2, "error: no rows at all\n"),
        (DivergedError("epoch 3"), 3, "error: epoch 3\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_an_error_is_one_line_and_its_exit_code(monkeypatch, capsys, error, code, line):
    """Nothing but the line goes to standard error, and nothing to standard output."""

    def main(arguments):
        raise error

    assert leave(monkeypatch, main) == code
    assert capsys.readouterr() == ("", line)
    assert (signal.getsignal(signal.SIGINT) is signal.SIG_IGN) == (code == 130)


def test_success_is_zero_and_gets_the_arguments(monkeypatch):
    """A main that returns None is done."""
    seen = []
    assert leave(monkeypatch, seen.append) == 0
    assert seen == [["one", "two"]]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_after_success_leaves_it_a_success(number, moment):
    """It ends at once, or goes on to its near end; nothing is said."""
    register, seconds = MOMENTS[moment]
    program = ENDING.replace("REGISTER", register).replace("SECONDS", str(seconds))
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as job:
        assert job.stdout.readline() == "ending\n"
        job.send_signal(number)
        assert job.communicate(timeout=30) == ("", "")
    assert job.returncode == 0


def test_an_unforeseen_error_keeps_its_traceback(monkeypatch):
    """A bug is not passed off as bad data."""
    monkeypatch.setattr(sys, "argv", ["job.py"])
    with pytest.raises(ZeroDivisionError):
        run_job(lambda arguments: 1 // len(arguments))


def test_an_error_of_a_worker_is_found_in_what_spark_says():
    """The last one quoted is the one that was raised to the top."""
    text = (
        "An error occurred while calling o1.collect: Job aborted\nTraceback (most recent call last):\n"
        "nnspark.errors.ModelError: the first\nDuring handling of the above exception, another occurred:\n"
        "nnspark.errors.DataError: X.csv line 3: 'abc'\n\tat org.apache.spark.api.python"
    )
    found = known_error(Py4JError(text))
    assert type(found) is DataError
    assert str(found) == "X.csv line 3: 'abc'"
    assert known_error(Py4JError("nnspark.errors.Nonsense: x")) is None
    assert known_error(ValueError(text)) is None


def test_a_model_that_is_not_there_is_named(tmp_path):
    """Both a directory without one and a file that does not exist."""
    with pytest.raises(ModelError, match=r"model\.safetensors does not exist: expected a model file"):
        read_model(str(tmp_path), None)
    with pytest.raises(ModelError, match=r"mine\.safetensors does not exist"):
        read_model(str(tmp_path / "mine.safetensors"), None)


def test_a_file_that_is_no_model_is_refused(tmp_path):
    """Whatever its name."""
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ModelError, match=r"notes\.txt is not a whole safetensors file"):
        read_model(str(tmp_path / "notes.txt"), None)


def test_a_file_is_written_in_the_current_folder_too(tmp_path, monkeypatch):
    """A bare name has no folder."""
    monkeypatch.chdir(tmp_path)
    write_file("out.json", b"{}", None)
    assert (tmp_path / "out.json").read_bytes() == b"{}"
