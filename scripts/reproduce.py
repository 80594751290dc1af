"""One recipe, many clusters: the same weights and the same history, or exit code 1.

Each master runs in a process of its own, which trains the recipe once a partitioning and, on
shuffled rows, once more. The engine without Spark is one of the rows. With ``--data`` the same rows
are read from several places, such as one file, many files and another format.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnspark.data.dataset import make_dataset
from nnspark.engines.base import Shards
from nnspark.engines.frames import FRAME_SOURCES, frame_shards, read_frame
from nnspark.engines.layout import make_shards
from nnspark.engines.session import DEFAULTS
from nnspark.net import weights
from nnspark.recipe import Recipe, read
from nnspark.sources import Table, load_table
from nnspark.training.loop import train
from nnspark.training.state import Epoch

LOCAL_ENGINE = "no Spark"
MASTERS = f"{LOCAL_ENGINE},local[1],local[2],local-cluster[2,1,1024]"
PARTITIONS = "1,2,3,7,64"


def main() -> int:
    """Print one line a run; 0 if all agree."""
    parser = argparse.ArgumentParser(prog="repro", description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("--masters", default=MASTERS, type=split_masters, help=f"default {MASTERS}")
    parser.add_argument("--partitions", default=PARTITIONS, help=f"default {PARTITIONS}")
    parser.add_argument("--conf", action="append", default=[], help="a Spark setting, key=value")
    parser.add_argument(
        "--data", action="append", default=[], metavar="SOURCE:PATH", help="the same rows, read from here"
    )
    parser.add_argument("--only", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        return train_all(args)
    masters = args.masters if isinstance(args.masters, list) else split_masters(args.masters)
    results = [result for master in masters for result in in_a_process(master)]
    agree = len({(result["weights"], result["history"]) for result in results}) == 1
    print(f"{len(results)} runs:", "the same weights and history" if agree else "THEY DIFFER")
    return 0 if agree else 1


def split_masters(text: str) -> list[str]:
    """Split at the commas outside brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "[") - (character == "]")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def in_a_process(master: str) -> Iterator[dict[str, Any]]:
    """The results of one master, printed as they come."""
    command = [sys.executable, __file__, *sys.argv[1:], "--only", master]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        for line in process.stdout or []:
            if line.startswith("{"):
                result = json.loads(line)
                shown = f"{result['master']:26} {result['how']:36}"
                print(f"{shown} {result['weights'][:16]} {result['history'][:16]}", flush=True)
                yield result
    if process.returncode:
        raise SystemExit(f"repro: {master} failed")


def train_all(args: argparse.Namespace) -> int:
    """Every place the rows are in under one master; one JSON line a run on standard output."""
    session = None if args.only == LOCAL_ENGINE else open_session(args.only, args.conf)
    places = [place.partition(":")[::2] for place in args.data] or [("", "")]
    for source, path in places:
        chosen = [f'data.source="{source}"', f'data.path="{path}"'] if source else []
        recipe = read(args.recipe, [*args.overrides, *chosen])
        partitions = [int(count) for count in args.partitions.split(",")]
        for how, shards in partitionings(recipe, session, partitions):
            how = " ".join(filter(None, (os.path.basename(path), how)))
            print(json.dumps({"master": args.only, "how": how, **hashes(recipe, shards)}), flush=True)
    if session:
        session.stop()
    return 0


def open_session(master: str, settings: list[str]) -> Any:
    """A SparkSession with nnspark's defaults and the given settings."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).config("spark.ui.enabled", "false")
    builder = builder.config("spark.log.level", "ERROR")
    for key, value in [*DEFAULTS.items(), *(setting.split("=", 1) for setting in settings)]:
        builder = builder.config(key, value)
    return builder.getOrCreate()


def partitionings(recipe: Recipe, session: Any, partitions: list[int]) -> Iterator[tuple[str, Shards]]:
    """The recipe's rows laid out in every way, each with its name."""
    if session is not None and recipe.data.source in FRAME_SOURCES:
        df = read_frame(session, recipe.data)
        for count in partitions:
            yield f"{count} partitions", frame_shards(df, recipe, partitions=count)
            yield (
                f"{count}, rows shuffled",
                frame_shards(df.repartition(count + 1), recipe, partitions=count),
            )
        return
    table = load_table(recipe.data)
    sc = None if session is None else session.sparkContext
    for count in partitions if sc else [0]:
        for how, rows in (("", table), (", rows shuffled", shuffled(table))):
            name = f"{count} partitions{how}" if sc else f"as read{how}"
            yield name, make_shards(make_dataset(rows, recipe), sc, partitions=count)


def shuffled(table: Table) -> Table:
    """The same rows in another order; a given test part stays where it is."""
    order = np.random.default_rng(7).permutation(len(table.features))
    if table.given is not None:
        return table
    weight = None if table.weight is None else table.weight[order]
    return replace(table, features=table.features[order], target=table.target[order], weight=weight)


def hashes(recipe: Recipe, shards: Shards) -> dict[str, str]:
    """SHA-256 of the weights, and of the history without its seconds."""
    rows: list[dict[str, Any]] = []

    def remember(epoch: Epoch) -> None:
        rows.append({key: value for key, value in epoch.row.items() if key != "seconds"})

    trained = train(recipe, shards, callbacks=[remember])
    shards.close()
    text = json.dumps([rows, trained.metrics])
    return {
        "weights": weights.sha256(weights.unflatten(trained.theta, trained.network.layers)),
        "history": hashlib.sha256(text.encode()).hexdigest(),
    }


if __name__ == "__main__":
    sys.exit(main())
