"""Command lines whose mistakes are told in one line, as every other error is."""

import argparse
from typing import NoReturn

from nnspark.engines.spark_logs import let_spark_talk
from nnspark.recipe.checks import A_SEPARATOR, is_separator

__all__ = ["Parser", "a_place", "a_separator", "run_arguments"]


class Parser(argparse.ArgumentParser):
    """argparse's parser, without its summary of all options before an error."""

    def add_verbose(self) -> None:
        """The option that brings Spark's own logs back."""
        self.add_argument(
            "-v", "--verbose", action=_Talk, nargs=0, help="show what Spark logs, on standard error"
        )

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the words and where all are explained; exit code 2."""
        self.exit(2, f"error: {message}; {self.prog} --help says more\n")


class _Talk(argparse.Action):
    """Has sessions talk as soon as it is read."""

    def __call__(self, *about: object) -> None:
        let_spark_talk()


def a_separator(text: str) -> str:
    """What may separate a CSV file's fields, for argparse; a tab may be written as ``\\t``."""
    one = "\t" if text in ("\\t", '"\\t"') else text
    if not is_separator(one):
        raise argparse.ArgumentTypeError(f"expected {A_SEPARATOR}, got {text!r}")
    return one


def a_place(text: str) -> str:
    """A path or URI that is not empty, for argparse: an empty one would be the current directory."""
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a path or Hadoop URI, got an empty one")
    return text


def run_arguments(description: str, what: str, place: str) -> Parser:
    """A recipe, the place to keep ``what`` in, overrides, and what to do with one that is there."""
    parser = Parser(description=description)
    parser.add_argument("recipe", help="a TOML file, or a bundled recipe's name, such as digits")
    parser.add_argument(
        "--out",
        type=a_place,
        required=True,
        metavar=place,
        help=f"where {what} is kept: a path or Hadoop URI",
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
    existing.add_argument(
        "--resume", action="store_true", help=f"go on from the newest checkpoint in {place}"
    )
    existing.add_argument("--overwrite", action="store_true", help=f"replace {what} in {place}")
    parser.add_verbose()
    return parser
