"""What a failed Spark job comes to: the error that a worker raised, or one line and a file with the stack."""

import re
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from nnspark.errors import NNSparkError, SparkJobError, SparkLostError, quoted_error
from nnspark.runs.memory_folder import MemoryFolder
from nnspark.runs.storage import Folder

__all__ = ["STACK", "cause", "for_python", "known_error", "one_line_for_failed_jobs"]

STACK = "error.txt"
PYTHON_TRACEBACK = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*(\S.*)")
LOST_TASK = re.compile(r"most recent failure: (?:Lost task .*?\): )?(.*)")
ARGUMENTS = {"resume": "resume=True", "overwrite": "overwrite=True", "out": "out=", "columns": "columns="}
FLAG = re.compile(rf"(?<!\S)--({'|'.join(ARGUMENTS)})(?![\w/-])")
GO_ON = re.compile(r"go on with --resume(?![\w/-])")
JAVA_CLASS = re.compile(r"^(?:[a-z]\w*\.)+(\w+: )")


def known_error(error: BaseException) -> NNSparkError | None:
    """The NNSparkError that an exception is or quotes out of a worker, or that Spark or a package is gone."""
    if isinstance(error, NNSparkError):
        return error
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] != "nnspark":
        name = (error.name or "").partition(".")[0]
        return NNSparkError(f"{name} is not installed here, and this needs it: pip install {name}")
    if jvm_is_gone():
        return SparkLostError(
            "Spark's JVM ended before the job did: killed, or out of memory; give the driver more "
            "(spark.driver.memory) and go on with --resume"
        )
    return quoted_error(str(error)) if is_of_spark(error) else None


@contextmanager
def one_line_for_failed_jobs(folder: Folder) -> Iterator[None]:
    """Turn Spark's exceptions into SparkJobError, and keep their stacks in a file of the run directory."""
    try:
        yield
    except Exception as error:
        if known_error(error) is not None or not is_of_spark(error):
            raise
        if isinstance(folder, MemoryFolder):
            raise SparkJobError(
                f"a Spark job failed: {cause(str(error))}; put that right and train again"
            ) from error
        stack = "".join(traceback.format_exception(error))
        try:
            folder.write(STACK, f"{time.strftime('%Y-%m-%d %H:%M:%S %z')}\n{stack}".encode())
            where = f"its stack is in {folder.path(STACK)}; put that right, then go on with --resume"
        except Exception as second:
            where = f"its stack could not be kept: {second}"
        raise SparkJobError(f"a Spark job failed: {cause(str(error))}; {where}") from error


@contextmanager
def for_python(*, kept: bool = True) -> Iterator[None]:
    """What goes wrong in a call from Python: the error itself, in the words of arguments instead of flags.

    ``kept``: whether there is a run directory that a run could go on in.
    """
    try:
        yield
    except Exception as error:
        known = known_error(error) if isinstance(error, NNSparkError) or is_of_spark(error) else None
        if known is None:
            raise
        said = str(known) if kept else GO_ON.sub("train again", str(known))
        said = FLAG.sub(lambda found: ARGUMENTS[found[1]], said)
        if known is error and said == str(error):
            raise
        raise type(known)(said) from None


def is_of_spark(error: BaseException) -> bool:
    """Whether PySpark or its bridge to the JVM raised an exception."""
    return type(error).__module__.partition(".")[0] in ("py4j", "pyspark")


def cause(text: str) -> str:
    """The one line of what Spark says of a failed job that names the cause."""
    for pattern in (PYTHON_TRACEBACK, LOST_TASK):
        found = pattern.findall(text)
        if found:
            return JAVA_CLASS.sub(r"\1", str(found[0]).strip())
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith(("An error occurred while calling", "at "))]
    return JAVA_CLASS.sub(r"\1", (said or lines or ["it did not say why"])[0].lstrip(": "))


def jvm_is_gone() -> bool:
    """Whether there was a JVM that does not answer any more."""
    pyspark = sys.modules.get("pyspark")
    gateway = getattr(getattr(pyspark, "SparkContext", None), "_gateway", None)
    try:
        return gateway is not None and not gateway.jvm.System.currentTimeMillis()
    except Exception:  # whatever py4j makes of a closed connection
        return True
