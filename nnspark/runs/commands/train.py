"""Train a recipe into a run directory: ``jobs/train.py`` and ``nnspark train``."""

from pathlib import Path

from nnspark.recipe import read
from nnspark.runs.arguments import run_arguments
from nnspark.runs.run import run


def main(arguments: list[str]) -> None:
    """Parse the command line, train, and print the path of metrics.json as the last line."""
    args = run_arguments("Train a neural network from a recipe.", "the run", "RUN_DIR").parse_args(arguments)
    recipe = read(args.recipe, args.overrides)
    print(run(recipe, args.out, title=Path(args.recipe).stem, resume=args.resume, overwrite=args.overwrite))
