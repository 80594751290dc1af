"""Train a recipe into a run directory: ``jobs/train.py`` and ``nnspark train``."""

import shlex
from pathlib import Path

from nnspark.log import warn
from nnspark.recipe import read
from nnspark.recipe.reading import sweep_section
from nnspark.runs.arguments import run_arguments
from nnspark.runs.run import run


def main(arguments: list[str]) -> None:
    """Parse the command line, train, and print the path of metrics.json as the last line."""
    args = run_arguments("Train a neural network from a recipe.", "the run", "RUN_DIR").parse_args(arguments)
    recipe = read(args.recipe, args.overrides)
    if sweep_section(args.recipe, args.overrides):
        from nnspark.report import command_for

        warn(
            f"{args.recipe} has a [sweep] section, which is left out: this trains one model, by the other "
            f"sections; all of its models: {command_for('sweep')} {shlex.quote(args.recipe)} --out DIR"
        )
    print(run(recipe, args.out, title=Path(args.recipe).stem, resume=args.resume, overwrite=args.overwrite))
