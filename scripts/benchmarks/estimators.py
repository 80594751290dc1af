"""``nnspark.sklearn.MLPClassifier``, without Spark, against scikit-learn's: both on all cores, side by side.

L-BFGS: seconds from one evaluation of cost and gradient to the next, since either has a line search of its
own. Adam: from the end of an epoch to the next one's, at the same batch. Both are taken within a fit, so that
the rows' way into it, which is longer than an epoch and varies, is no part. nnspark's rows are counted.
Either computes in the precision of the rows it is given (scikit-learn's L-BFGS did in float64 alone, once).
"""

import argparse
import itertools
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from numpy.typing import NDArray

from benchmarks import _common
from benchmarks._common import CORES, Contestant, Ratio, Shape, progress, race, ratio_table, timing_table
from benchmarks._data import rows_of
from nnspark.training import cost, loop

Array = NDArray[Any]
BATCH = 200
LBFGS_LEAST = {"float32": 2.5, "float64": 1.6}
ADAM_LEAST = 1.0
TIMED: dict[tuple[str, str], tuple[Any, str]] = {
    ("nnspark", "lbfgs"): (cost.Cost, "_evaluate"),
    ("nnspark", "adam"): (loop, "run_epoch"),
    ("sklearn", "lbfgs"): (None, "_loss_grad_lbfgs"),
    ("sklearn", "adam"): (None, "_update_no_improvement_count"),
}
"""What is called once an evaluation, or epoch, by package and solver; of the model itself where None."""
LENGTHS = {"lbfgs": {"S": 45, "M": 10, "L": 10}, "adam": {"S": 6, "M": 4, "L": 4}}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which solvers, and how many times."""
    parser.add_argument("--solvers", default="lbfgs,adam", help="a list out of lbfgs,adam")
    parser.add_argument("--epochs", type=int, default=0, help="fits each (default 3)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Race both packages over the rows of each shape."""
    found = []
    for name, shape in _common.shapes_of(args, "S,M,L", LENGTHS["lbfgs"]).items():
        X, y = rows_of(shape)
        for solver in args.solvers.split(","):
            progress(f"shape {name}, {shape}, {solver}")
            contestants = contestants_of(shape, X, y, solver, LENGTHS[solver][name])
            race(list(contestants.values()), args.epochs or (1 if args.quick else 3))
            found.append(
                {
                    "shape": name,
                    "size": f"{shape}, {solver}" + (f", batch {BATCH}" if solver == "adam" else ""),
                    "times": timing_table(list(contestants.values())),
                    "ratios": ratio_table(ratios_of(contestants, solver)),
                }
            )
    return {"shapes": found}


def contestants_of(shape: Shape, X: Array, y: Array, solver: str, length: int) -> dict[str, Contestant]:
    """Both packages' estimators on rows of either precision."""
    from sklearn.neural_network import MLPClassifier as Peer

    from nnspark.sklearn import MLPClassifier as Own

    made = {}
    for dtype in ("float32", "float64"):
        rows = X.astype(dtype)
        for package, kind in (("nnspark", Own), ("scikit-learn", Peer)):
            name = f"{package} {dtype}"
            made[name] = Contestant(name, partial(fit, kind, shape, rows, y, solver, length), warmup=1)
    return made


def fit(kind: Any, shape: Shape, X: Array, y: Array, solver: str, iterations: int) -> list[float]:
    """Seconds between a fit's evaluations, or its epochs. Refused if it is not over all rows."""
    from threadpoolctl import threadpool_limits

    model = kind(
        shape.layers[1:-1], activation="logistic", solver=solver, alpha=0.0, tol=0.0, batch_size=BATCH,
        max_iter=iterations, n_iter_no_change=iterations + 1, random_state=42,
    )  # fmt: skip
    place, name = TIMED[kind.__module__.partition(".")[0], solver]
    place = model if place is None else place
    with warnings.catch_warnings(), threadpool_limits(CORES, user_api="blas"), calls_of(place, name) as times:
        warnings.simplefilter("ignore")
        model.fit(X, y)
    if model.t_ not in (len(X) * model.n_iter_, 0):  # scikit-learn counts none with lbfgs
        raise SystemExit(f"bench: trained on {model.t_} rows in {model.n_iter_} epochs of {len(X)} rows")
    return [after - before for before, after in itertools.pairwise(times)]


@contextmanager
def calls_of(place: Any, name: str) -> Iterator[list[float]]:
    """When a function was called."""
    times: list[float] = []
    function = getattr(place, name)

    def timed(*args: Any, **named: Any) -> Any:
        times.append(time.perf_counter())
        return function(*args, **named)

    setattr(place, name, timed)
    try:
        yield times
    finally:
        setattr(place, name, function)


def ratios_of(contestants: dict[str, Contestant], solver: str) -> list[Ratio]:
    """How many times as long scikit-learn takes on the same rows; and on float64 rows, as most are."""
    least = LBFGS_LEAST if solver == "lbfgs" else dict.fromkeys(LBFGS_LEAST, ADAM_LEAST)
    medians = {name: one.median for name, one in contestants.items()}
    ratios = [
        Ratio(
            f"scikit-learn / nnspark {dtype}",
            medians[f"scikit-learn {dtype}"] / medians[f"nnspark {dtype}"],
            limit,
            1,
        )
        for dtype, limit in least.items()
    ]
    across = medians["scikit-learn float64"] / medians["nnspark float32"]
    return [*ratios, Ratio("scikit-learn float64 / nnspark float32", across)]


def table(results: dict[str, Any]) -> str:
    """Milliseconds of an evaluation or an epoch, and ratios."""
    return "\n\n".join(
        f"\n{one['size']}, {'an epoch' if 'adam' in one['size'] else 'an evaluation'}\n\n"
        f"{_common.format_table(one['times'])}\n\n{_common.format_table(one['ratios'])}"
        for one in results["shapes"]
    )
