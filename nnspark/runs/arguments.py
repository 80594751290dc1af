"""Command lines whose mistakes are told in one line, as every other error is."""

import argparse
from typing import NoReturn

__all__ = ["Parser", "a_place"]


class Parser(argparse.ArgumentParser):
    """argparse's parser, without its summary of all options before an error."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the words and where all are explained; exit code 2."""
        self.exit(2, f"error: {message}; {self.prog} --help says more\n")


def a_place(text: str) -> str:
    """A path or URI that is not empty, for argparse: an empty one would be the current directory."""
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a path or Hadoop URI, got an empty one")
    return text
