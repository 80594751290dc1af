"""What a metric is: how it is called, what is summed for it, and its value from the sums."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnspark.objective.tally import Tally
from nnspark.sums.exact import UNIT

__all__ = ["Array", "BlockSum", "Metric", "RowSum", "Sums", "Table", "each", "mean"]

Array = NDArray[Any]
Table: TypeAlias = NDArray[np.int64]
BlockSum: TypeAlias = float | int | Table | Tally
"""A block's share of a sum: a float; an int, which is exact already (see ``Sums``); counts; a tally."""
Sums: TypeAlias = Mapping[str, Any]
"""Sums by name: exact integers (of 2**-1074, see ``sums.exact``), tables of counts, or tallies."""


@dataclass(frozen=True)
class RowSum:
    """A sum Σ w v of one value a row. Those of many blocks' rows are taken in one go, then added by block.

    name : of the sum.
    values : (outputs, y) -> v (n,); a row's follows from that row alone.
    """

    name: str
    values: Callable[[Array, Array], Array]

    def __call__(self, outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
        """The sum over the rows of a block."""
        return {self.name: float(np.dot(self.values(outputs, y), w))}


class Metric(NamedTuple):
    """One figure.

    label : what people call it: "accuracy", "R²".
    problems : the problems it is a figure of.
    sums : functions (outputs, y, w) -> {name: sum of a block}, or RowSums; what two metrics share is taken
        once.
    value : the figure from the sums of all blocks; NaN where it has none.
    format : "share" (of 1; people see percent) or "number".
    higher_is_better : else lower is.
    headline : whether it is shown where there is room for few, as in the progress line.
    unit : "target" for figures in the target's own units, whatever ``data.target_scale`` is; "loss" for
        what training minimises, of scaled targets; "" for plain numbers.
    every_epoch : whether it is taken at every epoch; else of a finished model, and where it is monitored.
    ranked : whether its sums are tallies, which grow with the rows.
    precise : whether its sums are of outputs in float64, taken from z anew where the network's are float32:
        those are 1 as soon as 1 - p is below 6e-8.
    decides : whether its sums are of predicted classes: they are of outputs whose likeliest class is the one
        that the model's threshold says.
    """

    label: str
    problems: tuple[str, ...]
    sums: tuple[Callable[[Array, Array, Array], Mapping[str, BlockSum]], ...]
    value: Callable[[Sums], float]
    format: str = "number"
    higher_is_better: bool = False
    headline: bool = False
    unit: str = ""
    every_epoch: bool = True
    ranked: bool = False
    precise: bool = False
    decides: bool = False


def mean(name: str) -> Callable[[Sums], float]:
    """The value of a metric that is the rows' weighted mean of a sum."""
    return lambda sums: float(sums[name] / sums["weight"])


def each(sums: Sums, name: str) -> list[Fraction]:
    """A sum of each output, exactly."""
    outputs = sum(found.startswith(f"{name}[") for found in sums)
    return [Fraction(sums[f"{name}[{k}]"], UNIT) for k in range(outputs)]
