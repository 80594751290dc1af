"""Sweep: choosing a model. Wall time of a cross-validated grid, a model's epoch in company, and halving.

``search``: 8 settings and 5 folds by Spark's CrossValidator, scikit-learn's GridSearchCV and nnspark.

``company``: what one model's epoch costs alone and among 8 that share the passes, float32 and float64, and
MLlib's evaluation of the same network.

``halving``: 81 settings: the score and the evaluations of the whole grid and of successive halving.
"""

import argparse
from collections.abc import Callable
from typing import Any

from benchmarks import _common
from benchmarks._peers import mllib_blas
from benchmarks._sweep_company import company
from benchmarks._sweep_halving import halving
from benchmarks._sweep_search import HEADING, search


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


def table(results: dict[str, Any]) -> str:
    """Every part's tables."""
    parts = [f"MLlib's BLAS: {results['mllib_blas']}"]
    if "search" in results:
        parts.append(_part(HEADING, results["search"]))
    for one in results.get("company", {}).get("shapes", []):
        parts.append(_part(f"company, {one['shape']}: {one['size']}", one))
    if "halving" in results:
        parts.append(_part("halving: 81 settings", results["halving"]))
    return "\n\n\n".join(parts)


def _part(head: str, found: dict[str, Any]) -> str:
    return "\n\n".join([head, _common.format_table(found["rows"]), _common.format_table(found["ratios"])])
