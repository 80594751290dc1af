"""The objective: what training minimises, and the one function that takes it over a block of rows.

    cost(theta) = 1/m Σ_i w_i loss(f(x_i; theta), y_i)  +  l2/(2m) Σ W[:, 1:]²        m = Σ_i w_i

A row enters the first term alone, so that term and its gradient are sums over rows, hence over blocks, in any
order. ``block_sums`` gives one block's share. Whoever adds the shares divides by m, once, and adds the second
term (``net/regularize.py``): the cost function over all blocks, a step over one batch, any engine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.data.plan import Scaling
from nnspark.data.rows import Block
from nnspark.net.activations import OUTPUTS
from nnspark.net.dropout import Dropout
from nnspark.net.losses import HEADS
from nnspark.net.network import Network, Workspace, backward, forward
from nnspark.net.runs import spans_of
from nnspark.objective.decision import PLAIN, Decision
from nnspark.objective.metrics import METRICS, BlockSum, metric_sums, summed
from nnspark.objective.problems import PROBLEMS

__all__ = ["Answers", "BlockSums", "Objective", "block_sums", "judged"]

Array = NDArray[Any]


class Answers(NamedTuple):
    """Outputs (n, units) in three forms.

    outputs : in the target's own units, calibrated.
    precise : in float64 from z on; None where ``outputs`` are as good.
    decided : those whose likeliest class is the one to predict, see ``Decision.decided``.
    """

    outputs: Array
    precise: Array | None
    decided: Array


@dataclass(frozen=True)
class Objective:
    """What is minimised, but for the penalty: fixed for a run, sent to the workers with each job.

    network : f; its output and loss are the loss's.
    problem : a name of ``PROBLEMS``: how y becomes targets, and which metrics there are.
    dtype : of weights and activations.
    terms : the most blocks whose gradients will ever be added; sizes the exact sum.
    label_smoothing : s; a target Y becomes (1 - s) Y + s / classes.
    also : names of metrics beside those of every epoch.
    target_scaling : of the targets of a regression; the loss is of scaled targets, metrics are not.
    decision : of a finished model: its calibration and threshold. Metrics are of what it makes of outputs;
        the loss is of the outputs.
    """

    network: Network
    problem: str
    dtype: str
    terms: int
    label_smoothing: float = 0.0
    target_scaling: Scaling | None = None
    also: tuple[str, ...] = ()
    decision: Decision = PLAIN

    def answers(self, z: Array, outputs: Array, *, fine: bool) -> Answers:
        """What is judged, of the network's z and outputs (n, units); ``fine`` asks for ``precise``."""
        precise, output = None, self.network.output
        if self.decision.calibrates:
            outputs = self.decision.calibrated(self.problem, output, z)
        elif fine and outputs.dtype != np.float64:
            precise = OUTPUTS[output](z.astype(np.float64))
        outputs = self.own_units(outputs)
        if self.problem != "classification":
            return Answers(outputs, precise, outputs)
        fine_enough = outputs if precise is None or self.decision.threshold is None else precise
        return Answers(outputs, precise, self.decision.decided(fine_enough))

    def own_units(self, values: Array) -> Array:
        """Outputs (n, outputs) as people know them: the scaling of targets undone, float64."""
        if self.target_scaling is None:
            return values
        return self.target_scaling.undo(values.astype(np.float64))

    def own_targets(self, y: Array) -> Array:
        """Targets likewise, to within the rounding of their scaling; a 0 is 0 again.

        Undoing rounds 0 to something near it, and an error relative to that is a matter of chance. So what is
        stored as 0 is stored comes back as 0: targets so near it cannot be told from it.
        """
        own = self.own_units(y)
        if self.target_scaling is not None:
            own[y == self.target_scaling.apply(np.zeros(y.shape[1])).astype(y.dtype)] = 0.0
        return own

    @property
    def loss_is(self) -> str:
        """What "loss" is the mean of, in words: the one figure that is not in the target's own units."""
        words = self.network.loss.replace("_", " ")
        if self.label_smoothing:
            words += " with smoothed labels"
        return words if self.target_scaling is None else f"{words} of the scaled target"


