"""One look at a part's answers, one job: whatever a function adds up over its blocks, exactly."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.rows import Block, BlockSet, most_rows
from nnspark.engines.base import Shards
from nnspark.engines.conservation import check_evaluated
from nnspark.net import weights as weights_module
from nnspark.net.network import forward
from nnspark.net.workspaces import workspace
from nnspark.objective.metrics import BlockSum
from nnspark.objective.objective import Objective
from nnspark.objective.totals import Totals
from nnspark.training.cost import counted

__all__ = ["Looking", "look"]

Array = NDArray[Any]
Looking = Callable[[Objective, Array, Array, Block], Mapping[str, BlockSum]]
"""(objective, z, outputs, block) -> sums of the block; z and outputs (n, units) as the network has them."""


def look(objective: Objective, shards: Shards, theta: Array, part: str, looking: Looking) -> dict[str, Any]:
    """The sums of what ``looking``, a module's function or a partial of one, says of the part's blocks."""
    totals = shards.run(partial(_look, objective, part, looking), theta, Totals)
    check_evaluated(shards.plan, counted(totals, (part,)))
    return dict(totals.sums.get(part, {}))


def _look(
    objective: Objective, part: str, looking: Looking, sets: Iterable[BlockSet], theta: Array
) -> Totals:
    """Worker function: the sums of one partition's blocks."""
    weights = weights_module.unflatten(theta, objective.network.layers)
    work = workspace(objective.network, objective.dtype, most_rows(sets))
    totals = Totals()
    for blocks in sets:
        for block in blocks.blocks((part,)):
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):
                _, z, outputs = forward(objective.network, weights, [block.X], work)
                sums = looking(objective, z, outputs, block)
            totals.add_sums(block.part, {"num_samples": float(len(block)), **sums})
    return totals
