"""The page of a run that is still at work: where it is, the curves so far, the history so far."""

from nnspark.report.curves import training_section
from nnspark.report.series import History
from nnspark.report.templates import fill, fill_page
from nnspark.report.text import escape

__all__ = ["live_page"]


def live_page(
    title: str,
    line: str,
    state: str,
    history: History,
    *,
    best_epoch: int | None = None,
    table: str = "",
    refresh: int = 0,
) -> str:
    """Return a self-contained HTML text.

    Parameters
    ----------
    line : where it is, in a line. state : who is at work.
    table : lines to show as they are. refresh : seconds after which a browser loads it again; 0 is never.
    """
    note = fill("note", note=escape(state))
    lines = fill("live-lines", lines=escape(table)) if table else ""
    header = fill("header", title=escape(title), outcome=escape(line), stopped=note, warnings="")
    main = header + lines + (training_section(history, best_epoch) if history else "")
    return fill_page(title=escape(title), outcome=escape(line), main=main, refresh=refresh)
