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

__all__ = ["let_spark_talk", "of_new_jvm", "of_running_jvm", "say_nothing"]

FILE = FOLDER / "log4j2.properties"
OPTIONS = "SPARK_SUBMIT_OPTS"
OF_SPARK = "log4j2-defaults"

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


def of_running_jvm(jvm: Any, *, on_a_console: bool) -> None:
    """Have the JVM log no more than our file says, where it has Spark's own configuration; or talk."""
    log4j = jvm.org.apache.logging.log4j
    configurator = log4j.core.config.Configurator
    if _talks:
        configurator.setRootLevel(log4j.Level.INFO)
        return
    source = log4j.core.LoggerContext.getContext(False).getConfiguration().getConfigurationSource()
    if on_a_console and OF_SPARK in str(source.getLocation()) and FILE.is_file():
        configurator.reconfigure(jvm.java.net.URI(FILE.resolve().as_uri()))


def say_nothing(jvm: Any) -> None:
    """Have the JVM log nothing more, not even errors; unless it was asked to talk."""
    if not _talks:
        log4j = jvm.org.apache.logging.log4j
        log4j.core.config.Configurator.setAllLevels("", log4j.Level.OFF)
