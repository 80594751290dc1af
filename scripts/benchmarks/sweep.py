"""Sweep: choosing a model. Wall time of a cross-validated grid, a model's epoch in company, and halving.

``search``: 8 settings, 5 folds, 100 iterations of L-BFGS on digits, side by side in one run: Spark's
CrossValidator over MLlib's perceptron with one thread and with two, scikit-learn's GridSearchCV over its own
with two processes, and nnspark's SweepCrossValidator with and without Spark. Sessions are warm; each search
refits the best setting on all rows, as it does by default; the quick ones run five times, in turns, and the
table has their first and their median: scikit-learn's processes stay from one search to the next. Its L-BFGS
ends where the cost falls by less than SciPy's ``ftol``, which it does not let one change: half of these
settings get there after 30 to 70 iterations. So ``nnspark.sweep`` runs beside it from the same arrays and
with the same rule, and the table has the iterations that all 40 models took.

``company``: what one model's epoch costs alone and among 8 that share the passes, full-batch, float32 and
float64, and MLlib's evaluation of the same network.

``halving``: 81 settings on 6,000 rows like MNIST's: the score and the evaluations of the whole grid and of
successive halving, for three seeds of the initial weights.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _common
from benchmarks._common import CORES, Contestant, Ratio, Shape, median, progress, race, ratio_table
from benchmarks._data import images, rows_of, table_of, vector_frame, write_parquet
from benchmarks._nnspark import recipe_for
from benchmarks._peers import Mllib, best_block_size, mllib_blas

Search = Callable[[Any], tuple[float, int]]
"""A search over a DataFrame of digits: the best mean accuracy, and the iterations of all folds' models."""

FOLDS, ITERATIONS, TOGETHER = 5, 100, 8
HIDDEN, PENALTIES = ([25], [50]), (0.0, 0.001, 0.01, 0.1)
OWN_SEARCH = "nnspark.sweep, scikit-learn's rule"
TURNS, QUICK = 5, ("scikit-learn", "nnspark, engine auto", "nnspark.sweep")
FTOL = 2.2e-9  # SciPy's default: the fall of the cost that ends L-BFGS
MOST_OF_MLLIB, MOST_ALONE, LEAST_MLLIB, MOST_EVALUATIONS = 1 / 8, 0.9, 2.5, 1 / 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which parts."""
    parser.add_argument("--parts", default="search,company,halving", help="a list out of the three")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Each part that is asked for."""
    spark = _common.session("sweep")
    parts: dict[str, Callable[[Any, argparse.Namespace], dict[str, Any]]] = {
        "search": search, "company": company, "halving": halving,
    }  # fmt: skip
    found = {name: parts[name](spark, args) for name in args.parts.split(",")}
    return {"mllib_blas": mllib_blas(spark), **found}


