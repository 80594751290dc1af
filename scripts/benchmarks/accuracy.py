"""Seconds of training to 97 % of held-out images, on MNIST or a stand-in of its size.

60,000 images of 784 pixels, 784-100-10. With ``--mnist DIR`` the four idx files; without, scikit-learn's
digits enlarged to 28x28, jittered and noised (``_data.images``), 10,000 images of other digits held out.
The clock runs while a contestant trains and stops while its accuracy is measured.
"""

import argparse
import importlib.util
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import _common
from benchmarks._common import CORES, Ratio, median, progress, ratio_table
from benchmarks._data import images, table_of, vector_frame, write_parquet
from benchmarks._nnspark import NO_SPLIT, Epochs, make_resident
from benchmarks._peers import Mllib
from nnspark import recipe as recipes
from nnspark.data.dataset import make_dataset
from nnspark.data.rows import PARTS
from nnspark.engines.layout import make_shards
from nnspark.net import weights as weights_module
from nnspark.net.network import predict

Array = NDArray[Any]
Data = tuple[Array, Array, Array, Array]
# Seconds of training after each step, and the accuracy then.
Course = Iterator[tuple[float, float]]

GOAL, HIDDEN, RATE, BATCH = 0.97, 100, 2e-3, 100
LEAST = {"MLlib l-bfgs": 30.0, "TorchDistributor, 2 processes": 5.0, f"scikit-learn adam, batch {BATCH}": 1.0}
NETWORK = [
    *NO_SPLIT, f"network.hidden=[{HIDDEN}]", 'network.activation="relu"', 'network.output="softmax"',
    'network.init={name = "he"}', 'training.dtype="float32"', "training.l2=0.0",
]  # fmt: skip
ROUNDS = [
    'training.optimizer="adam"', f"training.learning_rate={RATE}", f"rounds.batch_size={BATCH}",
    "rounds.replicas=2",
]  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where MNIST is, how often, how far."""
    parser.add_argument("--mnist", metavar="DIR", help="a directory with MNIST's four idx files")
    parser.add_argument("--only", default="", help="a part of the contestants' names, such as rounds or adam")
    parser.add_argument("--epochs", type=int, default=0, help="runs of each of the quick ones (default 5)")
    parser.add_argument("--most", type=int, default=60, help="epochs or rounds before giving up (default 60)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Let each contestant train until it is there, in turns."""
    spark = _common.session("accuracy")
    data = mnist(args.mnist) if args.mnist else images(*((6_000, 2_000) if args.quick else (60_000, 10_000)))
    courses: dict[str, Callable[[], Course]] = {
        "nnspark rounds": lambda: nnspark_course(spark, data, ROUNDS),
        f"scikit-learn adam, batch {BATCH}": lambda: sklearn_course(data, BATCH, RATE),
        "scikit-learn adam, batch 200, rate 1e-3": lambda: sklearn_course(data, 200, 1e-3),
        "nnspark L-BFGS": lambda: nnspark_course(spark, data, ['training.optimizer="lbfgs"']),
    }
    if importlib.util.find_spec("torch"):
        from benchmarks._torch import torch_course

        courses["TorchDistributor, 2 processes"] = lambda: torch_course(data, HIDDEN)
    courses = {name: course for name, course in courses.items() if args.only in name}
    runs = args.epochs or (1 if args.quick else 5)
    results: dict[str, list[tuple[float, int, float]]] = {name: [] for name in courses}
    for turn in range(runs):
        for name, course in courses.items():
            if turn < (2 if "L-BFGS" in name or "Torch" in name else runs):
                progress(f"run {turn + 1}: {name}")
                limit = 3 * args.most if "L-BFGS" in name else args.most
                results[name].append(reach(course(), limit))
    if args.only in "MLlib l-bfgs":
        progress("MLlib l-bfgs")
        results["MLlib l-bfgs"] = [mllib_search(spark, data, quick=args.quick)]
    found = [
        {
            "contestant": name,
            "seconds": round(median(one[0] for one in got), 3),
            "epochs": int(median(one[1] for one in got)),
            "accuracy": round(min(one[2] for one in got), 4),
            "runs": len(got),
        }
        for name, got in results.items()
    ]
    seconds = {row["contestant"]: row["seconds"] for row in found}
    own = seconds.get("nnspark rounds", float("nan"))
    ratios = [
        Ratio(f"{name} / nnspark rounds", value / own, LEAST.get(name, 0.0), int(name in LEAST))
        for name, value in seconds.items()
        if name != "nnspark rounds"
    ]
    what = f"MNIST from {args.mnist}" if args.mnist else "digits enlarged to 28x28, jittered, noised"
    size = f"{what}: {len(data[0]):,} to train, {len(data[2]):,} held out, 784-{HIDDEN}-10, {GOAL:.0%}"
    return {"size": size, "times": found, "ratios": ratio_table(ratios)}


