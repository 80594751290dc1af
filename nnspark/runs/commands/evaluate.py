"""Evaluate a model on labelled rows: ``jobs/evaluate.py`` and ``nnspark evaluate``."""

import argparse
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nnspark.engines.session import open_session
from nnspark.engines.types import Context
from nnspark.evaluation.evaluate import evaluate_model
from nnspark.evaluation.text import as_text
from nnspark.log import log
from nnspark.model import Model
from nnspark.recipe import Recipe, loads, read
from nnspark.recipe.reading import beside
from nnspark.runs.arguments import Parser
from nnspark.runs.command import open_parent, read_model, write_file
from nnspark.runs.data import refuse_missing
from nnspark.runs.engine import with_engine
from nnspark.runs.storage import is_uri


def main(arguments: list[str]) -> None:
    """Evaluate, print a table on standard error and the path of the JSON file as the last line."""
    args = parse(arguments)
    remote = [path for path in (args.model, args.out or "") if is_uri(path)]
    session = open_session("nnspark evaluate") if remote else None
    model, folder = read_model(args.model, session.sparkContext if session else None)
    recipe = loads(model.recipe, args.overrides, name=f"the recipe in {args.model}")
    if not is_uri(args.model):
        recipe = beside(recipe, Path(folder.path()))
    if args.data:
        recipe = replace(recipe, data=read(args.data, args.overrides).data)
    recipe, _ = with_engine(recipe)
    spark = None
    if recipe.training.engine == "spark":
        refuse_missing(recipe.data)
        spark = session = session or open_session("nnspark evaluate")
    figures = evaluate_model(model, recipe, part=args.part, session=spark)
    log(as_text(figures))
    out = args.out or folder.path("evaluation.json")
    sc = session.sparkContext if session else None
    record = {"model": args.model, **_what_of(model, recipe, figures), **figures}
    keep_earlier(out, record, sc)
    write_file(out, (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode(), sc)
    print(out)


def _what_of(model: Model, recipe: Recipe, figures: dict[str, Any]) -> dict[str, Any]:
    """Which model was evaluated, on which rows, and when."""
    return {
        "model_sha256": hashlib.sha256(model.to_bytes()).hexdigest(),
        "data": {
            "source": recipe.data.source,
            "path": recipe.data.path or recipe.data.paths_of_parts or "",
            "part": figures["part"],
            "rows": figures["num_samples"],
            "fingerprint": figures["data_fingerprint"],
        },
        "evaluated_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def keep_earlier(out: str, record: Mapping[str, Any], sc: "Context | None") -> None:
    """Rename what stands at ``out`` for its content, evaluation-0123456789ab.json, unless it is of the same.

    The same is the same model on the same rows, whose figures are the same.
    """
    folder, name = open_parent(out, sc)
    try:
        before = folder.read(name)
    except OSError:
        return
    try:
        known = json.loads(before)
        if all(known[key] == record[key] for key in ("model_sha256", "data")):
            return
    except (ValueError, KeyError, TypeError):
        pass
    stem, dot, ending = name.rpartition(".")
    kept = f"{stem or ending}-{hashlib.sha256(before).hexdigest()[:12]}{f'.{ending}' if dot else ''}"
    write_file(folder.path(kept), before, sc)
    log(f"the earlier evaluation there, of another model or other rows, is now {folder.path(kept)}")


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
    parser.add_argument(
        "--out",
        metavar="FILE.json",
        help="default: evaluation.json beside the model; an "
        "earlier one of another model or other rows is kept beside it, named by its content",
    )
    parser.add_verbose()
    return parser.parse_args(arguments)
