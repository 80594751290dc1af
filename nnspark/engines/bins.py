"""Which blocks go together: the bins of a task, or the share of a thread."""

from typing import Any

from nnspark.data.plan import Plan

__all__ = ["bin_of", "place_of"]


def place_of(plan: Plan, part: str, block: Any, tasks: int, bins_a_task: int) -> Any:
    """The bin of a block, or of each of an array of blocks.

    A replica's blocks stay together, and neighbouring replicas go to one task, which so returns few sums
    (``sums/ordered.py``); other blocks spread.
    """
    if part == "train" and plan.replicas:
        replica = block * plan.replicas // plan.blocks[0]
        return replica * (tasks * bins_a_task) // plan.replicas
    return bin_of(block, tasks, bins_a_task)


def bin_of(unit: Any, tasks: int, bins_a_task: int) -> Any:
    """The bin of a unit: neighbouring units go to different tasks, a task's bins are neighbours."""
    return unit % tasks * bins_a_task + unit // tasks % bins_a_task
