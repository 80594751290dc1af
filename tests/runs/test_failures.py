"""What a failed Spark job comes to: one line with the cause, and the stack in a file."""

from pathlib import Path

import pytest
from helpers import one_line_error
from py4j.protocol import Py4JError

from nnspark.errors import DataError, SparkJobError
from nnspark.runs.failures import cause, known_error, one_line_for_failed_jobs
from nnspark.runs.local_folder import LocalFolder

IN_PYTHON = """An error occurred while calling z:org.apache.spark.api.python.PythonRDD.collectAndServe.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 3.0 failed 4 times, \
most recent failure: Lost task 0.3 in stage 3.0 (TID 9) (10.0.0.7 executor 1): \
org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "worker.py", line 1, in main
    process()
MemoryError: Unable to allocate 8.00 GiB for an array

\tat org.apache.spark.api.python.BasePythonRunner$ReaderIterator.handlePythonException(PythonRunner.scala:581)

Driver stacktrace:
\tat org.apache.spark.scheduler.DAGScheduler.failJobAndIndependentStages(DAGScheduler.scala:2844)
"""
IN_JAVA = """An error occurred while calling o71.collect.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 1 in stage 0.0 failed 1 times, \
most recent failure: Lost task 1.0 in stage 0.0 (TID 1) (10.0.0.7 executor driver): \
java.io.IOException: No space left on device
\tat java.base/java.io.FileOutputStream.writeBytes(Native Method)
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (IN_PYTHON, "MemoryError: Unable to allocate 8.00 GiB for an array"),
        (IN_JAVA, "IOException: No space left on device"),
        ("An error occurred while calling o1.x.\n: java.lang.IllegalStateException: stopped\n\tat a.b", None),
        ("[UNRESOLVED] no such column\n", "[UNRESOLVED] no such column"),
        ("", "it did not say why"),
    ],
)
def test_the_cause_is_the_line_that_was_raised(text: str, expected: str | None) -> None:
    """In Python, in Java, or by Spark itself."""
    assert cause(text) == (expected or "IllegalStateException: stopped")


def test_a_failed_job_is_one_line_and_its_stack_is_kept(tmp_path: Path) -> None:
    """Exit code 1: --resume may get past it."""
    folder = LocalFolder(str(tmp_path))
    where = folder.path("error.txt")
    with (
        one_line_error("MemoryError: Unable", "--resume", where, kind=SparkJobError),
        one_line_for_failed_jobs(folder),
    ):
        raise Py4JError(IN_PYTHON)
    stack = folder.read("error.txt").decode()
    assert IN_PYTHON in stack
    assert "in test_a_failed_job_is_one_line_and_its_stack_is_kept\n    raise Py4JError" in stack
    assert SparkJobError.exit_code == 1


def test_a_directory_that_cannot_be_written_to_does_not_hide_the_cause(tmp_path: Path) -> None:
    """The line says that there is no stack."""
    (tmp_path / "error.txt").mkdir()
    (tmp_path / "error.txt/full").write_bytes(b"")
    with (
        one_line_error("No space left", "could not be kept", kind=SparkJobError),
        one_line_for_failed_jobs(LocalFolder(str(tmp_path))),
    ):
        raise Py4JError(IN_JAVA)


@pytest.mark.parametrize(
    "error", [DataError("row 7"), ZeroDivisionError(), Py4JError("nnspark.errors.DataError: row 7")]
)
def test_other_errors_pass(tmp_path: Path, error: Exception) -> None:
    """nnspark's own, those that a worker raised, and bugs; no file is left."""
    with pytest.raises(type(error)), one_line_for_failed_jobs(LocalFolder(str(tmp_path))):
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_is_not_there_is_one_line() -> None:
    """It is named; a module of nnspark's own is a fault of nnspark, with its traceback."""
    missing = known_error(ModuleNotFoundError("No module named 'pyarrow.csv'", name="pyarrow.csv"))
    assert str(missing) == "pyarrow is not installed here, and this needs it: pip install pyarrow"
    assert known_error(ModuleNotFoundError("No module named 'nnspark.x'", name="nnspark.x")) is None
