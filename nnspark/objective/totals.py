"""What an evaluation adds up: the gradient and the metric sums, in a form that adds exactly.

``Totals`` is the accumulator of the ``treeAggregate``: a zero, ``add_block`` and ``merge``. It
carries sums; the driver divides once.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.rows import Block, BlockSet
from nnspark.net import weights as weights_module
from nnspark.net.losses import HEADS
from nnspark.net.network import Network, Workspace, backward, forward
from nnspark.objective.problems import TASKS
from nnspark.sums.exact import ExactVector, exact

__all__ = ["Kernel", "Totals", "totals_of"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Kernel:
    """How a block becomes sums: the network, its task, and the most blocks a part can have."""

    network: Network
    task: str
    dtype: str
    terms: int
    label_smoothing: float = 0.0


@dataclass
class Totals:
    """Sums over blocks. ``sums[part][name]`` are exact integers."""

    gradient: ExactVector | None = None
    sums: dict[str, dict[str, int]] = field(default_factory=dict)
    finite: bool = True

    def add_block(
        self, kernel: Kernel, weights: Sequence[Array], block: Block, work: Workspace, *, with_gradient: bool
    ) -> None:
        """Forward, and for gradients backward, over one block."""
        grad = self._pass(kernel, weights, block, work, with_gradient=with_gradient)
        if grad is not None:
            if self.gradient is None:
                self.gradient = ExactVector(grad.size, kernel.terms, kernel.dtype)
            self.gradient.add(grad)

    def add_batch(self, kernel: Kernel, weights: Sequence[Array], batch: Block, work: Workspace) -> Array:
        """The batch's gradient sum, in ``work.gradient``, for a step there and then; adds its metrics."""
        grad = self._pass(kernel, weights, batch, work, with_gradient=True)
        assert grad is not None
        return grad

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

    def _pass(
        self, kernel: Kernel, weights: Sequence[Array], block: Block, work: Workspace, *, with_gradient: bool
    ) -> Array | None:
        network, task = kernel.network, TASKS[kernel.task]
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            hidden, z, outputs = forward(network, weights, block.X, work)
            Y = task.targets(block.y, work.targets(len(block)), kernel.label_smoothing)
            losses = HEADS[network.output, network.loss].loss(z, outputs, Y)
            w = np.ones(len(block)) if block.weight is None else block.weight
            values = {
                "num_samples": float(len(block)),
                "weight": float(w.sum()),
                "loss": float(np.dot(losses, w)),
                **task.sums(outputs, block.y, w),
            }
            self._add_sums(block.part, values)
            if not with_gradient:
                return None
            row_weights = None if block.weight is None else block.weight.astype(kernel.dtype)
            return backward(network, weights, block.X, hidden, outputs, Y, row_weights, work)

    def _add_sums(self, part: str, values: dict[str, float]) -> None:
        mine = self.sums.setdefault(part, {})
        for name, value in values.items():
            if math.isfinite(value):
                mine[name] = mine.get(name, 0) + exact(value)
            else:
                self.finite = False


def totals_of(
    kernel: Kernel, theta: Array, sets: Iterable[BlockSet], work: Workspace, parts: Sequence[str], *,
    with_gradient: bool = True,
) -> Totals:  # fmt: skip
    """Totals of the blocks of the given parts; the gradient over the training part."""
    weights = weights_module.unflatten(theta, kernel.network.layers)
    totals = Totals()
    for blocks in sets:
        for block in blocks.blocks(parts):
            wanted = with_gradient and block.part == "train"
            totals.add_block(kernel, weights, block, work, with_gradient=wanted)
    return totals
