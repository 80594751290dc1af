"""A notebook's cells, driven by a script: the stop button at any moment, and the next cell trains."""

import code
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spark.test_long_sessions import folders
from spark.training import without_spark

from nnspark import recipe
from nnspark.engines.frames import planning, survey
from nnspark.engines.rdd import SparkShards
from nnspark.runs import checkpoint

CELL = """
from nnspark.recipe import loads
from nnspark.runs.run import run
run(loads({text!r}, ("training.epochs={epochs}",)), {out!r}, title="cell", resume={resume})
"""
ROWS = """
[data]
source = "csv"
path = "{path}"
scale = "standard"
[training]
block_rows = 50
[checkpoint]
every = 2
[report]
html = false
"""


def soon(seconds: float = 0.05) -> None:
    """The stop button: SIGINT to this process a moment from now, when the work goes on in its thread."""
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()


def before(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, due: Callable[..., bool]) -> list[str]:
    """Press the button once, as a function is called; a list that then says so."""
    plain, pressed = getattr(owner, name), []

    def pressing(*arguments: Any, **options: Any) -> Any:
        if not pressed and due(*arguments):
            pressed.append(name)
            soon()
        return plain(*arguments, **options)

    monkeypatch.setattr(owner, name, pressing)
    return pressed


def third_time() -> Callable[..., bool]:
    """True from the third call on."""
    calls: list[Any] = []

    def due(*arguments: Any) -> bool:
        calls.append(None)
        return len(calls) > 2

    return due


MOMENTS: dict[str, tuple[Any, str, Callable[[], Callable[..., bool]]]] = {
    "the survey": (planning, "merged", lambda: lambda df, function: function.func is survey.survey_batches),
    "the packing": (SparkShards, "_lay_out", lambda: lambda *_: True),
    "an epoch": (SparkShards, "_run_once", third_time),
    "a checkpoint": (checkpoint, "save", lambda: lambda *_: True),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_next_cell_trains_after_an_interrupt(
    spark: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    moment: str,
) -> None:
    """It resumes where there is a checkpoint, to the bits of a run that nobody stopped."""
    X = np.random.default_rng(0).normal(size=(400, 3))
    lines = [",".join(map(repr, [*row, int(row[0] > 0)])) for row in X.tolist()]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,c,label", *lines]) + "\n")
    text, out = ROWS.format(path=tmp_path / "rows.csv"), tmp_path / "run"
    notebook = code.InteractiveInterpreter()

    def cell(epochs: int, *, resume: bool) -> str:
        source = CELL.format(text=text, epochs=epochs, out=str(out), resume=resume)
        notebook.runcode(compile(source, "cell", "exec"))
        return capsys.readouterr().err

    with monkeypatch.context() as patched:
        owner, name, due = MOMENTS[moment]
        pressed = before(patched, owner, name, due())
        said = cell(100_000, resume=False)
    assert pressed
    assert "KeyboardInterrupt" in said
    assert "Py4J" not in said
    assert folders(spark) == []
    found = out / "metrics.json"
    epochs = 2 + (json.loads(found.read_text())["epochs"] if found.exists() else 0)
    assert "Error" not in cell(epochs, resume=out.exists())
    expected = without_spark(recipe.loads(text, (f"training.epochs={epochs}",)))
    assert json.loads(found.read_text())["weights_sha256"] == expected.sha256
