"""The report of a run made again from the files of its directory."""

import json
from typing import Any

import numpy as np

from nnspark.errors import CheckpointError
from nnspark.report import RunRecord, earlier_parts, write_report
from nnspark.runs.history import LINES
from nnspark.runs.recorded import read_metrics
from nnspark.runs.reporting import commands_of
from nnspark.runs.storage import Folder

__all__ = ["rebuilt_page"]


def rebuilt_page(folder: Folder) -> str:
    """The page of the run in a folder.

    What needs the rows, the confusion matrix and pictures, is taken from the page that is there if it is of
    the same weights, else from evaluation.json if it is of the same weights and the test part.

    Raises
    ------
    CheckpointError : no finished or interrupted run is there, or a file of it is damaged.
    """
    metrics = read_metrics(folder)
    if metrics is None:
        raise CheckpointError(
            f"{folder.path('metrics.json')} does not exist: expected the directory of a run that has ended"
        )
    digest = str(metrics.get("weights_sha256", ""))
    out = folder.path()
    earlier = earlier_parts(_text(folder, "report.html"), digest)
    record = RunRecord(
        title=earlier.title or out.rstrip("/").rpartition("/")[2],
        recipe_text=_text(folder, "recipe.toml"),
        history=_history(folder),
        metrics=metrics,
        warnings=earlier.warnings,
        best_epoch=metrics.get("best_epoch"),
        stopped_because=metrics.get("stopped_because", "interrupted" if metrics.get("interrupted") else ""),
        commands=commands_of(out),
        run_dir=out,
        earlier=earlier,
        **({} if earlier.classes else _evaluated(folder, digest)),
    )
    return write_report(record)


def _evaluated(folder: Folder, digest: str) -> dict[str, Any]:
    text = _text(folder, "evaluation.json")
    found = json.loads(text) if text else {}
    if found.get("weights_sha256") != digest or found.get("part") != "test" or "classes" not in found:
        return {}
    mistakes = [(one["class"], one["taken_for"], one["rows"]) for one in found.get("commonest_mistakes", ())]
    return {
        "confusion": np.array(found["confusion"]) if "confusion" in found else None,
        "mistakes": [(str(true), str(guess), rows) for true, guess, rows in mistakes],
        "per_class": found["per_class"],
        "classes": list(map(str, found["classes"])),
    }


def _history(folder: Folder) -> list[dict[str, Any]]:
    rows = []
    for line in _text(folder, LINES).splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:  # cut by a full disk
            continue
    return rows


def _text(folder: Folder, name: str) -> str:
    try:
        return folder.read(name).decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise CheckpointError(f"{folder.path(name)} cannot be read: {error.strerror or error}") from None
