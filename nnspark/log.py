"""What nnspark tells the person who watches: the logger ``nnspark``, bare lines on standard error.

A program that wants them elsewhere, or not, treats it as any logger:
``logging.getLogger("nnspark").setLevel(logging.WARNING)``.
"""

import logging
import sys

__all__ = ["log", "warn"]

logger = logging.getLogger("nnspark")


class _StandardError(logging.Handler):
    """Whatever is standard error at the moment: a job moves it, and so do tests and notebooks."""

    def emit(self, record: logging.LogRecord) -> None:
        prefix = "warning: " if record.levelno >= logging.WARNING else ""
        print(prefix + record.getMessage(), file=sys.stderr, flush=True)


if not logger.handlers:
    logger.addHandler(_StandardError())
    logger.setLevel(logging.INFO)
    logger.propagate = False


def log(message: str) -> None:
    """One line for the person who watches."""
    logger.info("%s", message)


def warn(message: str) -> None:
    """One line of what may be wrong but does not end the run."""
    logger.warning("%s", message)
