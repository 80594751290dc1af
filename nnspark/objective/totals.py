"""What an evaluation adds up: gradients and metric sums of blocks, in a form that adds exactly.

``Totals`` is the accumulator of the ``treeAggregate``: a zero, additions and ``merge``. It carries sums, only
adds, and does not know what of; the driver divides once.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.rows import BlockSet
from nnspark.net import weights as weights_module
from nnspark.net.network import Workspace
from nnspark.objective.metrics import BlockSum, Table
from nnspark.objective.objective import Objective, block_sums
from nnspark.objective.tally import Tally
from nnspark.sums.exact import ExactVector, exact

__all__ = ["Totals", "exact_sum", "totals_of"]

Array = NDArray[Any]


@dataclass
class Totals:
    """Sums over blocks. ``sums[part][name]`` are exact integers, int64 tables of counts or tallies.

    ``finite`` is false once a sum was given something that is not.
    """

    gradient: ExactVector | None = None
    sums: dict[str, dict[str, Any]] = field(default_factory=dict)
    finite: bool = True

    def add_gradient(self, gradient: Array, terms: int) -> None:
        """Add a block's gradient; ``terms`` are the most that will ever be added, over all merged totals."""
        if self.gradient is None:
            self.gradient = ExactVector(gradient.size, terms, gradient.dtype.name)
        self.gradient.add(gradient)

    def add_sums(self, part: str, sums: Mapping[str, BlockSum]) -> None:
        """Add a block's sums to those of its part."""
        mine = self.sums.setdefault(part, {})
        for name, value in sums.items():
            if isinstance(value, float) and not math.isfinite(value):
                self.finite = False
            else:
                mine[name] = mine.get(name, 0) + exact_sum(value)

    def merge(self, other: "Totals") -> "Totals":
        """Add other blocks' totals to these; returns self."""
        if self.gradient is None:
            self.gradient = other.gradient
        elif other.gradient is not None:
            self.gradient.merge(other.gradient)
        for part, theirs in other.sums.items():
            mine = self.sums.setdefault(part, {})
            for name, value in theirs.items():
                mine[name] = mine.get(name, 0) + value
        self.finite &= other.finite
        return self


def exact_sum(value: BlockSum) -> int | Table | Tally:
    """A block's sum in the form that adds exactly: floats as integers, the others as they are."""
    if isinstance(value, Tally | int):
        return value
    if not isinstance(value, np.ndarray):
        return exact(value)
    if value.dtype != np.int64:
        raise TypeError(f"a table of {value.dtype}: only int64 counts add exactly")
    return value


def totals_of(
    objective: Objective, theta: Array, sets: Iterable[BlockSet], work: Workspace, parts: Sequence[str], *,
    with_gradient: bool = True,
) -> Totals:  # fmt: skip
    """Totals of the blocks of the given parts; the gradient over the training part."""
    weights = weights_module.unflatten(theta, objective.network.layers)
    totals = Totals()
    for blocks in sets:
        for block in blocks.blocks(parts):
            wanted = with_gradient and block.part == "train"
            sums, gradient = block_sums(objective, weights, block, work, with_gradient=wanted)
            totals.add_sums(block.part, sums)
            if gradient is not None:
                totals.add_gradient(gradient, objective.terms)
    return totals
