"""An epoch: nnspark against plain NumPy, Spark MLlib, scikit-learn and a job that computes nothing.

The same network for all (sigmoid hidden layers, softmax output, cross-entropy, every row a training
row), the same SparkSession, the same clock. An epoch of nnspark is all that ``train`` does between two
callbacks: broadcast, one job, gradient step, metrics, history row. MLlib's and scikit-learn's figure
is the time of one evaluation of cost and gradient inside their own fit. The limit is the products alone,
on all cores at once; nnspark less a job that does nothing is held against it.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import _common
from benchmarks._common import CORES, Contestant, Ratio, Shape, progress, race, ratio_table, timing_table
from benchmarks._data import rows_of, table_of, vector_frame, write_parquet
from benchmarks._limit import Products, operations
from benchmarks._nnspark import Epochs, exact_no_op, no_op, recipe_for
from benchmarks._peers import Mllib, NumpyEpochs, SklearnLbfgs, best_block_size
from nnspark.data.dataset import make_dataset
from nnspark.engines.layout import make_shards
from nnspark.engines.local import LocalShards

MLLIB_LEAST = {
    "float32": {"S": 1.6, "M": 2.3, "L": 2.3, "XL": 1.8},
    "float64": {"S": 1.6, "M": 1.25, "L": 1.3, "XL": 1.0},
}
LIMIT_MOST = {"M": 1.15, "L": 1.15, "XL": 1.15}
NUMPY_MOST = {"M": 1.15, "L": 1.15, "XL": 1.4}
NO_OP_MOST = {"S": 1.3}
PEERS = "limit,local,numpy,mllib-lbfgs,mllib-gd,sklearn"
# Epochs of warm-up: until the JVM has compiled what a job runs, 50 ms of its compilers' time goes into each.
# At XL the no-op jobs, which are quick, do that for all.
WARMUP = {"S": 30, "M": 10, "L": 10, "XL": 2}
NO_OP_WARMUP = {"S": 30, "M": 10, "L": 10, "XL": 12}
EPOCHS = {"S": 61, "M": 21, "L": 21, "XL": 15}
# Iterations of MLlib's short and long fit, and block sizes to choose from.
ITERATIONS = {"S": (2, 22), "M": (2, 12), "L": (2, 12), "XL": (1, 3)}
BLOCK_SIZES = {"S": (128, 512, 2048), "M": (128, 512, 2048), "L": (128, 512, 2048), "XL": (128,)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which peers, and how many epochs."""
    parser.add_argument("--peers", default=PEERS, help=f"a list out of {PEERS}; may be empty")
    parser.add_argument(
        "--epochs", type=int, default=0, help="epochs each (default 61 at S, 21 at M and L, 15 at XL)"
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Race every shape."""
    shapes = _common.shapes_of(args, "S,M" if args.quick else "S,M,L,XL", EPOCHS)
    spark = _common.session("epoch")
    return {
        "shapes": [
            run_shape(spark, name, shape, set(args.peers.split(",")), epochs_of(args, name), quick=args.quick)
            for name, shape in shapes.items()
        ]
    }


def epochs_of(args: argparse.Namespace, name: str) -> int:
    """How many epochs a shape gets."""
    return args.epochs or (5 if args.quick else EPOCHS[name])


def run_shape(
    spark: Any, name: str, shape: Shape, peers: set[str], epochs: int, *, quick: bool
) -> dict[str, Any]:
    """Race one shape."""
    progress(f"shape {name}, {shape}")
    X, y = rows_of(shape)
    contestants, close = [], []
    warmup, no_op_warmup = (3, 3) if quick else (WARMUP[name], NO_OP_WARMUP[name])
    for dtype in ("float32", "float64"):
        recipe = recipe_for(shape, dtype)
        dataset = make_dataset(table_of(X, y), recipe)
        shards = make_shards(dataset, spark.sparkContext)
        close.append(shards.close)
        own = Epochs(recipe, shards)
        contestants += [
            Contestant(f"nnspark {dtype}", own, warmup=warmup),
            Contestant(f"no-op job {dtype}", no_op(shards, own.progress.theta), warmup=no_op_warmup),
            Contestant(f"no-op job, exact sums {dtype}", exact_no_op(own), warmup=no_op_warmup),
        ]
        if "limit" in peers:
            contestants.append(Contestant(f"products alone {dtype}", Products(X, shape.layers, dtype)))
        if "local" in peers:
            here = LocalShards(dataset)
            close.append(here.close)
            contestants.append(Contestant(f"nnspark without Spark {dtype}", Epochs(recipe, here)))
        if "numpy" in peers:
            contestants.append(Contestant(f"NumPy {dtype}", NumpyEpochs(X, y, shape.layers, dtype)))
    if "sklearn" in peers:
        lbfgs = SklearnLbfgs(X, y, shape.layers, 5)
        contestants.append(Contestant("scikit-learn lbfgs", lbfgs, every=max(1, epochs // 3), warmup=0))
    notes: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="nnspark-bench-") as folder:
        if {"mllib-lbfgs", "mllib-gd"} & peers:
            df = vector_frame(spark, write_parquet(Path(folder) / "rows", X, y, CORES)).cache()
            df.count()
            close.append(df.unpersist)
            contestants += mllib(df, name, shape, peers, epochs, notes)
        race(contestants, epochs)
        for function in close:
            function()
    medians = {one.name: one.median for one in contestants}
    ratios = ratio_table(ratios_of(name, medians))
    for dtype in ("float32", "float64"):
        if seconds := medians.get(f"products alone {dtype}"):
            notes[f"gflops_{dtype}"] = round(operations(shape) / seconds / 1e9, 1)
    return {"shape": name, "size": str(shape), "epochs": timing_table(contestants), "ratios": ratios, **notes}


def mllib(
    df: Any, name: str, shape: Shape, peers: set[str], epochs: int, notes: dict[str, Any]
) -> list[Contestant]:
    """MLlib's two solvers at the block size that suits them best."""
    progress("choosing MLlib's blockSize")
    sizes, iterations = BLOCK_SIZES[name], ITERATIONS[name]
    size, cost = best_block_size(df, shape.layers, sizes, iterations) if len(sizes) > 1 else (sizes[0], {})
    notes["mllib_block_size"] = size
    notes["mllib_block_sizes_ms"] = {str(key): round(1e3 * value, 2) for key, value in cost.items()}
    turns = 1 if name == "XL" else 3
    return [
        Contestant(
            f"MLlib {solver}",
            Mllib(df, shape.layers, solver, block_size=size, iterations=iterations),
            every=-(-epochs // turns),
            warmup=0 if name == "XL" else 1,
        )
        for solver in ("l-bfgs", "gd")
        if f"mllib-{solver.replace('-', '')}" in peers
    ]


def ratios_of(name: str, medians: dict[str, float]) -> list[Ratio]:
    """The ratios that are held against limits, and the rest for information."""
    ratios = []
    for dtype in ("float32", "float64"):
        epoch, idle = medians[f"nnspark {dtype}"], medians[f"no-op job {dtype}"]
        exact_idle = medians[f"no-op job, exact sums {dtype}"]
        for solver in ("l-bfgs", "gd"):
            if f"MLlib {solver}" in medians:
                limit, sign = (MLLIB_LEAST[dtype][name], 1) if solver == "l-bfgs" else (0.0, 0)
                value = medians[f"MLlib {solver}"] / epoch
                ratios.append(Ratio(f"MLlib {solver} / nnspark {dtype}", value, limit, sign))
        if "scikit-learn lbfgs" in medians:
            ratios.append(Ratio(f"scikit-learn / nnspark {dtype}", medians["scikit-learn lbfgs"] / epoch))
        if f"products alone {dtype}" in medians:
            base, limit = medians[f"products alone {dtype}"], LIMIT_MOST.get(name, 0.0)
            less = (epoch - idle) / base
            ratios.append(Ratio(f"(nnspark - no-op) / products {dtype}", less, limit, -1 if limit else 0))
            if here := medians.get(f"nnspark without Spark {dtype}"):
                ratios.append(Ratio(f"nnspark without Spark / products {dtype}", here / base))
        if f"NumPy {dtype}" in medians:
            base, limit = medians[f"NumPy {dtype}"], NUMPY_MOST.get(name, 0.0)
            ratios += [
                Ratio(f"(nnspark - no-op) / NumPy {dtype}", (epoch - idle) / base, limit, -1 if limit else 0),
                Ratio(f"(nnspark - exact no-op) / NumPy {dtype}", (epoch - exact_idle) / base),
                Ratio(f"nnspark / NumPy {dtype}", epoch / base),
            ]
        limit = NO_OP_MOST.get(name, 0.0)
        ratios.append(Ratio(f"nnspark / no-op {dtype}", epoch / idle, limit, -1 if limit else 0))
    return ratios


def table(results: dict[str, Any]) -> str:
    """A table of epochs and one of ratios for each shape."""
    parts = []
    for one in results["shapes"]:
        parts.append(f"\n{one['shape']}: {one['size']}\n\n{_common.format_table(one['epochs'])}")
        if "mllib_block_size" in one:
            parts.append(
                f"MLlib's blockSize {one['mllib_block_size']}, of {one['mllib_block_sizes_ms']} (ms)"
            )
        if "gflops_float32" in one:
            rates = " and ".join(f"{one[f'gflops_{dtype}']:g} ({dtype})" for dtype in ("float32", "float64"))
            parts.append(f"The products alone, all cores at once: {rates} GFLOP/s")
        parts.append(_common.format_table(one["ratios"]))
    return "\n\n".join(parts)
