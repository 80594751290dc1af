"""Evaluate a model on labelled rows: ``jobs/evaluate.py`` and ``nnspark evaluate``."""

import argparse
import json
from dataclasses import replace

from nnspark.engines.session import open_session
from nnspark.evaluation.evaluate import evaluate_model
from nnspark.evaluation.text import as_text
from nnspark.log import log
from nnspark.recipe import loads, read
from nnspark.runs.arguments import Parser
from nnspark.runs.command import read_model, write_file
from nnspark.runs.data import refuse_missing
from nnspark.runs.storage import is_uri


def main(arguments: list[str]) -> None:
    """Evaluate, print a table on standard error and the path of the JSON file as the last line."""
    args = parse(arguments)
    remote = [path for path in (args.model, args.out or "") if is_uri(path)]
    session = open_session("nnspark evaluate") if remote else None
    model, folder = read_model(args.model, session.sparkContext if session else None)
    recipe = loads(model.recipe, args.overrides, name=f"the recipe in {args.model}")
    if args.data:
        recipe = replace(recipe, data=read(args.data, args.overrides).data)
    spark = None
    if recipe.training.engine == "spark":
        refuse_missing(recipe.data)
        spark = session = session or open_session("nnspark evaluate")
    figures = evaluate_model(model, recipe, part=args.part, session=spark)
    log(as_text(figures))
    content = json.dumps({"model": args.model, **figures}, indent=2, ensure_ascii=False) + "\n"
    out = args.out or folder.path("evaluation.json")
    write_file(out, content.encode(), session.sparkContext if session else None)
    print(out)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(
        description="Accuracy, precision, recall, F1 and the confusion matrix of a model on labelled rows, "
        "by default the test part of the data it was trained on. Scaling and classes are the model's.",
        epilog="example: evaluate.py runs/mine --part all --set data.path=new.csv",
    )
    parser.add_argument("model", metavar="MODEL_OR_RUN_DIR", help="a run directory or its model.safetensors")
    parser.add_argument(
        "--part", default="test", choices=("train", "validation", "test", "all"),
        help="rows to evaluate, as the recipe splits them; all = every row (default: test)",
    )  # fmt: skip
    parser.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="SECTION.KEY=VALUE",
        help="override one key of the model's recipe, such as data.path; may be given again",
    )  # fmt: skip
    parser.add_argument(
        "--data",
        metavar="RECIPE",
        help="a recipe whose [data] section names the rows, instead of the model's",
    )
    parser.add_argument("--out", metavar="FILE.json", help="default: evaluation.json beside the model")
    return parser.parse_args(arguments)
