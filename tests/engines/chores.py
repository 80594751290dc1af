"""What the tests have helpers do: it is imported there."""

import os
import time

from nnspark.errors import DivergedError


class TwoArgumentsError(Exception):
    """An exception that is not read as it was written."""

    def __init__(self, one, two):
        super().__init__(f"{one} {two}")


def chore(state, value, tell):
    """Linger, raise, or tell the state and add it up."""
    if value == "linger":
        tell(os.getpid())
        time.sleep(60)
    if value == "raise":
        raise DivergedError("it diverged")
    if value == "raise what cannot be read":
        raise TwoArgumentsError(1, 2)
    for one in state:
        tell(one)
    return sum(state), os.getpid()
