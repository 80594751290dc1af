"""Seconds of a cross-validated grid, by every way.

8 settings, 5 folds, 100 iterations of L-BFGS on digits, side by side in one run: Spark's CrossValidator over
MLlib's perceptron with one thread and with two, scikit-learn's GridSearchCV over its own with two processes,
and nnspark's SweepCrossValidator with and without Spark. Sessions are warm; each search refits the best
setting on all rows, as it does by default; the quick ones run five times, in turns, and the table has their
first and their median: scikit-learn's processes stay from one search to the next. Its L-BFGS ends where the
cost falls by less than SciPy's ``ftol``, which it does not let one change: half of these settings get there
after 30 to 70 iterations. So ``nnspark.sweep`` runs beside it from the same arrays and by the same rule, and
the table has the iterations that all 40 models took.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks._common import CORES, Ratio, median, progress, ratio_table
from benchmarks._data import vector_frame, write_parquet

__all__ = ["HEADING", "search"]

Search = Callable[[Any], tuple[float, int]]
"""A search over a DataFrame of digits: the best mean accuracy, and the iterations of all folds' models."""

FOLDS, ITERATIONS = 5, 100
HIDDEN, PENALTIES = ([25], [50]), (0.0, 0.001, 0.01, 0.1)
OWN_SEARCH = "nnspark.sweep, scikit-learn's rule"
TURNS, QUICK = 5, ("scikit-learn", "nnspark, engine auto", "nnspark.sweep")
FTOL = 2.2e-9  # SciPy's default: the fall of the cost that ends L-BFGS
MOST_OF_MLLIB = 1 / 8
HEADING = f"search: digits, {len(HIDDEN) * len(PENALTIES)} settings, {FOLDS} folds, {ITERATIONS} iterations"


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
