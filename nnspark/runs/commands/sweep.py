"""Train all models of a recipe's ``[sweep]``: ``jobs/sweep.py`` and ``nnspark sweep``."""

from pathlib import Path

from nnspark.recipe import read_sweep
from nnspark.runs.arguments import run_arguments
from nnspark.runs.sweeps.sweep import run_sweep

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Parse the command line, train, and print the path of results.csv as the last line."""
    args = run_arguments("Train many models of a recipe, and keep the best.", "the sweep", "DIR").parse_args(
        arguments
    )
    recipe, sweep = read_sweep(args.recipe, args.overrides)
    title = Path(args.recipe).stem
    print(run_sweep(recipe, sweep, args.out, title=title, resume=args.resume, overwrite=args.overwrite))
