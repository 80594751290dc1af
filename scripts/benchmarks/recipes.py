"""Every reference system trained from its recipe in conf/: the published figure, ours, is it what it must be.

Each system runs once with its recipe's own seed; where a seed matters it runs again with seeds 0, 1, 2, ...
for both split and weights, and the worst and the median are told. MNIST and R0's images are yours to
name (``--mnist``, ``--features`` and ``--labels``); without them stand-ins made of scikit-learn's digits take
their place, and the table says so. Seconds are of training alone, reading the data left out.
"""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import _common
from benchmarks._common import markdown_table, progress
from benchmarks._standins import write_data
from benchmarks._systems import SYSTEMS, System, fit

__all__ = ["add_arguments", "run", "table"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which systems, where the user's data are, which engine."""
    parser.add_argument("--systems", default="", help="a list out of " + ",".join(s.name for s in SYSTEMS))
    parser.add_argument("--mnist", metavar="FOLDER", help="the four idx files of MNIST")
    parser.add_argument("--features", metavar="X.npy", help="R0's images, (5000, 400)")
    parser.add_argument("--labels", metavar="y.npy", help="R0's labels, 1..10")
    parser.add_argument("--engine", choices=("local", "spark"), default="local", help="the bits are the same")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Train every system; with --quick on its own seed only and on small stand-ins."""
    names = [name for name in args.systems.split(",") if name]
    unknown = [name for name in names if name not in {system.name for system in SYSTEMS}]
    if unknown:
        raise SystemExit(
            f"no system is called {unknown[0]!r}; choose from {', '.join(s.name for s in SYSTEMS)}"
        )
    session = _common.session("recipes") if args.engine == "spark" else None
    chosen = [system for system in SYSTEMS if not names or system.name in names]
    with write_data({system.data for system in chosen}, args) as data:
        rows = [run_system(system, data.get(system.data, []), args.quick, session) for system in chosen]
    standins = {"r0": not (args.features and args.labels), "mnist": not args.mnist}
    for system, row in zip(chosen, rows, strict=True):
        row["data"] = "stand-in made of digits" if standins.get(system.data) else "as named"
    return {"engine": args.engine, "systems": rows}


def run_system(system: System, data: Sequence[str], quick: bool, session: Any) -> dict[str, Any]:
    """A system with its own seed and, unless quick, with others on the local engine."""
    progress(f"{system.name}: {system.recipe}")
    engine = [f"training.engine={'local' if session is None else 'spark'}"]
    own = fit(system.recipe, [*data, *engine], session)
    outcome = system.check(own)
    scores = []
    for seed in range(0 if quick else system.seeds):
        seeds = [f"data.split.seed={seed}", f"training.seed={seed}", "training.engine=local"]
        scores.append(system.check(fit(system.recipe, [*data, *seeds])).score)
    return {
        "system": system.name,
        "recipe": system.recipe,
        "published": system.published,
        "ours": outcome.ours,
        "score": outcome.score,
        "seeds": scores,
        "epochs": own.trained.progress.epoch,
        "seconds": round(own.seconds, 2),
        "must_show": system.must_show,
        "met": bool(outcome.met and min(scores, default=system.worst) >= system.worst),
    }


def table(results: dict[str, Any]) -> str:
    """A line a system, as the README has it."""
    rows = [
        {
            "system": row["system"] + (" *" if row["data"].startswith("stand-in") else ""),
            "published": row["published"],
            "ours": row["ours"],
            "worst, median of seeds": _spread(row["seeds"]),
            "epochs": row["epochs"],
            "seconds": float(row["seconds"]),
            "must show": row["must_show"],
            "met": "yes" if row["met"] else "NO",
        }
        for row in results["systems"]
    ]
    lines = [markdown_table(rows), f"\nengine: {results['engine']}; every recipe is in conf/"]
    if any(row["data"].startswith("stand-in") for row in results["systems"]):
        lines.append("* on a stand-in made of scikit-learn's digits, enlarged and jittered")
    return "\n".join(lines)


def _spread(scores: Sequence[float]) -> str:
    if not scores:
        return ""
    show = "{:.2%}" if max(scores) <= 1.0 else "{:.0e}"
    return (
        ", ".join(show.format(value) for value in (min(scores), float(np.median(scores))))
        + f" of {len(scores)}"
    )
