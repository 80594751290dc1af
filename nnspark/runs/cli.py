"""The console command: ``nnspark train|sweep|evaluate|predict|...``, on this machine or a Spark master.

``nnspark train digits --out runs/one`` is what ``spark-submit --properties-file conf/spark-local.conf
jobs/train.py conf/digits.toml --out runs/one`` is, with no spark-submit to find. Options of Spark's own go
before the command: ``nnspark --master spark://host:7077 --conf spark.executor.memory=4g train ...``.
"""

import argparse
import importlib
import os
import shlex
import sys
from typing import NoReturn

from nnspark import __version__
from nnspark.recipe.bundled import FOLDER
from nnspark.runs.arguments import Parser
from nnspark.runs.command import run_job

__all__ = ["main"]

COMMANDS = {
    "train": "train a recipe into a run directory",
    "sweep": "train many models of a recipe, and keep the best",
    "evaluate": "figures of a model on labelled rows",
    "predict": "predict rows of a file or folder",
    "watch": "show how a run or a sweep goes while it is at work",
    "compare": "settings, figures and curves of runs side by side",
    "report": "make a run's report again from its files",
    "recipes": "list the recipes that come with nnspark, or print one",
}


def main() -> NoReturn:
    """Read Spark's options, then leave the rest to the command."""
    args = parse(sys.argv[1:])
    words = submit_arguments(args.master, args.conf, args.properties_file)
    os.environ.setdefault("PYSPARK_SUBMIT_ARGS", shlex.join(words))
    if FOLDER.is_dir():
        os.environ.setdefault("SPARK_CONF_DIR", str(FOLDER))  # log4j2.properties: Spark says warnings only
    command = importlib.import_module(f"nnspark.runs.commands.{args.command}")
    sys.argv = [f"nnspark {args.command}", *args.arguments]
    run_job(command.main)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Spark's options, the command, and its own words."""
    width = max(map(len, COMMANDS))
    parser = Parser(
        prog="nnspark",
        description="Feed-forward neural networks on Apache Spark.",
        epilog="commands:\n"
        + "".join(f"  {name:<{width}}  {about}\n" for name, about in COMMANDS.items())
        + "\nnnspark COMMAND --help says more; nnspark train digits --out runs/one is a first run",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"nnspark {__version__}")
    parser.add_argument("--master", default="", help="Spark's master (default: this machine, all cores)")
    parser.add_argument("--conf", action="append", default=[], metavar="KEY=VALUE", help="a Spark property")
    parser.add_argument("--properties-file", default="", metavar="FILE", help="Spark properties from a file")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...")
    return parser.parse_args(arguments)


def submit_arguments(master: str, conf: list[str], properties_file: str) -> list[str]:
    """What pyspark starts its JVM with, should the command start one."""
    local = FOLDER / "spark-local.conf"
    if not properties_file and not master and local.exists():
        properties_file = str(local)
    words = ["--properties-file", properties_file] if properties_file else []
    words += ["--master", master] if master else []
    for pair in conf:
        words += ["--conf", pair]
    return [*words, "pyspark-shell"]