def search(spark: Any, args: argparse.Namespace) -> dict[str, Any]:
    """A cross-validated grid by every way."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    X = X / 16.0
    iterations = 5 if args.quick else ITERATIONS
    searches = {
        "MLlib, parallelism 1": mllib_search(1, iterations),
        "MLlib, parallelism 2": mllib_search(2, iterations),
        "scikit-learn, n_jobs 2": sklearn_search(X, y, iterations),
        "nnspark on Spark": own_search("spark", iterations),
        "nnspark, engine auto": own_search("auto", iterations),
        OWN_SEARCH: array_search(X, y, iterations),
    }
    rows, found = [], {}
    with tempfile.TemporaryDirectory(prefix="nnspark-bench-") as folder:
        frame = vector_frame(spark, write_parquet(Path(folder) / "rows", X, y, CORES)).cache()
        if frame.count() != len(X):
            raise SystemExit(f"bench: {frame.count()} rows were cached where there are {len(X)}")
        own_search("spark", 2)(frame)  # a warm session for all
        times: dict[str, list[float]] = {name: [] for name in searches}
        for turn in range(1 if args.quick else TURNS):
            for name, one in searches.items():
                if turn and not name.startswith(QUICK):
                    continue
                progress(name)
                began = time.perf_counter()
                score, took = one(frame)
                times[name].append(time.perf_counter() - began)
                found[name] = score, took
        for name, (score, took) in found.items():
            seconds = median(times[name])
            rows.append(
                {"search": name, "times": len(times[name]), "first": round(times[name][0], 2),
                 "seconds": round(seconds, 2),
                 "iterations": took, "ms an iteration": round(1e3 * seconds / took, 2),
                 "best": round(score, 4)}
            )  # fmt: skip
        frame.unpersist()
    by_name = {row["search"]: row["seconds"] for row in rows}
    first = {name: seconds[0] for name, seconds in times.items()}
    ours, on_spark = by_name["nnspark, engine auto"], by_name["nnspark on Spark"]
    quickest = min(by_name["MLlib, parallelism 1"], by_name["MLlib, parallelism 2"])
    theirs = by_name["scikit-learn, n_jobs 2"]
    ratios = [
        Ratio("nnspark / MLlib's quicker", ours / quickest, MOST_OF_MLLIB, -1),
        Ratio("nnspark on Spark / MLlib's quicker", on_spark / quickest, MOST_OF_MLLIB, -1),
        Ratio("by one rule: nnspark / scikit-learn", by_name[OWN_SEARCH] / theirs, 1.0, -1),
        Ratio("the first of either", first[OWN_SEARCH] / first["scikit-learn, n_jobs 2"], 1.0, -1),
        Ratio("nnspark, all iterations / scikit-learn, to its rule", ours / theirs, 1.0, -1),
    ]
    return {"rows": rows, "ratios": ratio_table(ratios)}


def mllib_search(parallelism: int, iterations: int) -> Search:
    """Spark's CrossValidator over MLlib's perceptron, which has no penalty: steps stand in for it."""

    def run_it(frame: Any) -> tuple[float, int]:
        from pyspark.ml.classification import MultilayerPerceptronClassifier
        from pyspark.ml.evaluation import MulticlassClassificationEvaluator
        from pyspark.ml.tuning import CrossValidator, ParamGridBuilder

        one = MultilayerPerceptronClassifier(maxIter=iterations, tol=0.0, seed=1, layers=[64, 25, 10])
        layers = [[64, *hidden, 10] for hidden in HIDDEN]
        grid = ParamGridBuilder().addGrid(one.layers, layers).addGrid(one.seed, range(len(PENALTIES))).build()
        evaluator = MulticlassClassificationEvaluator(metricName="accuracy")
        found = CrossValidator(
            estimator=one,
            estimatorParamMaps=grid,
            evaluator=evaluator,
            numFolds=FOLDS,
            parallelism=parallelism,
            collectSubModels=True,
        ).fit(frame)
        took = sum(model.summary().totalIterations for fold in found.subModels for model in fold)
        return float(max(found.avgMetrics)), took

    return run_it


def own_search(engine: str, iterations: int) -> Search:
    """nnspark's, over the same networks and four penalties."""

    def run_it(frame: Any) -> tuple[float, int]:
        from pyspark.ml.tuning import ParamGridBuilder

        from nnspark.ml import MultilayerPerceptronClassifier, SweepCrossValidator

        one = MultilayerPerceptronClassifier(
            maxIter=iterations, tol=0.0, seed=1, engine=engine, blockSize=1024
        )
        grid = ParamGridBuilder().addGrid(one.hiddenLayers, list(HIDDEN))
        maps = grid.addGrid(one.regParam, list(PENALTIES)).build()
        found = SweepCrossValidator(
            estimator=one,
            estimatorParamMaps=maps,
            evaluator="accuracy",
            numFolds=FOLDS,
            collectSubModels=True,
        ).fit(frame)
        took = sum(model.summary.totalIterations for fold in found.subModels for model in fold)
        return float(max(found.avgMetrics)), took

    return run_it


def sklearn_search(X: Any, y: Any, iterations: int) -> Search:
    """scikit-learn's GridSearchCV over its own perceptron, in two processes."""

    def run_it(frame: Any) -> tuple[float, int]:
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.model_selection import GridSearchCV
        from sklearn.neural_network import MLPClassifier

        one = MLPClassifier(
            solver="lbfgs", activation="logistic", max_iter=iterations, tol=0.0, random_state=1
        )
        grid = {"hidden_layer_sizes": [tuple(hidden) for hidden in HIDDEN],
                "alpha": [penalty * len(X) for penalty in PENALTIES]}  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            scoring = {"accuracy": "accuracy", "iterations": lambda model, X, y: model.n_iter_}
            found = GridSearchCV(one, grid, cv=FOLDS, n_jobs=2, scoring=scoring, refit="accuracy").fit(X, y)
        took = sum(found.cv_results_[f"split{fold}_test_iterations"].sum() for fold in range(FOLDS))
        return float(found.best_score_), int(took)

    return run_it


