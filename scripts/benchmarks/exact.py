"""What exact sums cost: the same epoch with ``ExactVector`` and with a plain float64 sum in its place.

Twice: as Spark jobs, and in one process without Spark, where there is less noise. The two take turns
at going first, and the ratio is the median of the ratios of neighbouring epochs: what slows the machine
down for a while slows both.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import _common
from benchmarks._common import Contestant, Ratio, median, progress, race, ratio_table, timing_table
from benchmarks._data import rows_of, table_of
from benchmarks._nnspark import Epochs, recipe_for
from nnspark.data.dataset import make_dataset
from nnspark.data.rows import BlockSet
from nnspark.engines.base import Shards
from nnspark.engines.layout import make_shards
from nnspark.engines.local import LocalShards
from nnspark.objective import totals

Array = NDArray[Any]
MOST = 1.05


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many epochs."""
    parser.add_argument("--epochs", type=int, default=0, help="epochs each (default 61)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Race exact against plain sums."""
    sc = _common.session("exact").sparkContext
    sizes = []
    for name, shape in _common.shapes_of(args, "M").items():
        table, contestants, ratios = table_of(*rows_of(shape)), [], []
        for dtype in ("float32", "float64"):
            recipe = recipe_for(shape, dtype)
            dataset = make_dataset(table, recipe)
            for engine, shards in (
                ("Spark", make_shards(dataset, sc)),
                ("one process", LocalShards(dataset)),
            ):
                pair = [
                    Contestant(f"exact, {engine}, {dtype}", Epochs(recipe, shards)),
                    Contestant(f"plain, {engine}, {dtype}", Epochs(recipe, PlainShards(shards))),
                ]
                contestants += pair
                ratios.append((f"exact / plain, {engine}, {dtype}", pair))
                progress(f"{name}, {engine}, {dtype}")
                take_turns(pair, args.epochs or (5 if args.quick else 61))
        found = [Ratio(what, paired(*pair), MOST, -1) for what, pair in ratios]
        sizes.append(
            {
                "shape": name,
                "size": str(shape),
                "epochs": timing_table(contestants),
                "ratios": ratio_table(found),
            }
        )
    return {"shapes": sizes}


def take_turns(pair: list[Contestant], epochs: int) -> None:
    """Race the two, the other one first each time."""
    for turn in range(epochs):
        race(pair if turn % 2 else pair[::-1], 1, warmup=turn == 0)


def paired(exact: Contestant, plain: Contestant) -> float:
    """The median of the ratios of neighbouring epochs."""
    return median(a / b for a, b in zip(exact.seconds, plain.seconds, strict=True))


def table(results: dict[str, Any]) -> str:
    """Epochs and their ratios."""
    return "\n\n".join(
        f"\n{one['shape']}: {one['size']}\n\n{_common.format_table(one['epochs'])}\n\n"
        f"{_common.format_table(one['ratios'])}"
        for one in results["shapes"]
    )


class PlainVector:
    """A float64 sum with the face of ``ExactVector``."""

    def __init__(self, size: int, terms: int, dtype: str) -> None:
        self.total = np.zeros(size)

    def add(self, vector: Array) -> None:
        """Add one vector."""
        self.total += vector

    def merge(self, other: "PlainVector") -> None:
        """Add another sum."""
        self.total += other.total

    def parts(self) -> Iterator[tuple[slice, Array]]:
        """The sum, in one piece."""
        yield slice(None), self.total


class PlainShards:
    """Shards whose functions run with ``PlainVector`` for ``ExactVector``; all else is the same code."""

    def __init__(self, shards: Shards) -> None:
        self.shards, self.plan = shards, shards.plan

    def run(self, function: Callable[..., Any], value: Any, zero: Callable[[], Any]) -> Any:
        """As the shards that are wrapped."""
        return self.shards.run(partial(_with_plain_sums, function), value, zero)

    def close(self) -> None:
        """Nothing: the shards are the other contestant's."""


def _with_plain_sums(function: Callable[..., Any], sets: Sequence[BlockSet], value: Any) -> Any:
    """Worker function: the function's result with plain sums."""
    exact_vector = totals.ExactVector
    totals.ExactVector = PlainVector  # type: ignore[assignment,misc]
    try:
        return function(sets, value)
    finally:
        totals.ExactVector = exact_vector  # type: ignore[misc]
