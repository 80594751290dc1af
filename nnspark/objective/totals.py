"""What an evaluation adds up: gradients and metric sums of blocks, in a form that adds exactly.

``Totals`` is the accumulator of the ``treeAggregate``: a zero, additions and ``merge``. It carries sums, only
adds, and does not know what of; the driver divides once.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.rows import Block, BlockSet, Span
from nnspark.net import weights as weights_module
from nnspark.net.network import Workspace
from nnspark.net.workspaces import workspace
from nnspark.objective.metrics import BlockSum, Table
from nnspark.objective.objective import Objective, block_sums
from nnspark.objective.tally import Tally
from nnspark.sums.exact import ExactVector, exact

__all__ = ["Totals", "exact_sum", "totals_of", "work_for"]

Array = NDArray[Any]
TOGETHER, GRADIENTS = 1 << 17, 1 << 16
"""Values of all layers' units that blocks have which are done together, and of their gradients, at most."""


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
            if not isinstance(value, float):
                mine[name] = mine.get(name, 0) + exact_sum(value)
            elif math.isfinite(value):
                mine[name] = mine.get(name, 0) + exact(value)
            else:
                self.finite = False

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
        return exact(float(value))
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
        for some in _together(blocks, parts, work):
            gradients = sum(block.part == "train" for block in some) if with_gradient else 0
            found = block_sums(objective, weights, some, work, gradients=gradients)
            for block, (sums, gradient) in zip(some, found, strict=True):
                totals.add_sums(block.part, sums)
                if gradient is not None:
                    totals.add_gradient(gradient, objective.terms)
    return totals


def work_for(objective: Objective, sets: Iterable[BlockSet], parts: Sequence[str]) -> Workspace:
    """Room for the largest block of some sets, or for several that are little work each."""
    layers = objective.network.layers
    rows = [span.stop - span.start for blocks in sets for span in blocks.spans if span.part in parts]
    together = max(max(rows, default=0), min(sum(rows), TOGETHER // sum(layers[1:])))
    several = min(len(rows), GRADIENTS // weights_module.count(layers))
    return workspace(objective.network, objective.dtype, together, max(1, several))


def _together(blocks: BlockSet, parts: Sequence[str], work: Workspace) -> Iterator[list[Block]]:
    """The blocks in groups that there is room for, those that train first."""
    some: list[Block] = []
    rows = 0
    for span in sorted((one for one in blocks.spans if one.part in parts), key=_trains_last):
        size = span.stop - span.start
        if some and (rows + size > work.rows or len(some) == work.blocks):
            yield some
            some, rows = [], 0
        some.append(blocks.block(span))
        rows += size
    if some:
        yield some


def _trains_last(span: Span) -> bool:
    return span.part != "train"
