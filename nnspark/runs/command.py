"""What the jobs share: reading a model, writing a file, and errors as one line and an exit code.

0 done; 1 Spark's JVM gone, or a Spark job failed (one line; a training's stack is in error.txt of its run
directory), or an error nnspark did not foresee (with its traceback); 2 bad recipe, data or arguments; 3
diverged; 130 interrupted.
"""

import atexit
import ctypes
import os
import signal
import stat
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

from nnspark.engines.connections import context_of
from nnspark.engines.interrupts import say_nothing_of_py4j
from nnspark.engines.session import end_idle_workers, hush, open_session
from nnspark.engines.types import Context
from nnspark.errors import DataError, ModelError
from nnspark.model import Model
from nnspark.runs.failures import known_error
from nnspark.runs.storage import Folder, is_uri, open_folder

__all__ = ["known_error", "open_parent", "open_places", "read_model", "run_job", "write_file"]

PIDFD_GETFD = 438  # the system call's number, the same on every architecture


def run_job(main: Callable[[list[str]], int | None]) -> NoReturn:
    """Call ``main`` with the command line's arguments and leave with the exit code its outcome means."""
    separate_standard_error()
    say_nothing_of_py4j()
    done: list[int] = []
    atexit.register(_hear_no_signals, done)  # before what Spark registers, so after it
    try:
        code = main(sys.argv[1:]) or 0
        done.append(code)
        _end_at_signals(code)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends already: one more must not end it worse
        hush()
        print("interrupted", file=sys.stderr)
        code = 130
    except Exception as error:
        known = known_error(error)
        if known is None:
            raise
        print("error:", " ".join(str(known).split()), file=sys.stderr)
        code = known.exit_code
    finally:
        end_idle_workers()
    sys.stdout.flush()
    sys.exit(code)


def _end_at_signals(code: int) -> None:
    """All is done: a signal that comes while Spark and Python end does not make it look as if it were not."""

    def end(number: int, frame: object) -> NoReturn:
        with suppress(Exception):  # it may come in the middle of a flush
            sys.stdout.flush()
        os._exit(code)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def _hear_no_signals(done: list[int]) -> None:
    """Python's own handlers end before it does: for its last moments, a third of a second, after success."""
    if done:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def read_model(path: str, sc: "Context | None") -> tuple[Model, Folder]:
    """The model in a file or a run directory, and the folder that holds it: local, or any Hadoop URI."""
    location = path.rstrip("/")
    is_file = location.endswith(".safetensors") or (not is_uri(location) and os.path.isfile(location))
    folder, name = open_parent(location if is_file else f"{location}/model.safetensors", sc)
    try:
        content = folder.read(name)
    except FileNotFoundError:
        wanted = "" if is_file else ": expected a model file or the directory of a finished run"
        raise ModelError(f"{folder.path(name)} does not exist{wanted}") from None
    except OSError as error:
        raise ModelError(f"{folder.path(name)} cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # of characters that no path can have
        raise ModelError(f"{path!r} cannot be read: {error}") from None
    return Model.from_bytes(content, folder.path(name)), folder


def write_file(path: str, content: bytes, sc: "Context | None") -> None:
    """Write a file, whole or not at all, at a local path or Hadoop URI."""
    folder, name = open_parent(path, sc)
    try:
        folder.write(name, content)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from None


def open_places(
    app: str, paths: Sequence[str], other: str | None = None
) -> tuple[list[Folder], "Context | None"]:
    """The folders at paths; a Spark of that name is started where they, or the ``other``, are Hadoop URIs."""
    remote = any(map(is_uri, [*paths, other or ""]))
    sc: Context | None = context_of(open_session(app)) if remote else None
    return [open_folder(path, sc) for path in paths], sc


def open_parent(path: str, sc: "Context | None") -> tuple[Folder, str]:
    """The folder a file is in, and its name there."""
    above, slash, name = path.rpartition("/")
    return open_folder(above or slash or ".", sc), name


def separate_standard_error() -> None:
    """Give a driver started by spark-submit the standard error that spark-submit was given.

    spark-submit runs the driver with standard error merged into standard output, which a person at a
    terminal would not notice but a pipe and the progress bar do. On Linux the launcher's own standard
    error can be had; elsewhere, and for a file that cannot be shared with the launcher's file
    position, things stay as they are.
    """
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        return
    path = f"/proc/{os.getppid()}/fd/2"
    try:
        regular = stat.S_ISREG(os.stat(path).st_mode)
        theirs = _shared_descriptor(os.getppid(), 2) if regular else os.open(path, os.O_WRONLY)
    except OSError:
        return
    os.dup2(theirs, 2)
    os.close(theirs)


def _shared_descriptor(process: int, descriptor: int) -> int:
    """Another process's open file, file position and all: Linux's pidfd_getfd; OSError if refused."""
    libc = ctypes.CDLL(None, use_errno=True)
    process_descriptor = os.pidfd_open(process)
    try:
        found: int = libc.syscall(PIDFD_GETFD, process_descriptor, descriptor, 0)
    finally:
        os.close(process_descriptor)
    if found < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    return found