def array_search(X: Any, y: Any, iterations: int) -> Search:
    """``nnspark.sweep`` over the same networks and penalties, ending where scikit-learn's would."""

    def run_it(frame: Any) -> tuple[float, int]:
        import nnspark

        recipe = {
            "data": {"scale": "none", "split": {"train": 1.0, "validation": 0.0, "test": 0.0}},
            "network": {"output": "softmax"},
            "training": {"optimizer": "lbfgs", "epochs": iterations, "seed": 1},
            "stopping": {"tolerance": FTOL},
            "report": {"html": False},
            "sweep": {
                "folds": FOLDS,
                "monitor": "validation_accuracy",
                "grid": {
                    "network.hidden": list(HIDDEN),
                    "training.l2": [penalty * len(X) for penalty in PENALTIES],
                },
            },
        }
        found = nnspark.sweep(recipe, (X, y), progress=False)
        return float(found.ranked[0]["mean"]), sum(one["epochs"] for one in found.results)

    return run_it


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


def halving(spark: Any, args: argparse.Namespace) -> dict[str, Any]:
    """The whole grid against halving, over seeds."""
    import nnspark

    rows_wanted, epochs = (600, 9) if args.quick else (6_000, 27)
    X, y, _, _ = images(rows_wanted, 10)
    grid = {
        "training.learning_rate": [0.001, 0.01, 0.1],
        "training.l2": [0.01, 1.0, 100.0],
        "network.hidden": [[10], [30], [100]],
        "network.activation": ["sigmoid", "tanh", "relu"],
    }
    found = []
    for seed in (1, 2, 3):
        progress(f"halving, seed {seed}")
        scores, evaluations = [], []
        for search in ("grid", "halving"):
            recipe = {
                "data": {"scale": "none"},
                "network": {"output": "softmax", "init": {"name": "glorot"}},
                "training": {"epochs": epochs, "seed": seed, "optimizer": "adam", "dtype": "float32"},
                "report": {"html": False},
                "sweep": {"search": search, "grid": grid, "monitor": "validation_accuracy"},
            }
            swept = nnspark.sweep(recipe, (X, y), progress=False)
            scores.append(swept.ranked[0]["mean"])
            evaluations.append(sum(one["evaluations"] for one in swept.results))
        found.append(
            {
                "seed": seed,
                "grid, best": round(scores[0], 4),
                "halving, best": round(scores[1], 4),
                "evaluations": f"{evaluations[1]} of {evaluations[0]}",
                "share": round(evaluations[1] / evaluations[0], 3),
            }
        )
    rows_validating = round(rows_wanted * 0.1)
    noise = (0.25 / rows_validating) ** 0.5
    worst = max(one["grid, best"] - one["halving, best"] for one in found)
    ratios = [
        Ratio("halving's evaluations / the grid's", max(one["share"] for one in found), MOST_EVALUATIONS, -1),
        Ratio(f"worst loss of score ({rows_validating} rows validate)", worst, 2 * noise, -1),
    ]
    return {"rows": found, "ratios": ratio_table(ratios)}


def table(results: dict[str, Any]) -> str:
    """Every part's tables."""
    parts = [f"MLlib's BLAS: {results['mllib_blas']}"]
    if "search" in results:
        head = (
            f"search: digits, {len(HIDDEN) * len(PENALTIES)} settings, {FOLDS} folds, {ITERATIONS} iterations"
        )
        parts.append(_part(head, results["search"]))
    for one in results.get("company", {}).get("shapes", []):
        parts.append(_part(f"company, {one['shape']}: {one['size']}", one))
    if "halving" in results:
        parts.append(_part("halving: 81 settings", results["halving"]))
    return "\n\n\n".join(parts)


def _part(head: str, found: dict[str, Any]) -> str:
    return "\n\n".join([head, _common.format_table(found["rows"]), _common.format_table(found["ratios"])])
