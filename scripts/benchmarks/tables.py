"""Tables as they are: the recipes bank, houses and words against scikit-learn and Spark's perceptron.

Each table (``_tables.py``) is written as two files, rows to train on and as many held out, and every
contestant reads the same two and all their columns but ids; all figures are scikit-learn's, of the held-out
rows. nnspark trains from the raw file by its recipe in conf/, on all rows of the file (no part of it
validates), with and without Spark, to the same weights. The peers are in ``_table_peers.py`` and
``_table_mllib.py``; Spark has no perceptron for regression. Ours are held against the better of
scikit-learn's two networks, figure by figure. "truth" is what the maker of the rows knows: the limit. Wall
time is from the file to the fitted model, ``training_s`` of it the network alone. Settings, the recipes' and
``TUNED``, were chosen on tables of the maker's seeds 0 and 7: for other figures ask for another.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import nnspark
from benchmarks import _common, _table_mllib, _table_peers
from benchmarks._common import Ratio, median, progress, ratio_table
from benchmarks._systems import CONF
from benchmarks._table_peers import EARLY, TUNED, Fitted, refuse_other_rows
from benchmarks._tables import FILES, ROWS, SOURCES, TABLES, read_rows, write_rows, write_tables
from nnspark.recipe import Recipe, read

__all__ = ["add_arguments", "figures_of", "run", "table", "write_split"]

Array = NDArray[Any]
OWN, LOCAL, MLLIB = "nnspark on Spark", "nnspark, no Spark", "Spark MLlib's perceptron"
PEERS = ("scikit-learn MLP, defaults", "scikit-learn MLP, tuned")
PEER = "the better scikit-learn MLP"
NEAR, NEAR_RMSE = 0.003, 1.01
ALL_ROWS = ["data.split={train = 1.0, validation = 0.0, test = 0.0}", "report.html=false"]


class Split(NamedTuple):
    """A table's two files, as many rows in each, and the figures of the truth."""

    name: str
    train: Path
    test: Path
    rows: int
    truth: dict[str, float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many rows and seeds, or where to write the tables to."""
    parser.add_argument("--rows", type=int, default=0, help=f"to train on, and as many held out ({ROWS:,})")
    parser.add_argument("--seeds", type=int, default=3, help="of the initial weights and batches (3)")
    parser.add_argument("--tables", default=",".join(TABLES), help=f"a list out of {','.join(TABLES)}")
    parser.add_argument("--maker", type=int, default=0, metavar="SEED", help="of the tables' rows (0)")
    parser.add_argument("--no-spark", action="store_true", help="leave out nnspark on Spark, and MLlib")
    parser.add_argument("--write", metavar="FOLDER", help="write the tables as files, and end")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Every contestant on every table, in turns, a turn a seed."""
    rows, seeds = args.rows or (1_000 if args.quick else ROWS), 1 if args.quick else args.seeds
    if args.write:
        return {
            "written": [str(path) for path in write_tables(Path(args.write), args.rows or ROWS, args.maker)]
        }
    names = args.tables.split(",")
    unknown = [name for name in names if name not in TABLES]
    if unknown:
        raise SystemExit(f"error: no table is called {unknown[0]!r}; choose from {','.join(TABLES)}")
    spark = None if args.no_spark else _common.session("tables")
    found = {}
    with tempfile.TemporaryDirectory(prefix="nnspark-bench-") as folder:
        for name in names:
            split = write_split(name, rows, Path(folder), args.maker)
            found[name] = race(split, contestants_of(name, spark), seeds)
            progress(f"{name}\n{table_of(name, found[name])}")
    return {"rows": rows, "seeds": seeds, "maker": args.maker, "tables": found}


def write_split(name: str, rows: int, folder: Path, maker: int = 0) -> Split:
    """Make twice the rows; the first half trains, the second is held out."""
    made, (stem, _, suffix) = TABLES[name](2 * rows, maker), FILES[name].partition(".")
    paths = [folder / f"{stem}-{part}.{suffix}" for part in ("train", "test")]
    for path, part in zip(paths, (slice(rows), slice(rows, None)), strict=True):
        write_rows(made.frame[part], path)
    return Split(name, *paths, rows, figures_of(made.frame.iloc[rows:, -1].to_numpy(), made.truth[rows:]))


def contestants_of(name: str, spark: Any) -> dict[str, Callable[[Split, Recipe], Fitted]]:
    """A function a contestant: from the files to answers for the held-out rows; fewer where Spark is None."""
    found: dict[str, Callable[[Split, Recipe], Fitted]] = {
        LOCAL: lambda split, recipe: own(split, recipe, "local"),
        PEERS[0]: _table_peers.defaults,
        PEERS[1]: _table_peers.tuned,
        "scikit-learn HistGradientBoosting": _table_peers.boosting,
    }
    if spark is None:
        return found
    found = {OWN: lambda split, recipe: own(split, recipe, "spark")} | found
    if name != "houses":
        found[MLLIB] = lambda split, recipe: _table_mllib.mllib(spark, split, recipe)
    return found


def race(
    split: Split, contestants: dict[str, Callable[[Split, Recipe], Fitted]], seeds: int
) -> dict[str, list[dict[str, Any]]]:
    """Let all train in turns: medians of their figures, and how ours compare with scikit-learn's network."""
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in contestants}
    for seed in range(seeds):
        asked = [f"data.source={SOURCES[split.train.suffix]}", f"data.path={split.train}", *ALL_ROWS]
        recipe = read(CONF / f"{split.name}.toml", [*asked, f"training.seed={seed}"])
        hashes = set()
        for name, fit in contestants.items():
            progress(f"{split.name}, seed {seed}: {name}")
            fitted = fit(split, recipe)
            refuse_other_rows(name, fitted.trained_on, split.rows)
            hashes |= {fitted.sha256} - {""}
            times = {"training_s": round(fitted.training, 2), "wall_s": round(fitted.wall, 2)}
            turns[name].append(figures_of(fitted.y, fitted.answers) | times)
        if len(hashes) > 1:
            raise SystemExit(f"bench: {split.name}: the weights on Spark are not those without it: {hashes}")
    rows: list[dict[str, Any]] = [{"contestant": "truth", **split.truth}]
    for name, found in turns.items():
        middles = {figure: median(turn[figure] for turn in found) for figure in found[0]}
        rows.append({"contestant": name, **middles})
    return {"figures": rows, "ratios": ratio_table(ratios_of(rows))}


