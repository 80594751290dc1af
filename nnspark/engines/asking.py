"""Asking Spark for a DataFrame's rows: what cannot be asked for, and Ctrl-C meanwhile."""

from collections.abc import Callable
from typing import Any, TypeVar

from nnspark.engines.connections import context_of
from nnspark.engines.frames.read import refuse_other
from nnspark.engines.interrupts import interruptible

__all__ = ["asked"]

T = TypeVar("T")


def asked(df: Any, work: Callable[[], T]) -> T:
    """``work()``, which asks for the rows of ``df``; an interrupt ends its jobs, and the session lives on.

    Raises
    ------
    DataError : no DataFrame, one that streams, or whose session has stopped.
    """
    refuse_other(df)
    session = df.sparkSession
    return interruptible(context_of(session) or session, work)
