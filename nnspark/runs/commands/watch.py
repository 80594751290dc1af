"""Look on at a run, or a sweep, while another process is at it: ``nnspark watch RUN_DIR``."""

import argparse
import math
import shutil
import sys
import time
from collections.abc import Callable, Iterator

from nnspark.runs.arguments import Parser, a_place
from nnspark.runs.command import open_places, write_file
from nnspark.runs.onlooker import Onlooker
from nnspark.runs.storage import Folder
from nnspark.runs.sweeps.watching import look_at_sweep
from nnspark.runs.watching import Sight, is_sweep, look_at_run, refuse_nothing

__all__ = ["main"]

PAGE_SECONDS = 5.0  # between two pages, at least
PAGE_SHARE = 10  # a page takes a tenth of the time at most: curves are drawn on the machine that trains


def main(arguments: list[str]) -> None:
    """Show how it goes until it has ended; an interrupt ends the watching, not the run."""
    args = parse(arguments)
    (folder,), sc = open_places("nnspark watch", [args.run_dir], args.html)
    refuse_nothing(folder)
    screen = Screen(sys.stdout.isatty())
    page = Page(lambda content: write_file(args.html, content, sc)) if args.html else None
    last: Sight | None = None
    try:
        for last in sights(folder, 0.0 if args.once else args.every):
            screen.show(last)
            if page is not None:
                page.show(last)
    except KeyboardInterrupt:
        pass
    if page is not None and last is not None:
        page.close(last)
        print(args.html)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(
        description="Show how a run or a sweep goes, from the files of its directory, until it has ended. "
        "Behind a Hadoop URI the history grows with each checkpoint.",
    )
    parser.add_argument(
        "run_dir", type=a_place, metavar="RUN_DIR", help="of a run or a sweep: a path or Hadoop URI"
    )
    parser.add_argument(
        "--html", type=a_place, metavar="FILE", help="also write a page that a browser loads again by itself"
    )
    parser.add_argument(
        "--every", type=_seconds, default=2.0, metavar="SECONDS", help="between two looks (default: 2)"
    )
    parser.add_argument("--once", action="store_true", help="look once instead of waiting for the end")
    parser.add_verbose()
    return parser.parse_args(arguments)


def sights(folder: Folder, every: float) -> Iterator[Sight]:
    """What is to be seen, again and again until all has ended; once where ``every`` is 0."""
    onlooker = Onlooker(folder)
    while True:
        sight: Sight = look_at_sweep(folder, onlooker) if is_sweep(folder) else look_at_run(folder, onlooker)
        yield sight
        if sight.ended or not every:
            return
        time.sleep(every)


class Screen:
    """Standard output: lines drawn over the earlier ones on a terminal, else a line for each change."""

    def __init__(self, is_terminal: bool) -> None:
        self._is_terminal, self._drawn, self._said = is_terminal, 0, ""

    def show(self, sight: Sight) -> None:
        """Draw it; elsewhere than on a terminal, say what is new."""
        block = sight.block()
        if self._is_terminal:
            width = shutil.get_terminal_size().columns  # a line that wraps would be two to go up
            block = [line[: width - 1] for line in block]
            up = f"\x1b[{self._drawn}F\x1b[J" if self._drawn else ""
            print(up + "\n".join(block), flush=True)
            self._drawn = len(block)
            return
        said = f"{sight.line()}  {block[-1]}"
        if said != self._said:
            print(said, flush=True)
            self._said = said


class Page:
    """The page: written when something changed, but not so often that it would slow the run down."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write, self._said, self._due = write, "", 0.0

    def show(self, sight: Sight) -> None:
        """Write it where it is due."""
        began = time.monotonic()
        said = "\n".join(sight.block())
        if began < self._due or said == self._said:
            return
        self._write(sight.page(refresh=round(PAGE_SECONDS)).encode())
        self._said = said
        now = time.monotonic()
        self._due = now + max(PAGE_SECONDS, PAGE_SHARE * (now - began))

    def close(self, sight: Sight) -> None:
        """Write it once more, as a page that stays."""
        self._write(sight.page(refresh=0).encode())


def _seconds(text: str) -> float:
    """A time above 0, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected seconds above 0, got {text!r}")
    return value
