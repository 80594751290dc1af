"""The directory of a sweep: what it holds, and what a resumed sweep finds there.

recipe.toml  results.jsonl  results.csv  report.html  rungs.jsonl  models/NAME/  best/

A model's folder has its checkpoints while it trains, then its history. ``best/`` is a run directory.
"""

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

from nnspark.errors import CheckpointError
from nnspark.recipe import Recipe, Sweep
from nnspark.recipe.reading import dumps_sweep
from nnspark.recipe.settings import keys_of
from nnspark.runs.checkpoint import identity
from nnspark.runs.directory import SWEEP, RunDirectory, refuse_strangers
from nnspark.runs.history import as_lines, whole_lines
from nnspark.runs.storage import Folder
from nnspark.runs.sweeps.candidates import Candidate, Ranked, Result

__all__ = ["RESULTS", "TABLE", "SweepDirectory"]

RESULTS, TABLE, RUNGS, ABOUT = "results.jsonl", "results.csv", "rungs.jsonl", SWEEP
OF_A_SWEEP = ("models", "best", RESULTS, TABLE, RUNGS)
OF_A_RUN = ("history.jsonl", "metrics.json", "model.safetensors", "checkpoints")


class SweepDirectory:
    """The files of one sweep.

    Parameters
    ----------
    folder : where they are.
    below : opens the folder of a name in it.
    """

    def __init__(self, folder: Folder, below: Callable[[str], Folder], recipe: Recipe, sweep: Sweep) -> None:
        self.folder, self.below, self.recipe, self.sweep = folder, below, recipe, sweep
        self.results: list[Result] = []
        self.rungs: list[dict[str, Any]] = []

    @staticmethod
    def check_free(folder: Folder, *, resume: bool, overwrite: bool) -> None:
        """Refuse a directory that holds a run, or a sweep that is neither to go on nor to be replaced."""
        names = folder.names()
        if ABOUT not in names and any(name in names for name in OF_A_RUN):
            raise CheckpointError(
                f"{folder.path()} holds a single run, not a sweep: give another --out, or delete it first"
            )
        RunDirectory.check_free(folder, resume=resume, overwrite=overwrite, of_sweep=True)
        if resume:
            refuse_strangers(folder, OF_A_SWEEP, ABOUT)

    def begin(self, fingerprint: str) -> None:
        """Start a new sweep: clear the files of an old one."""
        for name in (*OF_A_SWEEP, ABOUT, "report.html"):
            self.folder.delete(name)
        self.folder.mend()
        self.folder.write("recipe.toml", dumps_sweep(self.recipe, self.sweep).encode())
        self.folder.write(ABOUT, json.dumps(self._about(fingerprint)).encode())

    def resume(self, fingerprint: str) -> bool:
        """Read what there is of this sweep; False if nothing was begun.

        Raises
        ------
        CheckpointError : it is of another recipe, other settings or other rows, or cannot be read.
        """
        self.folder.mend()
        try:
            then = json.loads(self.folder.read(ABOUT))
        except FileNotFoundError:
            return False
        except (OSError, ValueError) as error:
            raise CheckpointError(
                f"cannot resume the sweep in {self.folder.path()}: {ABOUT} cannot be read ({error}); put "
                "that right, or pass --overwrite to begin anew"
            ) from None
        now = json.loads(json.dumps(self._about(fingerprint)))
        for key, what in (("recipe", "recipe"), ("sweep", "[sweep] section"), ("fingerprint", "data"),
                          ("epochs", "training.epochs")):  # fmt: skip
            if then.get(key) != now[key]:
                raise CheckpointError(
                    f"cannot resume the sweep in {self.folder.path()}: its {what} was another; give the same "
                    "one, or pass --overwrite to begin anew"
                )
        self.results, self.rungs = whole_lines(self.folder, RESULTS), whole_lines(self.folder, RUNGS)
        self.folder.write(RESULTS, as_lines(self.results))
        return True

    def is_done(self, candidate: Candidate) -> bool:
        """Whether a model's result is known."""
        return any(
            (one["setting"], one["fold"]) == (candidate.setting, candidate.fold) for one in self.results
        )

    def add(self, candidate: Candidate, result: Result, history: Sequence[dict[str, Any]]) -> None:
        """Keep a model that has ended: its history, then its result; its checkpoints go."""
        folder = self.below(f"models/{candidate.name}")
        folder.write("history.jsonl", as_lines(history))
        self.results.append(result)
        self.folder.append(RESULTS, as_lines([result]))
        folder.delete("checkpoints")

    def add_rung(self, rung: dict[str, Any]) -> None:
        """Keep which settings go on, before any that does not is let go."""
        self.rungs.append(rung)
        self.folder.write(RUNGS, as_lines(self.rungs))

    def finish(self) -> str:
        """Write all results in order, and the table; returns the table's path."""
        self.results.sort(key=lambda one: (one["setting"], one["fold"] or 0))
        self.folder.write(RESULTS, as_lines(self.results))
        self.folder.write(TABLE, self._table().encode())
        return self.folder.path(TABLE)

    def history_of(self, result: Result) -> list[dict[str, Any]]:
        """A model's history; empty if it is lost."""
        fold = "" if result["fold"] is None else f"-{result['fold']}"
        try:
            lines = self.below(f"models/{result['setting']:04d}{fold}").read("history.jsonl").splitlines()
        except OSError:
            return []
        return [json.loads(line) for line in lines]

    def _about(self, fingerprint: str) -> dict[str, Any]:
        sweep = {key: value for key, value in vars(self.sweep).items() if key != "memory"}
        return {"recipe": identity(self.recipe), "sweep": sweep, "fingerprint": fingerprint,
                "epochs": self.recipe.training.epochs}  # fmt: skip

    def _table(self) -> str:
        """One row a setting, best first."""
        ranked = Ranked.all_of(self.results, self.sweep)
        keys = keys_of([one.settings for one in ranked])
        folds = [f"fold_{fold}" for fold in range(self.sweep.folds)]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["rank", "setting", *keys, *folds, "mean", "standard_error", "epochs", "evaluations",
                         "seconds", "weights_sha256"])  # fmt: skip
        for rank, one in enumerate(ranked, 1):
            scores = [result["score"] for result in one.results] if folds else []
            writer.writerow(
                [
                    rank,
                    one.setting,
                    *(_cell(one.settings.get(key)) for key in keys),
                    *map(_cell, scores),
                    _cell(one.mean),
                    _cell(one.standard_error),
                    max(result["epochs"] for result in one.results),
                    sum(result["evaluations"] for result in one.results),
                    round(sum(result["seconds"] for result in one.results), 6),
                    " ".join(result["weights_sha256"] or "-" for result in one.results),
                ]
            )
        return text.getvalue()


def _cell(value: Any) -> Any:
    """A value as a table's cell: lists and tables as JSON."""
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, list | dict | bool) else value
