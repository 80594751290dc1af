"""Rounds: mini-batch SGD inside each logical replica, averaged once a round in one Spark job.

Each of ``replicas`` starts from the broadcast weights, walks its own rows in mini-batches for some
local epochs or steps, and the round ends with the row-weighted average of the replicas' weights and
of their optimizer's moments (local SGD: Stich, ICLR 2019). An outer optimizer may treat the averaged
move as a gradient (DiLoCo: Douillard et al., 2023). The replicas are part of the recipe; partitions
only decide where they run. With one replica a round is sequential mini-batch SGD, to the last bit.

Batches of epoch e in replica r follow the permutation of ``default_rng([seed, e, r])``, or the order of
the rows' hashes where the recipe does not shuffle; a step
descends mean loss of the batch + l2/(2m)·|W|², m being all training rows, without the hidden units that
dropout leaves out, by ``default_rng([seed, e, r, step])``; what is evaluated has them all.

(Above 200 lines: a step, a replica's round and the average of rounds share one state.)
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.data.rows import Block, BlockSet, most_rows
from nnspark.engines.base import Shards
from nnspark.engines.conservation import check_evaluated
from nnspark.net import weights as weights_module
from nnspark.net.dropout import Dropout, draw_dropout
from nnspark.net.network import Workspace
from nnspark.net.regularize import add_l2
from nnspark.net.workspaces import workspace
from nnspark.objective.objective import Objective, block_sums
from nnspark.objective.totals import Totals, totals_of
from nnspark.optimizers import Rate, Rule, make_rule, state_from_arrays, state_to_arrays
from nnspark.optimizers.base import rate_like
from nnspark.optimizers.outer import outer_of
from nnspark.recipe import Rounds
from nnspark.sums.exact import exact, from_exact
from nnspark.sums.ordered import OrderedSum
from nnspark.training.cost import Evaluation, counted, part_metrics

__all__ = ["RoundState", "make_rounds", "training_weight"]

Array = NDArray[Any]


class RoundState(NamedTuple):
    """Rounds done, the replicas' averaged rule state, the outer rule's state."""

    done: int
    rule: Any
    outer: Any


@dataclass(frozen=True)
class Local:
    """What a replica needs to know to train for a round. Sent with the job, not with the weights."""

    objective: Objective
    rounds: Rounds
    optimizer: str
    options: Mapping[str, Any]
    seed: int
    l2_per_sample: float
    replicas: int
    num_blocks: int


class Start(NamedTuple):
    """What a round starts from: broadcast."""

    done: int
    theta: Array
    state: dict[str, Array]
    rate: Rate


@dataclass
class RoundSums:
    """The accumulator of a round: the replicas' weighted sums, in order, metric sums, the replicas' rows."""

    moved: OrderedSum
    totals: Totals
    rows: int = 0

    def merge(self, other: "RoundSums") -> "RoundSums":
        """Add other replicas' sums; returns self."""
        self.moved.merge(other.moved)
        self.totals.merge(other.totals)
        self.rows += other.rows
        return self


def make_rounds(
    objective: Objective,
    shards: Shards,
    rounds: Rounds,
    *,
    optimizer: tuple[str, Mapping[str, Any]],
    rate_at: Callable[[int], Rate],
    l2: float,
    seed: int,
    parts: Sequence[str] = ("validation",),
) -> tuple[
    Callable[[Array], RoundState], Callable[[Array, RoundState], tuple[Array, RoundState, Evaluation]]
]:
    """An (init, update) pair; one update is one round: one Spark job.

    The evaluation an update returns has the training metrics of the batches as they went by, and
    those of ``parts`` at the round's starting weights.
    """
    is_bias = weights_module.bias_mask(objective.network.layers)
    name, options = optimizer
    inner = make_rule(name, options=options, bias_mask=is_bias)
    outer_name, outer_rate, outer_options = outer_of(rounds.outer)
    outer = make_rule(outer_name, options=outer_options, bias_mask=is_bias)

    @cache
    def samples() -> float:
        return training_weight(shards)

    @cache
    def local() -> Local:
        places = shards.plan.replicas, shards.plan.blocks[0]
        return Local(objective, rounds, name, dict(options), seed, l2 / samples(), *places)

    def init(theta: Array) -> RoundState:
        return RoundState(0, inner.init(theta), outer.init(theta))

    def update(theta: Array, state: RoundState) -> tuple[Array, RoundState, Evaluation]:
        rate = rate_like(theta, rate_at(state.done))
        start = Start(state.done, theta, state_to_arrays(state.rule), rate)
        sums = shards.run(partial(_round, local(), tuple(parts)), start, partial(_zero, local().replicas))
        check_evaluated(shards.plan, {"train": sums.rows, **counted(sums.totals, parts)}, "a round")
        averages = sums.moved.average()
        metrics = part_metrics(sums.totals, objective)
        cost, _ = add_l2(
            metrics["train"]["loss"], theta, theta, l2=l2, num_samples=samples(), is_bias=is_bias
        )
        averaged = averages.pop("theta").astype(theta.dtype)
        if not np.isfinite(averaged).all():
            cost = math.inf
        evaluation = Evaluation(theta, cost, None, metrics)
        arrays = {key: value.astype(start.state[key].dtype) for key, value in averages.items()}
        rule = state_from_arrays(state.rule, arrays)
        if outer_name == "gd" and outer_rate == 1.0:
            return averaged, RoundState(state.done + 1, rule, state.outer), evaluation
        moved, outer_state = outer.step(theta, theta - averaged, state.outer, outer_rate)
        return moved, RoundState(state.done + 1, rule, outer_state), evaluation

    return init, update


