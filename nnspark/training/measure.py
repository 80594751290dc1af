"""All figures of a finished model: every metric of some parts, and beside each what a constant would score.

    one job       all metrics at theta, the tallies of scores or errors among them
    one job       the same metrics of the baseline, whose answer is the same for all rows: no product is taken

The baseline answers with the part's own class frequencies (so its class is the commonest one), or its
target's mean. Where the tallies of all parts would be more than ``AT_ONCE`` entries they are taken by
themselves: their leading bits in one job, then ranges of at most ``AT_ONCE`` rows a job, so that no machine
holds more, whatever the rows (a range of 65,536 neighbouring scores may have more rows; it has no more
entries). Medians narrow down to their rows instead, in four jobs. The training part has no ranked figures
then: they would take as many passes.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.data.rows import PARTS, BlockSet, most_rows
from nnspark.engines.base import Shards
from nnspark.engines.conservation import check_evaluated
from nnspark.net import weights as weights_module
from nnspark.net.network import forward
from nnspark.net.workspaces import workspace
from nnspark.objective.metrics import METRICS, metric_sums, metric_values, metrics_of, summed, tally_names
from nnspark.objective.objective import Objective, judged
from nnspark.objective.tally import MAGNITUDES, SCORES, Downwards, Tally, median
from nnspark.objective.totals import Totals
from nnspark.sums.exact import from_exact
from nnspark.training.cost import Metrics, counted, evaluate_sums, part_metrics

__all__ = ["AT_ONCE", "measure"]

Array = NDArray[Any]
Constants = Mapping[str, Array]
AT_ONCE = 1 << 22


class Range(NamedTuple):
    """Which keys of a tally are wanted, and how many of their last bits are not."""

    low: int
    high: int
    shift: int = 0


def measure(objective: Objective, shards: Shards, theta: Array, parts: Sequence[str]) -> dict[str, Metrics]:
    """Every metric of each part that has rows, and the baseline's under "baseline"; None where none is."""
    own = _measured(objective, shards, theta, parts, None)
    if not own.finite:
        return part_metrics(own, objective)
    everything = replace(objective, also=tuple(metrics_of(objective.problem)))
    figures = part_metrics(own, everything)
    constants = {part: _constant(objective, own.sums[part]) for part in figures}
    baseline = _measured(objective, shards, theta, list(figures), constants)
    for part, found in figures.items():
        values = metric_values(objective.problem, baseline.sums[part] | {"loss": 0}, everything.also)
        found["baseline"] = {name: value for name, value in values.items() if METRICS[name].sums}
    return {part: _without_nan(found) for part, found in figures.items()}


def _without_nan(figures: Metrics) -> Metrics:
    """None for NaN, which is not equal to itself."""
    return {
        name: _without_nan(value)
        if isinstance(value, dict)
        else (None if isinstance(value, float) and math.isnan(value) else value)
        for name, value in figures.items()
    }


def _constant(objective: Objective, sums: Mapping[str, Any]) -> Array:
    """The baseline's output for every row: frequencies of classes or labels, or means of targets."""
    units = objective.network.layers[-1]
    rows = round(from_exact(sums["num_samples"]))
    if objective.problem == "regression":
        weight = from_exact(sums["weight"])
        return np.array([from_exact(sums[f"target[{k}]"]) / weight for k in range(units)])
    of = sums["margins" if objective.problem == "classification" else "label_margins"][1] / rows
    return np.asarray(of[-units:])


def _measured(
    objective: Objective, shards: Shards, theta: Array, parts: Sequence[str], constants: Constants | None
) -> Totals:
    """The sums of all metrics, by as few jobs as the tallies allow."""
    names = tally_names(objective.problem, objective.network.layers[-1])
    values = {part: len(names) * shards.plan.num_samples[PARTS.index(part)] for part in parts}
    few = sum(values.values()) <= AT_ONCE or (constants is not None and objective.problem != "regression")
    metrics = metrics_of(objective.problem).items()
    asked = replace(objective, also=tuple(name for name, metric in metrics if few or not metric.ranked))
    if constants is None:
        totals = evaluate_sums(asked, shards, theta, parts)
    else:
        totals = shards.run(partial(_judge, asked, tuple(parts), constants, None), theta, Totals)
        check_evaluated(shards.plan, counted(totals, parts))
    if few or not totals.finite:
        return totals
    ranked = replace(objective, also=tuple(name for name, metric in metrics if metric.ranked))
    for part in parts:
        if values[part] and (part != "train" or values[part] <= AT_ONCE):

            def run(wanted: Mapping[str, Range], part: str = part) -> Mapping[str, Tally]:
                worker = partial(_judge, ranked, (part,), constants, wanted)
                return shards.run(worker, theta, Totals).sums.get(part, {})

            rank = _medians if objective.problem == "regression" else _areas
            totals.sums[part] |= rank(run, names, values[part])
    return totals


