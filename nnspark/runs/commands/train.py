"""Train a recipe into a run directory: ``jobs/train.py`` and ``nnspark train``."""

from pathlib import Path

from nnspark.recipe import read
from nnspark.runs.arguments import Parser, a_place
from nnspark.runs.run import run


def main(arguments: list[str]) -> None:
    """Parse the command line, train, and print the path of metrics.json as the last line."""
    parser = Parser(description="Train a neural network from a recipe.")
    parser.add_argument("recipe", help="a TOML file, or a bundled recipe's name, such as digits")
    parser.add_argument(
        "--out",
        type=a_place,
        required=True,
        metavar="RUN_DIR",
        help="where the run is kept: a path or Hadoop URI",
    )
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="override one key of the recipe; may be given again",
    )
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in RUN_DIR")
    existing.add_argument("--overwrite", action="store_true", help="replace the run in RUN_DIR")
    parser.add_verbose()
    args = parser.parse_args(arguments)
    recipe = read(args.recipe, args.overrides)
    print(run(recipe, args.out, title=Path(args.recipe).stem, resume=args.resume, overwrite=args.overwrite))
