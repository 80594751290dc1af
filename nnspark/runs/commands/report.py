"""Make a run's report again from the files of its directory: ``nnspark report RUN_DIR``."""

from nnspark.errors import CheckpointError
from nnspark.runs.arguments import Parser
from nnspark.runs.command import open_places
from nnspark.runs.rebuilding import rebuilt_page


def main(arguments: list[str]) -> None:
    """Write report.html and print its path as the last line."""
    parser = Parser(
        description="Make report.html of a run again from the files of its directory: after an interrupt, "
        "with matplotlib installed meanwhile, or by a newer nnspark. The confusion matrix is the earlier "
        "page's, or that of evaluation.json, which nnspark evaluate writes.",
    )
    parser.add_argument("run_dir", metavar="RUN_DIR", help="a run directory: a path or Hadoop URI")
    parser.add_verbose()
    args = parser.parse_args(arguments)
    (folder,), _ = open_places("nnspark report", [args.run_dir])
    page = rebuilt_page(folder)
    try:
        folder.write("report.html", page.encode())
    except OSError as error:
        raise CheckpointError(
            f"{folder.path('report.html')} cannot be written: {error.strerror or error}"
        ) from None
    print(folder.path("report.html"))
