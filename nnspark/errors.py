"""The exceptions nnspark raises on purpose, and the exit code each one means for a job.

    NNSparkError
    ├── RecipeError       a recipe key, value or combination that cannot be trained      exit 2
    ├── DataError         a file or row that cannot be used                              exit 2
    │   └── ShapeError    arrays whose shapes do not fit each other or the network       exit 2
    ├── ModelError        a model file that cannot be read                               exit 2
    ├── CheckpointError   a checkpoint or run directory that cannot be used              exit 2
    ├── DivergedError     a cost that is no longer finite                                exit 3
    ├── InternalError     rows that do not add up: a fault of nnspark                    exit 1
    ├── SparkJobError     a Spark job that failed for a reason of its own                exit 1
    └── SparkLostError    the driver's JVM is gone                                       exit 1

Exit 1 is for what --resume may get past without another recipe or other data. An exception that is none of
these also ends a job with 1, and with its traceback; 130 is an interrupt, with a checkpoint.
RecipeError, DataError and DivergedError are ValueErrors too, as scikit-learn's callers expect.

Every message is one line: what was expected, what came, what to do.
"""

import re

__all__ = [
    "CheckpointError",
    "DataError",
    "DivergedError",
    "InternalError",
    "ModelError",
    "NNSparkError",
    "RecipeError",
    "ShapeError",
    "SparkJobError",
    "SparkLostError",
    "quoted_error",
]

RAISED_IN_A_WORKER = re.compile(r"nnspark\.errors\.(\w+): (.+)")


class NNSparkError(Exception):
    """Base of all errors nnspark raises on purpose."""

    exit_code = 2


class RecipeError(NNSparkError, ValueError):
    """A recipe key, value or combination that cannot be trained."""


class DataError(NNSparkError, ValueError):
    """A file or row that cannot be used."""


class ShapeError(DataError):
    """Arrays whose shapes do not fit each other or the network."""


class ModelError(NNSparkError):
    """A model file that cannot be read."""


class CheckpointError(NNSparkError):
    """A checkpoint or run directory that cannot be used."""


class DivergedError(NNSparkError, ValueError):
    """A cost that is no longer finite; names the epoch and what to try."""

    exit_code = 3


class InternalError(NNSparkError):
    """Rows that do not add up, or shards that cannot be had: a fault of nnspark, never trained on."""

    exit_code = 1


class SparkJobError(NNSparkError):
    """A Spark job that failed: a worker killed too often, a disk that is full; names the cause."""

    exit_code = 1


class SparkLostError(NNSparkError):
    """The driver's JVM is gone: killed, or out of memory."""

    exit_code = 1


def quoted_error(text: str) -> NNSparkError | None:
    """The NNSparkError of a worker that Spark quotes in what it says of a failed job; the last of several."""
    for name, message in reversed(RAISED_IN_A_WORKER.findall(text)):
        kind = globals().get(name)
        if isinstance(kind, type) and issubclass(kind, NNSparkError):
            return kind(message.strip())
    return None
