"""The command line of ``scripts/bench``: pick a subcommand, run it, print its table, keep its JSON."""

import argparse
import importlib
import json
import os
import sys
import time
from pathlib import Path

from benchmarks._common import SHAPES
from benchmarks._machine import heading, machine

SUBCOMMANDS = {
    "r0": "R0's own method against nnspark, 5,000x400-25-10",
    "exact": "the exact sum against a plain float64 sum",
    "epoch": "an epoch: nnspark, the products alone, NumPy, Spark MLlib, scikit-learn, a no-op job",
    "auto": "seconds of a fit by both engines, 12 shapes, and which one auto takes",
    "connect": "an epoch over Spark Connect, on the RDD engine, and MLlib",
    "accuracy": "seconds of training to 97 %% held out on MNIST-sized data",
    "ingest": "rows a second from Parquet and NumPy to resident shards",
    "estimators": "nnspark.sklearn's MLPClassifier against scikit-learn's, lbfgs and adam",
    "transform": "rows a second of the Spark ML model against MLlib's, same weights",
    "fit": "seconds of fit(DataFrame) against MLlib's, ingest included",
    "partitions": "an epoch of data in 2, 16, 64, 256 partitions; the cost model",
    "wide": "one task of all cores with a thread each against a task a core: time, bytes, memory",
    "memory": "peak memory of the driver and the workers on 2,000,000x50 Parquet rows",
    "beyond": "rows a second of a data set three times the workers' memory",
    "sweep": "a cross-validated grid, a model in company, halving",
    "tables": "raw tables: bank, houses, words against scikit-learn and MLlib; --write makes them",
    "recipes": "the reference systems: published figure, ours, seconds",
}


def main() -> None:
    """Run one benchmark."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    commands = parser.add_subparsers(dest="benchmark", required=True, metavar="SUBCOMMAND")
    for name, summary in SUBCOMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        names = SHAPES
        if name in sys.argv[1:2]:
            names = getattr(importlib.import_module(f"benchmarks.{name}"), "NAMES", SHAPES)
        command.set_defaults(names=names)
        command.add_argument("--shapes", default="", help=f"a list out of {','.join(names)}")
        command.add_argument("--quick", action="store_true", help="few epochs and small data: does it run?")
        command.add_argument("--json", metavar="FILE", help="write the results there")
        if name in sys.argv[1:2]:
            importlib.import_module(f"benchmarks.{name}").add_arguments(command)
    args = parser.parse_args()
    unknown = [shape for shape in args.shapes.split(",") if shape and shape not in args.names]
    if unknown:
        parser.error(f"no shape is called {unknown[0]!r}; choose from {','.join(args.names)}")

    module = importlib.import_module(f"benchmarks.{args.benchmark}")
    about = machine()
    print(heading(about), flush=True)
    began = time.perf_counter()
    results = module.run(args)
    about["load_after"] = os.getloadavg()[0]
    about["seconds"] = round(time.perf_counter() - began, 1)
    print(module.table(results))
    print(f"\n{about['seconds']} s in all, load average {about['load_after']:.1f} at the end")
    if args.json:
        document = {"benchmark": args.benchmark, "quick": args.quick, "machine": about, **results}
        Path(args.json).write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