class BlockSums(NamedTuple):
    """A block's share: what is summed by name, and the gradient (in the workspace) or None."""

    sums: dict[str, BlockSum]
    gradient: Array | None


def block_sums(
    objective: Objective,
    weights: Sequence[Array],
    blocks: Sequence[Block],
    work: Workspace,
    *,
    gradients: int,
    dropout: Dropout | None = None,
) -> list[BlockSums]:
    """Each block's share of the loss, of its gradient, and of what the metrics are made of.

    With rows i of a block, w_i their weights (1 where the block has none) and L_i the loss of row i::

        sums["num_samples"]  n                 rows, whatever their weights
        sums["weight"]       Σ w_i             what everything below is divided by, later
        sums["loss"]         Σ w_i L_i         cross entropy in nats, squared error in the outputs' units²
        sums[...]            Σ w_i (...)       for each metric, in the target's own units; or counts of rows
        gradient             Σ w_i ∂L_i/∂theta

    Nothing here is a mean, nothing is divided by n or m, and there is no penalty: that is for whoever has
    all blocks. The loss is of smoothed targets, metrics are of y itself.

    Parameters
    ----------
    weights : W of each layer, (units, 1 + fan_in), of the objective's dtype.
    blocks : X (n, num_features); y (n,) class indices, or (n, outputs) labels or targets; weight (n,) or
        None. Several are done together where each is little work.
    work : scratch for all their rows, of the objective's network and dtype; its arrays are overwritten.
    gradients : of how many blocks, the first ones, to go backward too; that takes twice as long as forward.
    dropout : the hidden units that are left out, of a step of mini-batches; all sums are of the rest then.

    Returns
    -------
    list of BlockSums
        Floats, and tables of counts, that depend on a block's rows in their order and on the weights alone,
        whatever other blocks come along. ``gradient`` is flat like theta, of the objective's dtype, and is in
        ``work``: the next call overwrites it. What overflows comes out as infinity or NaN, without warning.
    """
    network, features = objective.network, [block.X for block in blocks]
    y = _joined([block.y for block in blocks])
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        hidden, z, outputs = forward(network, weights, features, work, dropout)
        targets = PROBLEMS[objective.problem].targets
        Y = targets(y, work.targets(len(y)), objective.label_smoothing)
        losses = HEADS[network.output, network.loss].loss(z, outputs, Y)
        weighted = any(block.weight is not None for block in blocks)
        w = np.ones(len(y))
        if weighted:
            w = _joined([np.ones(len(one)) if one.weight is None else one.weight for one in blocks])
        spans = spans_of(features)
        sums: list[dict[str, BlockSum]] = [
            {
                "num_samples": float(len(block)),
                "weight": float(w[own].sum()) if weighted else float(len(block)),
                "loss": float(np.dot(losses[own], w[own])),
                **metrics,
            }
            for block, own, metrics in zip(
                blocks, spans, judged(objective, z, outputs, y, w, spans), strict=True
            )
        ]
        if not gradients:
            return [BlockSums(own, None) for own in sums]
        n = spans[gradients - 1].stop
        row_weights = w[:n].astype(objective.dtype) if weighted else None
        found = backward(
            network, weights, features[:gradients], hidden, outputs, Y[:n], row_weights, work, dropout
        )
    return [BlockSums(own, gradient) for own, gradient in zip_longest(sums, found)]


def judged(
    objective: Objective, z: Array, outputs: Array, y: Array, w: Array, spans: Sequence[slice]
) -> list[dict[str, BlockSum]]:
    """What the objective's metrics add up over each span of rows; z, outputs, y as network and plan have."""
    fine = objective.decision.threshold is not None or any(METRICS[name].precise for name in objective.also)
    answers = objective.answers(z, outputs, fine=fine)
    y = objective.own_targets(y)
    functions = summed(objective.problem, objective.also)
    return metric_sums(functions, answers.outputs, y, w, spans, answers.precise, answers.decided)


def _joined(arrays: Sequence[Array]) -> Array:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