def reach(course: Course, most: int) -> tuple[float, int, float]:
    """Seconds, steps and accuracy at the goal; infinite seconds if it is not reached."""
    accuracy = 0.0
    for step, (seconds, accuracy) in enumerate(course, 1):
        if accuracy >= GOAL:
            return seconds, step, accuracy
        if step == most:
            break
    return float("inf"), most, accuracy


def nnspark_course(spark: Any, data: Data, settings: list[str]) -> Course:
    """Rounds or epochs of nnspark on Spark. Laying the data out is not training."""
    X, y, X_test, y_test = data
    recipe = recipes.loads('[data]\nsource = "digits"\n', [*NETWORK, *settings])
    shards = make_resident(make_shards(make_dataset(table_of(X, y), recipe), spark.sparkContext))
    epochs, seconds = Epochs(recipe, shards), 0.0
    network = epochs.objective.network
    try:
        while True:
            seconds += epochs()[0]
            weights = weights_module.unflatten(epochs.progress.theta, network.layers)
            yield seconds, float((predict(network, weights, X_test).argmax(axis=1) == y_test).mean())
    finally:
        shards.close()


def sklearn_course(data: Data, batch: int, rate: float) -> Course:
    """Epochs of scikit-learn's Adam, float32, BLAS on as many threads as it likes."""
    from sklearn.neural_network import MLPClassifier

    X, y, X_test, y_test = data
    X = X.astype(np.float32)
    model = MLPClassifier((HIDDEN,), solver="adam", batch_size=batch, learning_rate_init=rate, alpha=0.0)
    seconds = 0.0
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            began = time.perf_counter()
            model.partial_fit(X, y, classes=np.arange(10))
            seconds += time.perf_counter() - began
        yield seconds, float((model.predict(X_test.astype(np.float32)) == y_test).mean())


def mllib_search(spark: Any, data: Data, *, quick: bool) -> tuple[float, int, float]:
    """The fewest iterations (to 5) that reach the goal, and what such a fit takes beyond one of none."""
    X, y, X_test, y_test = data
    with tempfile.TemporaryDirectory(prefix="nnspark-bench-") as name:
        train = vector_frame(spark, write_parquet(Path(name) / "train", X, y, CORES)).cache()
        test = vector_frame(spark, write_parquet(Path(name) / "test", X_test, y_test, CORES)).cache()
        train.count(), test.count()
    peer = Mllib(train, (784, HIDDEN, 10), "l-bfgs", block_size=512, iterations=(1, 1))
    peer.fit(1)
    setup = peer.fit(1)[0]

    def at(iterations: int) -> tuple[float, int, float]:
        seconds, _, model = peer.fit(iterations)
        right = model.transform(test).where("prediction = label").count()
        progress(f"MLlib, {iterations} iterations: {right / len(y_test):.4f} in {seconds:.1f} s")
        return seconds - setup, iterations, right / len(y_test)

    low, high, reached = 0, 10 if quick else 40, None
    while reached is None and high <= (20 if quick else 320):
        found = at(high)
        if found[2] >= GOAL:
            reached = found
        else:
            low, high = high, 2 * high
    while reached is not None and reached[1] - low > 5:
        found = at((low + reached[1]) // 2)
        low, reached = (low, found) if found[2] >= GOAL else (found[1], reached)
    train.unpersist(), test.unpersist()
    return reached or (float("inf"), low, found[2])


def mnist(folder: str) -> Data:
    """MNIST as idx files, pixels in 0..1."""
    from nnspark.sources import load_table

    recipe = recipes.loads(f'[data]\nsource = "idx"\npath = {folder!r}\n')
    table = load_table(recipe.data)
    test = table.given == PARTS.index("test")
    X, y = table.features / table.features.max(), np.asarray(table.target)
    return X[~test], y[~test], X[test], y[test]


def table(results: dict[str, Any]) -> str:
    """Seconds and ratios."""
    tables = (_common.format_table(results[name]) for name in ("times", "ratios"))
    return f"\n{results['size']}\n\n" + "\n\n".join(tables)
