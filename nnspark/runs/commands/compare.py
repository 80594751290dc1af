"""Runs side by side, in the terminal and as a page: ``nnspark compare RUN RUN...``."""

import argparse

from nnspark.evaluation.text import aligned
from nnspark.report import ComparisonRecord, write_comparison
from nnspark.runs.arguments import Parser, a_place
from nnspark.runs.command import open_places, write_file
from nnspark.runs.comparing import figure_rows, names_of, read_run, setting_rows, verdict

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Print a table; with --out also write a page, whose path is the last line."""
    args = parse(arguments)
    names = names_of(args.runs)
    folders, sc = open_places("nnspark compare", args.runs, args.out)
    runs = [read_run(folder, name) for folder, name in zip(folders, names, strict=True)]
    settings, figures, said = setting_rows(runs), figure_rows(runs, all_metrics=args.all), verdict(runs)
    print(aligned([["", *names], *settings, *figures]))
    print("\n".join(["", *said]))
    if args.out:
        record = ComparisonRecord(names, [run.history for run in runs], settings, figures, said)
        write_file(args.out, write_comparison(record).encode(), sc)
        print(args.out)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(
        description="Show runs side by side: the settings that differ, the figures of each part, epochs, "
        "seconds, and whether the weights are the same, bit for bit.",
    )
    parser.add_argument(
        "runs", type=a_place, nargs="+", metavar="RUN", help="two run directories or more: paths, Hadoop URIs"
    )
    parser.add_argument("--all", action="store_true", help="all metrics, not only those of every epoch")
    parser.add_argument(
        "--out",
        type=a_place,
        metavar="PAGE.html",
        help="also write a page, with the curves of up to six runs",
    )
    parser.add_verbose()
    args = parser.parse_args(arguments)
    if len(args.runs) < 2:
        parser.error(f"expected two run directories or more, got {len(args.runs)}")
    if len(set(args.runs)) < len(args.runs):
        parser.error("expected different run directories, got one of them twice")
    return args
