"""R0's own method against nnspark on the same rows: a digits net, 5,000x400-25-10, one SparkSession.

R0's method as it was described (REFERENCE: R0): one Python call a row does the whole of backprop in an
uncached ``map``; three separate actions an epoch (the two gradients, the cost) each run that map
again; four ``count()`` jobs an epoch; the weights travel in the closure. It is given what it can be
given: rows cached, vectorised per-row arithmetic, a vectorised update.
"""

import argparse
import operator
import time
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import _common
from benchmarks._common import SHAPES, Contestant, Ratio, race, ratio_table, timing_table
from benchmarks._data import rows_of, table_of
from benchmarks._nnspark import NO_SPLIT, Epochs
from nnspark import recipe as recipes
from nnspark.data.dataset import make_dataset
from nnspark.engines.layout import make_shards

Array = NDArray[Any]
LEAST = 10.0
L2, RATE = 10.01, 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many epochs."""
    parser.add_argument("--epochs", type=int, default=0, help="epochs each (default 21)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Race the two methods."""
    shape = SHAPES["S"]._replace(rows=500) if args.quick else SHAPES["S"]
    sc = _common.session("r0").sparkContext
    X, y = rows_of(shape)
    settings = [*NO_SPLIT, f"training.learning_rate={RATE}", f"training.l2={L2}"]
    recipe = recipes.loads('[data]\nsource = "digits"\n', settings)
    shards = make_shards(make_dataset(table_of(X, y), recipe), sc)
    contestants = [
        Contestant("nnspark float64", Epochs(recipe, shards), warmup=3 if args.quick else 30),
        Contestant("R0's method", R0(sc, X, y)),
    ]
    race(contestants, args.epochs or (5 if args.quick else 21))
    shards.close()
    own, theirs = (one.median for one in contestants)
    ratios = [Ratio("R0's method / nnspark", theirs / own, LEAST, 1)]
    return {"size": str(shape), "epochs": timing_table(contestants), "ratios": ratio_table(ratios)}


def table(results: dict[str, Any]) -> str:
    """Epochs and their ratio."""
    tables = (_common.format_table(results[name]) for name in ("epochs", "ratios"))
    return f"\n{results['size']}\n\n" + "\n\n".join(tables)


class R0:
    """Gradient descent by R0's method."""

    def __init__(self, sc: Any, X: Array, y: Array) -> None:
        rng = np.random.default_rng(42)
        self.weights = [rng.uniform(-0.12, 0.12, shape) for shape in ((25, 401), (10, 26))]
        rows = list(zip(np.insert(X, 0, 1.0, axis=1), np.eye(10)[y], strict=True))
        self.rows = sc.parallelize(rows).cache()

    def __call__(self) -> list[float]:
        """Seconds of the next epoch."""
        began = time.perf_counter()
        passes = self.rows.map(partial(_backpropagate, *self.weights))
        for layer in range(2):
            total = passes.map(operator.itemgetter(layer)).reduce(operator.add)
            penalty = L2 * self.weights[layer]
            penalty[:, 0] = 0.0
            self.weights[layer] = self.weights[layer] - RATE * (total + penalty) / self.rows.count()
        cost = passes.map(operator.itemgetter(2)).reduce(operator.add) / self.rows.count()
        squares = sum(float(np.square(W[:, 1:]).sum()) for W in self.weights)
        self.cost = cost + L2 / (2 * self.rows.count()) * squares
        return [time.perf_counter() - began]


def _backpropagate(W1: Array, W2: Array, row: tuple[Array, Array]) -> tuple[Array, Array, float]:
    """Worker function: both gradients and the cost of one row."""
    x, target = row
    hidden = np.insert(1.0 / (1.0 + np.exp(-(W1 @ x))), 0, 1.0)
    output = 1.0 / (1.0 + np.exp(-(W2 @ hidden)))
    delta = output - target
    below = (W2.T @ delta)[1:] * hidden[1:] * (1.0 - hidden[1:])
    cost = -float(np.sum(target * np.log(output) + (1.0 - target) * np.log(1.0 - output)))
    return np.outer(below, x), np.outer(delta, hidden), cost
