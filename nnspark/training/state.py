"""What training carries from epoch to epoch, and what an epoch shows."""

from typing import Any, NamedTuple

from numpy.typing import NDArray

from nnspark.training import stopping

__all__ = ["Epoch", "Progress", "Row"]

Array = NDArray[Any]
Row = dict[str, Any]


class Progress(NamedTuple):
    """All that training carries from one epoch to the next: what a checkpoint keeps."""

    epoch: int
    evaluations: int
    theta: Array
    optimizer: Any
    stop: stopping.Stop


class Epoch(NamedTuple):
    """What callbacks see: the progress after an epoch and the epoch's history row."""

    progress: Progress
    row: Row