Run = Callable[[Mapping[str, Range]], Mapping[str, Tally]]


def _areas(run: Run, names: Sequence[str], values: int) -> dict[str, Any]:
    """The areas under the curves of each tally of scores."""
    found = {name: Downwards() for name in names}
    if values <= AT_ONCE:
        wanted = [dict.fromkeys(names, Range(0, SCORES))]
    else:
        wanted = list(_in_ranges(run(dict.fromkeys(names, Range(0, SCORES, 16)))))
    for ranges in wanted:
        for name, tally in run(ranges).items():
            found[name].add(tally)
    return {name: one.areas() for name, one in found.items()}


def _in_ranges(coarse: Mapping[str, Tally]) -> Iterator[dict[str, Range]]:
    """Ranges of scores, downwards, together of at most ``AT_ONCE`` rows, or a single one that has more."""
    together: dict[str, Range] = {}
    rows = 0
    for name, tally in coarse.items():
        keys, counts = tally.read()
        for key, count in zip(keys[::-1].tolist(), counts.sum(axis=1)[::-1].tolist(), strict=True):
            if together and rows + count > AT_ONCE:
                yield together
                together, rows = {}, 0
            high = together[name].high if name in together else key + (1 << 16)
            together[name], rows = Range(key, high), rows + count
    if together:
        yield together


def _medians(run: Run, names: Sequence[str], values: int) -> dict[str, Any]:
    """The median of each tally of magnitudes: what holds the middle is narrowed down, 16 bits a job."""
    total, ranges = values // len(names), dict.fromkeys(names, Range(0, MAGNITUDES))
    skipped = dict.fromkeys(names, 0)
    for shift in () if values <= AT_ONCE else (48, 32, 16):
        found = run({name: one._replace(shift=shift) for name, one in ranges.items()})
        for name, tally in found.items():
            keys, counts = tally.read()
            ends = skipped[name] + np.cumsum(counts[:, 0])
            first, last = np.searchsorted(ends, ((total - 1) // 2, total // 2), "right").tolist()
            ranges[name] = Range(int(keys[first]), int(keys[last]) + (1 << shift))
            skipped[name] = int(ends[first] - counts[first, 0])
    return {name: median(tally, skipped[name], total) for name, tally in run(ranges).items()}


def _judge(
    objective: Objective,
    parts: Sequence[str],
    constants: Constants | None,
    wanted: Mapping[str, Range] | None,
    sets: Iterable[BlockSet],
    theta: Array,
) -> Totals:
    """Worker function: the metrics' sums over one partition's blocks, without the loss; or what is wanted.

    ``constants`` are the outputs of every row of a part, in place of the network's.
    """
    weights = weights_module.unflatten(theta, objective.network.layers)
    work = workspace(objective.network, objective.dtype, most_rows(sets))
    totals = Totals()
    for blocks in sets:
        for block in blocks.blocks(parts):
            w = np.ones(len(block)) if block.weight is None else block.weight
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):
                sums: Any
                if constants is None:
                    _, z, outputs = forward(objective.network, weights, [block.X], work)
                    (sums,) = judged(objective, z, outputs, block.y, w, [slice(None)])
                else:
                    one = constants[block.part]
                    outputs = np.ascontiguousarray(np.broadcast_to(one, (len(block), len(one))))
                    y = objective.own_targets(block.y)
                    (sums,) = metric_sums(summed(objective.problem, objective.also), outputs, y, w)
            if wanted is None:
                sums = {"num_samples": float(len(block)), "weight": float(w.sum()), **sums}
            else:
                sums = {name: _part_of(sums[name], one) for name, one in wanted.items()}
            totals.add_sums(block.part, sums)
    return totals


def _part_of(tally: Tally, wanted: Range) -> Tally:
    return tally.within(wanted.low, wanted.high).coarse(wanted.shift)
