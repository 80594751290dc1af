"""The cost function of full-batch training: theta in, cost and gradient out, one Spark job a call.

``Cost`` is the seam between optimizers and data: it sums over the shards, divides once and adds the
L2 term. It does not know whether the shards are on a cluster or in this process.
"""

import math
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.rows import BlockSet
from nnspark.engines.base import Shards
from nnspark.engines.conservation import check_evaluated
from nnspark.net import weights as weights_module
from nnspark.net.regularize import add_l2
from nnspark.objective.metrics import metric_values
from nnspark.objective.objective import Objective
from nnspark.objective.totals import Totals, totals_of, work_for
from nnspark.sums.exact import ExactVector, from_exact

__all__ = ["Cost", "Evaluation", "Metrics", "counted", "evaluate", "evaluate_sums", "part_metrics"]

Array = NDArray[Any]
Metrics = dict[str, Any]


@dataclass(frozen=True)
class Evaluation:
    """What is known of one theta: cost, norm of the gradient, metrics of the parts that were passed.

    ``evaluations`` passes over the data were spent on the update that ended here; ``converged`` if the
    optimizer cannot go on.
    """

    theta: Array
    cost: float
    grad_norm: float | None
    metrics: Mapping[str, Metrics]
    evaluations: int = 1
    converged: bool = False


class Cost:
    """``cost_fn(theta) -> (cost, grad)``; counts its calls and remembers the last ones.

    Parameters
    ----------
    objective : what is summed over a block.
    shards : where the blocks are.
    l2 : the penalty's factor λ.
    parts : parts passed at each call; "train" gives the gradient, others only metrics.
    """

    def __init__(
        self, objective: Objective, shards: Shards, *, l2: float, parts: Sequence[str] = ("train",)
    ) -> None:
        self.objective, self.shards, self.l2, self.parts = objective, shards, l2, tuple(parts)
        self.is_bias = weights_module.bias_mask(objective.network.layers)
        self.evaluations = 0
        self.last: Evaluation | None = None
        self._measured: list[tuple[weakref.ref[Array], Evaluation]] = []

    def __call__(self, theta: Array) -> tuple[float, Array]:
        """Cost and gradient at theta; infinite and NaN where they are not finite, never an exception."""
        self.last, grad = self._evaluate(theta)
        self.evaluations += 1
        return self.last.cost, grad

    def at(self, theta: Array) -> float:
        """The cost alone, without the gradient's half of the work; not counted."""
        totals = evaluate_sums(self.objective, self.shards, theta, ("train",))
        if not totals.finite:
            return math.inf
        loss = float(part_metrics(totals, self.objective)["train"]["loss"])
        num_samples = from_exact(totals.sums["train"]["weight"])
        return add_l2(loss, theta, theta, l2=self.l2, num_samples=num_samples, is_bias=self.is_bias)[0]

    def _evaluate(self, theta: Array) -> tuple[Evaluation, Array]:
        totals = self.shards.run(partial(_totals, self.objective, self.parts, True), theta, Totals)
        check_evaluated(self.shards.plan, counted(totals, self.parts))
        metrics = part_metrics(totals, self.objective)
        if not totals.finite or totals.gradient is None:
            cost, grad, grad_norm = math.inf, np.full(theta.shape, np.nan, theta.dtype), math.nan
        else:
            cost, grad, grad_norm = self._mean(metrics["train"]["loss"], totals, totals.gradient, theta)
        evaluation = Evaluation(theta, cost, grad_norm, metrics)
        # Vectors that nobody holds any more cannot be accepted; a search may try many.
        self._measured = [pair for pair in self._measured if pair[0]() is not None]
        self._measured.append((weakref.ref(theta), replace(evaluation, theta=np.empty(0))))
        return evaluation, grad

    def _mean(
        self, loss: float, totals: Totals, sums: ExactVector, theta: Array
    ) -> tuple[float, Array, float]:
        """Cost, gradient and its norm: sums divided once, and the L2 term, piece by piece."""
        num_samples = from_exact(totals.sums["train"]["weight"])
        cost, grad, squares = loss, np.empty_like(theta), 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            for here, part in sums.parts():
                part /= num_samples
                cost, part = add_l2(
                    cost, part, theta[here], l2=self.l2, num_samples=num_samples, is_bias=self.is_bias[here]
                )
                grad[here] = part
                squares += float(np.square(part).sum())
        if not np.isfinite(grad).all():
            cost = math.inf
        return cost, grad, math.sqrt(squares)

    def since(self, before: int, *, converged: bool, at: Sequence[Array] = ()) -> Evaluation:
        """What an update reports, with the number of calls since there were ``before``.

        Parameters
        ----------
        at : the very arrays it may have been measured at, the best choice first: those that the update ended
            with and started from. Where none was measured (a search that a resume cut off may have ended
            before its first trial) the last one is, without being counted. The default is the last call's.
        """
        if self.last is None and not at:
            raise RuntimeError("nothing was evaluated yet")
        found = self.last
        if at:
            found = next((one for one in map(self._measured_at, at) if one), None)
            found = found or self._evaluate(at[-1])[0]
        assert found is not None
        return replace(found, evaluations=self.evaluations - before, converged=converged)

    def _measured_at(self, theta: Array) -> Evaluation | None:
        """The evaluation at this array, if it is one of those that were evaluated."""
        for measured, evaluation in self._measured:
            if measured() is theta:
                return replace(evaluation, theta=theta)
        return None


def evaluate(objective: Objective, shards: Shards, theta: Array, parts: Sequence[str]) -> dict[str, Metrics]:
    """Metrics of the given parts at theta, one job, no gradient."""
    return part_metrics(evaluate_sums(objective, shards, theta, parts), objective)


def evaluate_sums(objective: Objective, shards: Shards, theta: Array, parts: Sequence[str]) -> Totals:
    """The sums that they are made of."""
    totals = shards.run(partial(_totals, objective, tuple(parts), False), theta, Totals)
    check_evaluated(shards.plan, counted(totals, parts))
    return totals


def counted(totals: Totals, parts: Iterable[str]) -> dict[str, int]:
    """Rows that were gone over in each part."""
    return {part: round(from_exact(totals.sums.get(part, {}).get("num_samples", 0))) for part in parts}


def part_metrics(totals: Totals, objective: Objective) -> dict[str, Metrics]:
    """Means from sums, part by part: num_samples and the objective's metrics, loss first."""
    if not totals.finite:
        return {part: {"loss": math.inf} for part in totals.sums}
    return {
        part: {
            "num_samples": round(from_exact(sums["num_samples"])),
            **metric_values(objective.problem, sums, objective.also),
        }
        for part, sums in totals.sums.items()
        if sums["weight"]
    }


def _totals(
    objective: Objective, parts: Sequence[str], with_gradient: bool, sets: Iterable[BlockSet], theta: Array
) -> Totals:
    """Worker function: the totals of one partition's blocks."""
    work = work_for(objective, sets, parts)
    return totals_of(objective, theta, sets, work, parts, with_gradient=with_gradient)