def own(split: Split, recipe: Recipe, engine: str) -> Fitted:
    """nnspark, from the raw file as its recipe says."""
    from dataclasses import replace

    asked = replace(recipe, training=replace(recipe.training, engine=engine))
    began = time.perf_counter()
    model = nnspark.train(asked, progress=False)
    wall = time.perf_counter() - began
    held_out = read_rows(split.test)
    y, metrics = held_out[recipe.data.label].to_numpy(), model.metrics
    answers = model.predict(held_out)[:, 0] if model.task == "regression" else model.predict_proba(held_out)
    rows = metrics["train"]["num_samples"]
    return Fitted(y, answers, metrics["seconds"], wall, rows, model.weights_sha256)


def figures_of(y: Array, answers: Array) -> dict[str, float]:
    """scikit-learn's figures of prices (n,), or of probabilities (n, classes) in the order of the labels."""
    from sklearn.metrics import average_precision_score, log_loss, roc_auc_score, root_mean_squared_error

    if answers.ndim == 1:
        return {"rmse": float(root_mean_squared_error(y, answers))}
    classes = np.unique(y)
    hits = y[:, None] == classes
    columns = slice(1, None) if len(classes) == 2 else slice(None)
    return {
        "roc_auc": float(roc_auc_score(hits[:, columns], answers[:, columns])),
        "pr_auc": float(average_precision_score(hits[:, columns], answers[:, columns])),
        "log_loss": float(log_loss(y, answers, labels=classes)),
    }


def ratios_of(rows: list[dict[str, Any]]) -> Iterable[Ratio]:
    """How much less than scikit-learn's networks ours may be worth, and whether it is so."""
    by_name = {row["contestant"]: row for row in rows}
    ours, peers = by_name[LOCAL], [by_name[name] for name in PEERS]
    if "rmse" in ours:
        best = min(peer["rmse"] for peer in peers)
        yield Ratio(f"rmse / {PEER}'s", ours["rmse"] / best, NEAR_RMSE, -1)
        return
    for figure, sign in (("roc_auc", 1), ("pr_auc", 1), ("log_loss", -1)):
        best = max(sign * peer[figure] for peer in peers) * sign
        yield Ratio(f"{figure} - {PEER}'s", ours[figure] - best, -sign * NEAR, sign)


def table(results: dict[str, Any]) -> str:
    """Two tables a table; or the files that were written."""
    if "written" in results:
        return "\n".join(results["written"])
    rows, seeds, maker = (results[key] for key in ("rows", "seeds", "maker"))
    said = (
        f"{rows:,} rows of the maker's seed {maker} to train on, as many held out; medians of {seeds} seeds"
    )
    return "\n".join([f"\n{said}", *(table_of(name, found) for name, found in results["tables"].items())])


def table_of(name: str, found: dict[str, Any]) -> str:
    """A table's figures, how scikit-learn's networks were set, how ours compare with theirs."""
    # The columns of the second row: the truth takes no time.
    head = dict.fromkeys(found["figures"][1])
    figures = [head | row for row in found["figures"]]
    settings = [f"{peer}: {asked}" for peer, asked in zip(PEERS, (EARLY, TUNED[name]), strict=True)]
    return "\n".join(
        [f"\n{name}", _common.format_table(figures), "", *settings, "", _common.format_table(found["ratios"])]
    )
