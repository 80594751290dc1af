"""``nnspark.sklearn.MLPClassifier``, without Spark, against scikit-learn's: both on all cores, side by side.

L-BFGS: seconds of an evaluation of cost and gradient, (a long fit - a short fit) / (the evaluations between
them), since either has a line search of its own. Adam: seconds of an epoch at the same batch, likewise by the
epochs between. nnspark's rows are counted. scikit-learn computes L-BFGS in float64 whatever its rows are in;
it gets both, and the quicker is what is held against.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import _common
from benchmarks._common import CORES, Contestant, Ratio, Shape, progress, race, ratio_table, timing_table
from benchmarks._data import rows_of

Array = NDArray[Any]
BATCH = 200
LBFGS_LEAST = {"float32": 2.5, "float64": 1.6}
ADAM_LEAST = 1.0
LENGTHS = {"lbfgs": {"S": (5, 45), "M": (2, 8), "L": (2, 8)}, "adam": {"S": (1, 6), "M": (1, 3), "L": (1, 3)}}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which solvers, and how many times."""
    parser.add_argument("--solvers", default="lbfgs,adam", help="a list out of lbfgs,adam")
    parser.add_argument("--epochs", type=int, default=0, help="pairs of fits each (default 5)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Race both packages over the rows of each shape."""
    found = []
    for name, shape in _common.shapes_of(args, "S,M,L", LENGTHS["lbfgs"]).items():
        X, y = rows_of(shape)
        for solver in args.solvers.split(","):
            progress(f"shape {name}, {shape}, {solver}")
            contestants = contestants_of(shape, X, y, solver, LENGTHS[solver][name])
            race(list(contestants.values()), args.epochs or (1 if args.quick else 5))
            found.append(
                {
                    "shape": name,
                    "size": f"{shape}, {solver}" + (f", batch {BATCH}" if solver == "adam" else ""),
                    "times": timing_table(list(contestants.values())),
                    "ratios": ratio_table(ratios_of(contestants, solver)),
                }
            )
    return {"shapes": found}


def contestants_of(
    shape: Shape, X: Array, y: Array, solver: str, lengths: tuple[int, int]
) -> dict[str, Contestant]:
    """Both packages' estimators on rows of either precision."""
    from sklearn.neural_network import MLPClassifier as Peer

    from nnspark.sklearn import MLPClassifier as Own

    made = {}
    for dtype in ("float32", "float64"):
        rows = X.astype(dtype)
        for package, kind in (("nnspark", Own), ("scikit-learn", Peer)):
            name = f"{package} {dtype}"
            made[name] = Contestant(name, _pace(kind, shape, rows, y, solver, lengths), warmup=1)
    return made


def _pace(
    kind: type, shape: Shape, X: Array, y: Array, solver: str, lengths: tuple[int, int]
) -> Callable[[], list[float]]:
    """Seconds of an evaluation or an epoch, by two fits."""

    def sample() -> list[float]:
        (short, few), (long, many) = (fit(kind, shape, X, y, solver, length) for length in lengths)
        return [(long - short) / (many - few)]

    return sample


def fit(kind: Any, shape: Shape, X: Array, y: Array, solver: str, iterations: int) -> tuple[float, int]:
    """Seconds of a fit, and how many evaluations or epochs it made. Refused if it is not over all rows."""
    from threadpoolctl import threadpool_limits

    model = kind(
        shape.layers[1:-1], activation="logistic", solver=solver, alpha=0.0, tol=0.0, batch_size=BATCH,
        max_iter=iterations, n_iter_no_change=iterations + 1, random_state=42,
    )  # fmt: skip
    calls: list[None] = []
    if hasattr(model, "_loss_grad_lbfgs"):
        own = model._loss_grad_lbfgs
        model._loss_grad_lbfgs = lambda *args, **named: (calls.append(None), own(*args, **named))[1]
    with warnings.catch_warnings(), threadpool_limits(CORES, user_api="blas"):
        warnings.simplefilter("ignore")
        began = time.perf_counter()
        model.fit(X, y)
        seconds = time.perf_counter() - began
    if model.t_ not in (len(X) * model.n_iter_, 0):  # scikit-learn counts none with lbfgs
        raise SystemExit(f"bench: trained on {model.t_} rows in {model.n_iter_} epochs of {len(X)} rows")
    if solver == "adam":
        return seconds, model.n_iter_
    return seconds, len(calls) or model._progress.evaluations


def ratios_of(contestants: dict[str, Contestant], solver: str) -> list[Ratio]:
    """How many times as long scikit-learn takes, at its quicker precision."""
    peers = [one.median for name, one in contestants.items() if name.startswith("scikit-learn")]
    peer = float(np.nanmin(peers))
    return [
        Ratio(
            f"scikit-learn / nnspark {dtype}",
            peer / contestants[f"nnspark {dtype}"].median,
            LBFGS_LEAST[dtype] if solver == "lbfgs" else ADAM_LEAST,
            1,
        )
        for dtype in ("float32", "float64")
    ]


def table(results: dict[str, Any]) -> str:
    """Milliseconds of an evaluation or an epoch, and ratios."""
    return "\n\n".join(
        f"\n{one['size']}, {'an epoch' if 'adam' in one['size'] else 'an evaluation'}\n\n"
        f"{_common.format_table(one['times'])}\n\n{_common.format_table(one['ratios'])}"
        for one in results["shapes"]
    )
