"""Ctrl-C, a notebook's stop button or SIGTERM while Spark works: cancel the job, keep the session usable.

A KeyboardInterrupt in a thread that waits for the JVM leaves the JVM's answer unread, and the next call takes
it for its own. So Spark's work is done in a thread of its own while the caller's thread waits: an interrupt
reaches only the waiting, which cancels the work's jobs by their tag until the work ends.
"""

import logging
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar, cast

from nnspark.engines.connections import is_connect

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

__all__ = [
    "cancelled_on_interrupt",
    "check",
    "interrupt_on_terminate",
    "interruptible",
    "is_interrupted",
    "say_nothing_of_py4j",
    "shielded",
]

T = TypeVar("T")
KILLED = "(?s).*: TaskKilled .*"
AGAIN = 0.5  # seconds until jobs that the work has started meanwhile are cancelled too

_work = threading.local()
_told: list[Any] = []  # JVMs that say nothing of killed tasks


def interruptible(sc: "SparkContext | SparkSession | None", work: Callable[[], T]) -> T:
    """``work()``, done in another thread if it uses Spark; its jobs inherit the caller's local properties.

    A session of Spark Connect, which has no SparkContext, is given itself: its work needs no thread.

    Raises
    ------
    KeyboardInterrupt : after the work has ended; a second interrupt does not wait for that.
    """
    if sc is None:
        return work()
    if is_connect(sc):
        with cancelled_on_interrupt(cast("SparkSession", sc)):
            return work()
    return _in_a_thread(cast("SparkContext", sc), work)


def _in_a_thread(sc: "SparkContext", work: Callable[[], T]) -> T:
    from pyspark.util import InheritableThread

    with suppress(Exception):  # the JVM may be gone
        _say_nothing_of_killed_tasks(sc)
    tag, interrupted = f"nnspark-{uuid.uuid4().hex}", threading.Event()
    outcome: Future[T] = Future()

    def body() -> None:
        _work.interrupted = interrupted
        try:
            sc.addJobTag(tag)
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    with _interrupts_that_ask_nothing():
        InheritableThread(target=body, name="nnspark work", daemon=True).start()
        try:
            return outcome.result()
        except KeyboardInterrupt:
            interrupted.set()
            say_nothing_of_py4j()
            threading.Thread(target=_cancel, args=(sc, tag, outcome), daemon=True).start()
            outcome.exception()
            raise


def _cancel(sc: "SparkContext", tag: str, outcome: "Future[Any]") -> None:
    """Cancel the jobs of a tag until the work has ended; in a thread that no interrupt comes to."""
    while not outcome.done():
        with suppress(Exception):  # the JVM may be gone: then the work ends by itself
            sc.cancelJobsWithTag(tag)
        with suppress(TimeoutError):
            outcome.exception(AGAIN)


@contextmanager
def _interrupts_that_ask_nothing() -> Iterator[None]:
    """A block in which Ctrl-C is a KeyboardInterrupt and no more, where PySpark's handler would be asked.

    That one has the JVM cancel all jobs, other people's too. A second Ctrl-C meanwhile asks on the same
    connection, and takes the first one's answer, for which that then waits for ever.
    """
    before: Any = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or not str(getattr(before, "__module__", "")).startswith("pyspark."):
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def cancelled_on_interrupt(session: "SparkSession") -> Iterator[None]:
    """A block of what is asked over Spark Connect: an interrupt has the server end it, and is passed on."""
    tag = f"nnspark-{uuid.uuid4().hex}"
    session.addTag(tag)
    try:
        yield
    except KeyboardInterrupt:
        with suppress(Exception):  # the server may be gone
            session.interruptTag(tag)
        raise
    finally:
        session.removeTag(tag)


def say_nothing_of_py4j() -> None:
    """From now on: py4j logs a stack for each call that was interrupted, or came to a JVM that is gone.

    It does so on the root logger, which filters its own records only, and on its own ones below ``py4j``.
    """
    if _is_not_of_py4j not in (root := logging.getLogger()).filters:
        root.addFilter(_is_not_of_py4j)
    logging.getLogger("py4j").setLevel(logging.CRITICAL + 1)


def _is_not_of_py4j(record: logging.LogRecord) -> bool:
    return "py4j" not in record.pathname


def _say_nothing_of_killed_tasks(sc: "SparkContext") -> None:
    """From now on: Spark warns of each task that was told to end, which is no news to who told it.

    It has to be said before an interrupt: PySpark's own handler of the signal cancels all jobs at once.
    """
    jvm: Any = getattr(sc, "_jvm")  # noqa: B009 (typed as optional)
    if jvm in _told:
        return
    _told.append(jvm)
    log4j = jvm.org.apache.logging.log4j.core
    context = log4j.LoggerContext.getContext(False)
    result = log4j.Filter.Result
    context.getConfiguration().addFilter(
        log4j.filter.RegexFilter.createFilter(KILLED, None, False, result.DENY, result.NEUTRAL)
    )
    context.updateLoggers()


def is_interrupted() -> bool:
    """Whether the work that this thread does was interrupted: whatever it fails with now is due to that."""
    event = getattr(_work, "interrupted", None)
    return event is not None and event.is_set()


def check() -> None:
    """Raise KeyboardInterrupt if the work that this thread does was interrupted: start nothing more."""
    if is_interrupted():
        raise KeyboardInterrupt


@contextmanager
def shielded(sc: "SparkContext") -> Iterator[None]:
    """Jobs that an interrupt does not cancel: tidying up."""
    tags = sc.getJobTags()
    sc.clearJobTags()
    try:
        yield
    finally:
        for tag in tags:
            sc.addJobTag(tag)


@contextmanager
def interrupt_on_terminate() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C, so that a pre-empted driver keeps its checkpoint."""

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
