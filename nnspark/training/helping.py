"""When trainings that run together get helpers: processes that hold the same rows (``apart.py``)."""

import os
import sys

from nnspark.engines.base import Shards
from nnspark.engines.local import LocalShards
from nnspark.engines.processes import Helpers

__all__ = ["HELP_FROM", "LEAST", "helpers_for"]

HELP_FROM = 1.0  # seconds of passes that are to be expected; processes take a third as long to start
LEAST = 0.5e-3  # seconds of an evaluation, however small: where that will do, nobody waits for a pass
MOST = 8  # helpers: each holds all rows


def helpers_for(shards: Shards, models: int) -> Helpers | None:
    """Helpers for models that train together, started; None where they would not help.

    They do where the blocks lie in this process and are too few for threads, and there are cores.
    """
    if not isinstance(shards, LocalShards) or len(shards.blocks) > 1 or os.name != "posix":
        return None
    count = min(shards.most, models, MOST)
    return Helpers(shards, count) if count > 1 and sys.executable else None
