"""Progress: a bar on a terminal, lines elsewhere."""

import os
import pty
import select
import sys
from types import SimpleNamespace

import pytest

from nnspark.runs.progress import make_progress


def epoch(number):
    """What the training loop shows after an epoch."""
    progress = SimpleNamespace(epoch=number, stop=SimpleNamespace(reason=""))
    return SimpleNamespace(progress=progress, row={"loss": 0.5, "accuracy": 0.25, "seconds": 0.01})


@pytest.mark.parametrize("columns", [80, 160])
def test_the_validations_figures_fit_a_terminal(monkeypatch: pytest.MonkeyPatch, columns: int):
    """A bar is drawn where there is room for it too; figures of a run that diverges stay short."""
    ours, theirs = pty.openpty()
    monkeypatch.setattr(os, "get_terminal_size", lambda descriptor: os.terminal_size((columns, 24)))
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        progress = make_progress(400)
        row = {"loss": 0.25, "accuracy": 0.99, "validation_loss": 0.27, "validation_accuracy": 1e200}
        progress(SimpleNamespace(row=row | {"seconds": 1.0}))
        progress.close()
        shown = ""
        while "1.0000e+200" not in shown and select.select([ours], [], [], 5.0)[0]:
            shown += os.read(ours, 65_536).decode(errors="replace")
    os.close(ours)
    assert "loss 0.2500, val 0.2700; accuracy 0.9900, val 1.0000e+200]" in shown
    assert ("%|" in shown) == (columns == 160)
    assert max(map(len, shown.split("\r"))) <= columns + 2


def test_lines_come_every_few_epochs_and_at_both_ends(capsys):
    """Where standard error is not a terminal."""
    progress = make_progress(25, every=10)
    for number in range(1, 26):
        progress(epoch(number))
    progress.close()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == ["1/25", "10/25", "20/25", "25/25"]
    assert "loss 0.5000  accuracy 0.2500" in lines[0]


def test_a_terminal_gets_a_bar_even_if_it_does_not_know_its_size(monkeypatch: pytest.MonkeyPatch):
    """A new pseudo-terminal has 0 rows and 0 columns."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        progress = make_progress(3)
        for number in range(1, 4):
            progress(epoch(number))
        progress.close()
        shown = ""
        # One read gives what is there by now, and the bar comes in pieces.
        while not ("3/3" in shown and "loss 0.5000" in shown) and select.select([ours], [], [], 5.0)[0]:
            shown += os.read(ours, 65_536).decode(errors="replace")
    os.close(ours)
    assert "3/3" in shown
    assert "loss 0.5000" in shown