@dataclass
class _Weight:
    """An accumulator of row weights."""

    total: int = 0

    def merge(self, other: "_Weight") -> "_Weight":
        self.total += other.total
        return self


def training_weight(shards: Shards) -> float:
    """The sum of the training rows' weights: known where they have none, one job where they have."""
    if not shards.plan.weighted:
        return float(shards.plan.num_samples[0])
    return from_exact(shards.run(_weights, None, _Weight).total)


def _weights(sets: Iterable[BlockSet], value: None) -> _Weight:
    """Worker function: the sum of the training rows' weights."""
    found = [block.weight for blocks in sets for block in blocks.blocks(("train",))]
    return _Weight(sum(exact(float(weight.sum())) for weight in found if weight is not None))


def _rule(local: Local) -> Rule:
    mask = weights_module.bias_mask(local.objective.network.layers)
    return make_rule(local.optimizer, options=local.options, bias_mask=mask)


def _zero(replicas: int) -> RoundSums:
    return RoundSums(OrderedSum(replicas), Totals())


def _round(local: Local, parts: Sequence[str], sets: Iterable[BlockSet], start: Start) -> RoundSums:
    """Worker function: one round of the replicas in this partition, and the metrics of ``parts``."""
    objective, sums = local.objective, _zero(local.replicas)
    replicas = [r for blocks in sets for r in blocks.replicas(local.replicas, local.num_blocks)]
    batch = min(local.rounds.batch_size, max(map(len, replicas), default=0))
    work = workspace(objective.network, objective.dtype, max(most_rows(sets), batch))
    for replica in replicas:
        theta, state, totals = train_replica(local, replica, start, work)
        weight = 1.0 if local.replicas == 1 else from_exact(totals.sums["train"]["weight"])
        sums.moved.add(replica.index, weight, {"theta": theta, **state_to_arrays(state)})
        sums.totals.merge(totals)
        sums.rows += len(replica)
    sums.totals.merge(totals_of(objective, start.theta, sets, work, parts, with_gradient=False))
    return sums


def train_replica(local: Local, rows: Block, start: Start, work: Workspace) -> tuple[Array, Any, Totals]:
    """Mini-batch SGD over one replica's rows: theta and rule state at the end, metrics as they went by."""
    objective, rounds, rule = local.objective, local.rounds, _rule(local)
    theta, totals = start.theta, Totals()
    state = state_from_arrays(rule.init(theta), start.state)
    is_bias = weights_module.bias_mask(objective.network.layers)
    decay = np.where(is_bias, 0.0, local.l2_per_sample).astype(theta.dtype) if local.l2_per_sample else None
    batches = math.ceil(len(rows) / rounds.batch_size)
    steps = rounds.local_steps or rounds.local_epochs * batches
    pull = np.empty_like(theta)
    own: tuple[Array, Any] | None = None  # what a step may overwrite: not what was broadcast
    order: Array | None = None
    for step in range(start.done * steps, (start.done + 1) * steps):
        epoch, batch = divmod(step, batches)
        if order is None or batch == 0:
            order = _order(local, epoch, rows)
        chosen = order[batch * rounds.batch_size : (batch + 1) * rounds.batch_size]
        weight = None if rows.weight is None else rows.weight[chosen]
        taken = Block("train", rows.index, rows.X[chosen], rows.y[chosen], weight)
        weights = weights_module.unflatten(theta, objective.network.layers)
        dropout = _dropout(local, (epoch, rows.index, 1 + batch), len(taken))
        ((sums, grad),) = block_sums(objective, weights, [taken], work, gradients=1, dropout=dropout)
        assert grad is not None
        totals.add_sums("train", sums)
        total_weight = len(taken) if weight is None else weight.sum()
        if not total_weight:
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            grad /= grad.dtype.type(total_weight)
            if decay is not None:
                grad += np.multiply(decay, theta, out=pull)
            own = theta, state = rule.step(theta, grad, state, start.rate, own)
    return theta, state, totals


def _dropout(local: Local, step: Sequence[int], rows: int) -> Dropout | None:
    """The units left out of a step: epoch, replica, and number in the epoch from 1, 0 being the order's."""
    share, layers = local.rounds.dropout, local.objective.network.layers
    return draw_dropout(share, layers, rows, local.objective.dtype, [local.seed, *step]) if share else None


def _order(local: Local, epoch: int, rows: Block) -> Array:
    """The order in which a replica walks its rows."""
    if not local.rounds.shuffle:
        return np.arange(len(rows))
    return np.random.default_rng([local.seed, epoch, rows.index]).permutation(len(rows))
