"""Who is asked when Ctrl-C comes while Spark works."""

import signal
from typing import Any

from nnspark.engines.interrupts import interruptible


def test_pysparks_handler_is_not_asked_while_spark_works(spark: Any) -> None:
    """It has the JVM cancel all jobs, and waits for ever where a second interrupt takes its answer."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, handler := _like_pysparks())
    try:
        found = interruptible(spark.sparkContext, lambda: signal.getsignal(signal.SIGINT))
        assert found is signal.default_int_handler
        assert signal.getsignal(signal.SIGINT) is handler
        signal.signal(signal.SIGINT, mine := lambda number, frame: None)
        assert interruptible(spark.sparkContext, lambda: signal.getsignal(signal.SIGINT)) is mine
    finally:
        signal.signal(signal.SIGINT, before)


def _like_pysparks() -> Any:
    def signal_handler(number: int, frame: Any) -> None:
        raise AssertionError("asked")

    signal_handler.__module__ = "pyspark.core.context"
    return signal_handler


def test_so_pysparks_handler_is_known(spark: Any) -> None:
    """By its module."""
    from pyspark.core import context

    source = context.__file__
    with open(source, encoding="utf-8") as text:
        assert "signal.signal(signal.SIGINT, signal_handler)" in text.read()
    assert context.__name__.startswith("pyspark.")
