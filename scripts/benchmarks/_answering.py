"""A contestant in a process of its own, which works when it is asked to and waits otherwise."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from subprocess import PIPE, Popen
from typing import Any

__all__ = ["answer", "answering"]


@contextmanager
def answering(module: str, about: Any, environment: Mapping[str, str] = {}) -> Iterator[Callable[[str], Any]]:
    """What asks ``module``, run as a program with ``about`` as JSON, for something by its name."""
    command = [sys.executable, "-m", module, json.dumps(about)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True, env=os.environ | environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        lines, answers = process.stdin, process.stdout

        def ask(what: str) -> Any:
            print(what, file=lines, flush=True)
            line = answers.readline()
            if not line:
                sys.exit(f"error: the process of {module} {json.dumps(about)} has ended; its reason is above")
            return json.loads(line)

        yield ask
        lines.close()


def answer(does: Mapping[str, Callable[[], Any]]) -> None:
    """In that process: do what is asked for on standard input until it ends."""
    for line in sys.stdin:
        print(json.dumps(does[line.strip()]()), flush=True)
