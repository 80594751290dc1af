"""What one model's full-batch epoch costs alone and among 8 that share the passes, and MLlib's evaluation."""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _common
from benchmarks._common import CORES, Contestant, Ratio, Shape, progress, race, ratio_table
from benchmarks._data import rows_of, table_of, vector_frame, write_parquet
from benchmarks._nnspark import recipe_for
from benchmarks._peers import Mllib, best_block_size

__all__ = ["company"]

TOGETHER = 8
MOST_ALONE, LEAST_MLLIB = 0.9, 2.5


def company(spark: Any, args: argparse.Namespace) -> dict[str, Any]:
    """A model's epoch alone and in company, by shape."""
    found = []
    for name, shape in _common.shapes_of(args, "S" if args.quick else "M").items():
        found.append(_company_at(spark, name, shape, 3 if args.quick else 7))
    return {"shapes": found}


def _company_at(spark: Any, name: str, shape: Shape, turns: int) -> dict[str, Any]:
    from nnspark.data.dataset import make_dataset
    from nnspark.engines.layout import make_shards
    from nnspark.training.loop import train
    from nnspark.training.together import Together

    progress(f"shape {name}, {shape}")
    X, y = rows_of(shape)
    contestants, close = [], []

    def alone(recipe: Any, shards: Any) -> Callable[[], list[float]]:
        def sample() -> list[float]:
            return _epochs(lambda callback: train(recipe, shards, callbacks=[callback]))

        return sample

    def among(recipe: Any, shards: Any) -> Callable[[], list[float]]:
        def sample() -> list[float]:
            def work(callback: Any) -> None:
                works = [(i, lambda member, i=i: train(recipe, member, callbacks=[callback] if not i else []))
                         for i in range(TOGETHER)]  # fmt: skip
                for member in Together(shards, TOGETHER).run(works):
                    if member.error is not None:
                        raise member.error

            return [seconds / TOGETHER for seconds in _epochs(work)]

        return sample

    for dtype in ("float32", "float64"):
        recipe = recipe_for(shape, dtype, "training.epochs=4")
        shards = make_shards(make_dataset(table_of(X, y), recipe), spark.sparkContext)
        if shards.plan.num_samples[0] != shape.rows:
            raise SystemExit(f"bench: {shards.plan.num_samples[0]} rows train where there are {shape.rows}")
        close.append(shards.close)
        contestants += [
            Contestant(f"nnspark alone {dtype}", alone(recipe, shards), warmup=2),
            Contestant(f"nnspark among {TOGETHER} {dtype}", among(recipe, shards), warmup=1),
        ]
    with tempfile.TemporaryDirectory(prefix="nnspark-bench-") as folder:
        frame = vector_frame(spark, write_parquet(Path(folder) / "rows", X, y, CORES)).cache()
        frame.count()
        size, _ = best_block_size(frame, shape.layers, (128, 512, 2048), (2, 12))
        peer = Mllib(frame, shape.layers, "l-bfgs", block_size=size, iterations=(2, 12))
        contestants.append(Contestant("MLlib alone", peer, every=3, warmup=1))
        race(contestants, turns)
        frame.unpersist()
    for function in close:
        function()
    medians = {one.name: one.median for one in contestants}
    ratios = []
    for dtype in ("float32", "float64"):
        mine = medians[f"nnspark among {TOGETHER} {dtype}"]
        ratios += [
            Ratio(
                f"among {TOGETHER} / alone {dtype}", mine / medians[f"nnspark alone {dtype}"], MOST_ALONE, -1
            ),
            Ratio(f"MLlib alone / among {TOGETHER} {dtype}", medians["MLlib alone"] / mine, LEAST_MLLIB, 1),
        ]
    rows = [{"contestant": one, "ms a model and epoch": round(1e3 * s, 1)} for one, s in medians.items()]
    return {"shape": name, "size": str(shape), "rows": rows, "ratios": ratio_table(ratios)}


def _epochs(work: Callable[[Callable[[Any], None]], Any]) -> list[float]:
    """Seconds between the ends of epochs; the first, which has no beginning here, is left out."""
    ends: list[float] = []
    work(lambda epoch: ends.append(time.perf_counter()))
    return np.diff(ends).tolist()
