"""What Spark's JVM logs on the console: warnings that a user can act on, or, asked for, all that it says.

Where nobody configured Log4j, Spark logs each of its steps, a hundred lines an epoch. ``log4j2.properties``
of ``conf/`` says what is wanted instead; it comes with the wheel.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nnspark.recipe.bundled import FOLDER

__all__ = ["let_spark_talk", "level_of", "of_new_jvm", "say_nothing"]

FILE = FOLDER / "log4j2.properties"
OPTIONS = "SPARK_SUBMIT_OPTS"
UNCONFIGURED = ("DefaultConfiguration", "log4j2-defaults")  # Log4j's own, which Spark replaces by its own

_talks: list[bool] = []


def let_spark_talk() -> None:
    """From now on, sessions that are opened here log what Spark does, step by step."""
    _talks.append(True)


@contextmanager
def of_new_jvm() -> Iterator[None]:
    """A block in which a JVM is started: it takes our file, unless there is another."""
    said = os.environ.get(OPTIONS)
    homes = [(os.environ.get("SPARK_CONF_DIR"), "."), (os.environ.get("SPARK_HOME"), "conf")]
    files = [file for home, folder in homes if home for file in Path(home, folder).glob("log4j2.*")]
    configured = files or "log4j" in (said or "")
    if configured or not FILE.is_file():
        yield
        return
    os.environ[OPTIONS] = f"{said or ''} -Dlog4j2.configurationFile={FILE.resolve().as_uri()}".strip()
    try:
        yield
    finally:
        if said is None:
            del os.environ[OPTIONS]
        else:
            os.environ[OPTIONS] = said


def level_of(jvm: Any, *, on_a_console: bool) -> str:
    """What spark.log.level should be where the user did not say it; empty where Log4j is configured.

    Spark heeds it from its fourth line on.
    """
    if _talks:
        return "INFO"
    found = jvm.org.apache.logging.log4j.core.LoggerContext.getContext(False).getConfiguration()
    where = f"{found.getClass().getSimpleName()} {found.getConfigurationSource().getLocation()}"
    return "WARN" if on_a_console and any(one in where for one in UNCONFIGURED) else ""


def say_nothing(jvm: Any) -> None:
    """Have the JVM log nothing more, not even errors; unless it was asked to talk."""
    if not _talks:
        log4j = jvm.org.apache.logging.log4j
        log4j.core.config.Configurator.setAllLevels("", log4j.Level.OFF)
