"""What a page draws of a regression: predicted against true, and the errors of each tenth of the predictions.

In the targets' own units; an error is predicted minus true. Two jobs: the first for the axes' ends and the
tenths, from tallies of all values (of very many values, of their leading 24 bits), the second counts cells
and adds up errors.
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.rows import Block
from nnspark.engines.base import Shards
from nnspark.objective.metric import BlockSum
from nnspark.objective.objective import Objective
from nnspark.objective.quantiles import keys_of_numbers, quantiles
from nnspark.objective.tally import Tally
from nnspark.sums.exact import from_exact
from nnspark.training.decide import shift_for
from nnspark.training.looking import look

__all__ = ["target_plots"]

Array = NDArray[Any]
Figures = dict[str, Any]
Edges = tuple[float, float, tuple[float, ...]]
CELLS, MOST_TARGETS, LEAVES_OUT, COARSE = 40, 4, 0.001, 40
TENTHS = [tenth / 10 for tenth in range(1, 10)]


def target_plots(
    objective: Objective, shards: Shards, theta: Array, part: str, names: Sequence[str]
) -> tuple[Figures, Figures]:
    """Small tables, and cells; of the first ``MOST_TARGETS`` targets.

    An axis leaves out a thousandth of the values at either end: those rows are counted in the cells there.
    """
    outputs = min(objective.network.layers[-1], MOST_TARGETS)
    shift = COARSE if shift_for(shards.plan, part, 2 * outputs) else 0
    tallies = look(objective, shards, theta, part, partial(_values, outputs, shift))
    edges = [_edges(tallies[f"true[{k}]"], tallies[f"predicted[{k}]"]) for k in range(outputs)]
    sums = look(objective, shards, theta, part, partial(_cells, tuple(edges)))
    errors, targets = [], []
    for k, (low, high, cuts) in enumerate(edges):
        errors.append({"target": names[k], "tenths": _tenths(sums, k, cuts, tallies[f"predicted[{k}]"])})
        targets.append({"target": names[k], "from": low, "to": high, "cells": sums[f"cells[{k}]"].tolist()})
    return {"errors": errors}, {"targets": targets}


def _values(
    outputs: int, shift: int, objective: Objective, z: Array, answers: Array, block: Block
) -> Mapping[str, BlockSum]:
    """Tallies of the true and the predicted values."""
    predicted, true = objective.own_units(answers), objective.own_targets(block.y)
    named = {f"true[{k}]": true[:, k] for k in range(outputs)}
    named |= {f"predicted[{k}]": predicted[:, k] for k in range(outputs)}
    return {name: Tally.of(keys_of_numbers(column)).coarse(shift) for name, column in named.items()}


def _edges(true: Tally, predicted: Tally) -> Edges:
    """The axes' ends, the same for both, and the upper ends of the tenths but the last, without doubles."""
    ends = [quantiles(tally, [LEAVES_OUT, 1 - LEAVES_OUT]) for tally in (true, predicted)]
    low, high = min(ends[0][0], ends[1][0]), max(ends[0][1], ends[1][1])
    if not high > low:
        low, high = low - 0.5 * abs(low) - 0.5, high + 0.5 * abs(high) + 0.5
    last = quantiles(predicted, [1.0])[0]
    cuts = tuple(cut for cut in dict.fromkeys(quantiles(predicted, TENTHS)) if cut < last)
    return low, high, cuts


def _cells(
    edges: Sequence[Edges], objective: Objective, z: Array, outputs: Array, block: Block
) -> Mapping[str, BlockSum]:
    """Rows in each cell (true, predicted); and in each tenth rows, errors, |errors| and errors²."""
    predicted, true = objective.own_units(outputs), objective.own_targets(block.y)
    sums: dict[str, BlockSum] = {}
    for k, (low, high, cuts) in enumerate(edges):
        answer, target = predicted[:, k].astype(np.float64), true[:, k].astype(np.float64)
        places = [
            np.floor((one - low) / (high - low) * CELLS).clip(0, CELLS - 1).astype(np.int64)
            for one in (target, answer)
        ]
        cells = np.bincount(places[0] * CELLS + places[1], minlength=CELLS**2)
        sums[f"cells[{k}]"] = cells.reshape(CELLS, CELLS).astype(np.int64)
        tenth, error = np.searchsorted(cuts, answer), answer - target
        sums[f"rows[{k}]"] = np.bincount(tenth, minlength=len(cuts) + 1).astype(np.int64)
        for name, values in (("error", error), ("size", np.abs(error)), ("square", np.square(error))):
            for at in range(len(cuts) + 1):
                sums[f"{name}[{k}][{at}]"] = float(values[tenth == at].sum())
    return sums


def _tenths(sums: Mapping[str, Any], k: int, cuts: Sequence[float], predicted: Tally) -> list[Figures]:
    """A line a tenth: where the predictions lie, rows, mean error, MAE and RMSE."""
    first, last = quantiles(predicted, [0.0, 1.0])
    found = []
    for at, rows in enumerate(sums[f"rows[{k}]"].tolist()):
        if rows:
            error, size, square = (
                from_exact(sums[f"{name}[{k}][{at}]"]) / rows for name in ("error", "size", "square")
            )
            low, high = (cuts[at - 1] if at else first), (cuts[at] if at < len(cuts) else last)
            found.append(
                {
                    "from": low,
                    "to": high,
                    "rows": rows,
                    "mean_error": error,
                    "mae": size,
                    "rmse": math.sqrt(square),
                }
            )
    return found
