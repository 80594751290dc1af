"""What the jobs share: errors become one line on standard error and an exit code.

0 done; 1 an error nnspark did not foresee (with its traceback); 2 bad recipe, data or arguments;
3 diverged; 130 interrupted.
"""

import re
import sys
from collections.abc import Callable
from typing import NoReturn

from nnspark import errors
from nnspark.errors import NNSparkError

__all__ = ["known_error", "run_job"]

RAISED_IN_A_WORKER = re.compile(r"nnspark\.errors\.(\w+): (.+)")


def run_job(main: Callable[[list[str]], int | None]) -> NoReturn:
    """Call ``main`` with the command line's arguments and leave with the exit code its outcome means."""
    try:
        code = main(sys.argv[1:]) or 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    except Exception as error:
        known = known_error(error)
        if known is None:
            raise
        print("error:", " ".join(str(known).split()), file=sys.stderr)
        code = known.exit_code
    sys.stdout.flush()
    sys.exit(code)


def known_error(error: BaseException) -> NNSparkError | None:
    """The NNSparkError that an exception is, or that one from Spark quotes out of a Python worker."""
    if isinstance(error, NNSparkError):
        return error
    if type(error).__module__.partition(".")[0] not in ("py4j", "pyspark"):
        return None
    for name, message in reversed(RAISED_IN_A_WORKER.findall(str(error))):
        kind = getattr(errors, name, None)
        if isinstance(kind, type) and issubclass(kind, NNSparkError):
            return kind(message.strip())
    return None
