"""The run directory: what it holds, when it may be used, and how it is kept whole.

recipe.toml  history.jsonl  metrics.json  model.safetensors  report.html  checkpoints/
"""

import json
import time
from collections.abc import Callable
from typing import Any

from nnspark.engines.platforms import note
from nnspark.errors import CheckpointError
from nnspark.recipe import Recipe, dumps
from nnspark.runs import checkpoint
from nnspark.runs.storage import Folder
from nnspark.training.loop import Epoch, Progress

__all__ = ["RunDirectory"]

HISTORY = "history.jsonl"


class RunDirectory:
    """The files of one run, and the callback that writes history and checkpoints.

    Parameters
    ----------
    folder : where the files are.
    recipe, fingerprint : what the run is of; a checkpoint of another recipe or data is refused.
    warn : told about what went wrong without ending the run.
    platforms : what computes, see ``platforms.platform``; grows as the machines report.
    """

    def __init__(
        self,
        folder: Folder,
        recipe: Recipe,
        fingerprint: str,
        warn: Callable[[str], None],
        platforms: set[str] | None = None,
    ) -> None:
        self.platforms = set[str]() if platforms is None else platforms
        self.folder, self.recipe, self.fingerprint, self.warn = folder, recipe, fingerprint, warn
        self.history: list[dict[str, Any]] = []
        self.seconds = 0.0
        self._saved_epoch = 0
        self._torn = False
        self._clock = self._saved_at = time.monotonic()

    @staticmethod
    def check_free(folder: Folder, *, resume: bool, overwrite: bool) -> None:
        """Refuse a directory that holds something, unless it is to be resumed or overwritten."""
        if not resume and not overwrite and folder.names():
            raise CheckpointError(
                f"{folder.path()} is not empty: pass --resume to go on with the run in it, --overwrite to "
                "replace it, or another --out"
            )

    def begin(self) -> None:
        """Start a new run: clear the files of an old one, or of one without a whole checkpoint."""
        for name in ("checkpoints", HISTORY, "metrics.json", "model.safetensors", "report.html"):
            self.folder.delete(name)
        self.folder.write("recipe.toml", dumps(self.recipe).encode())

    def resume(self, progress_like: Progress) -> Progress | None:
        """The progress of the newest whole checkpoint, with its history; None when there is none."""
        self._sweep()
        found = checkpoint.latest(
            self.folder, progress_like, recipe=self.recipe, fingerprint=self.fingerprint, warn=self.warn
        )
        if found is None:
            return None
        progress: Progress
        progress, about = found
        note(self.platforms, about.get("platforms", ()))
        self.history = self._read_history(progress.epoch)
        self.folder.write(HISTORY, b"".join(_line(row) for row in self.history))
        self.folder.write("recipe.toml", dumps(self.recipe).encode())
        self.seconds, self._saved_epoch = float(about["seconds"]), progress.epoch
        self._clock = self._saved_at = time.monotonic()
        return progress

    def __call__(self, epoch: Epoch) -> None:
        """After each epoch: append to the history; save a checkpoint when one is due."""
        self.history.append(epoch.row)
        try:
            if not self._torn:
                self._torn = True
                self.folder.append(HISTORY, _line(epoch.row))
                self._torn = False
            self._mend_history()
        except OSError as error:
            self.warn(f"the history could not be written ({error}); training goes on")
        every, seconds = self.recipe.checkpoint.every, self.recipe.checkpoint.seconds
        due = every and epoch.progress.epoch - self._saved_epoch >= every
        late = seconds and time.monotonic() - self._saved_at >= seconds
        if due or late or epoch.progress.stop.reason:
            self.save(epoch.progress)

    def save(self, progress: Progress) -> None:
        """Write a checkpoint; a full disk is told and survived, the last good checkpoint stays."""
        now = time.monotonic()
        self.seconds += now - self._clock
        self._clock = self._saved_at = now
        try:
            self._mend_history()
            checkpoint.save(
                self.folder,
                progress,
                epoch=progress.epoch,
                recipe=self.recipe,
                fingerprint=self.fingerprint,
                seconds=self.seconds,
                keep=self.recipe.checkpoint.keep,
                platforms=self.platforms,
            )
            self._saved_epoch = progress.epoch
        except OSError as error:
            self.warn(
                f"checkpoint of epoch {progress.epoch} could not be written ({error}); training goes on"
            )

    def elapsed(self) -> float:
        """Seconds of training so far, over all resumes."""
        return self.seconds + time.monotonic() - self._clock

    def write_json(self, name: str, value: Any) -> str:
        """Write a JSON file and return its path."""
        self.folder.write(name, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())
        return self.folder.path(name)

    def _sweep(self) -> None:
        """Delete what a driver left half written when it was killed."""
        for below in ("", "checkpoints/"):
            for name in self.folder.names(below):
                if name.endswith(".tmp"):
                    self.folder.delete(below + name)

    def _mend_history(self) -> None:
        """Write all of the history if a full disk cut it; a checkpoint is not saved before that."""
        if self._torn:
            self.folder.write(HISTORY, b"".join(_line(row) for row in self.history))
            self._torn = False

    def _read_history(self, epochs: int) -> list[dict[str, Any]]:
        lines = self.folder.read(HISTORY).splitlines()[:epochs] if epochs else []
        try:
            rows = [json.loads(line) for line in lines]
        except ValueError:
            rows = []
        if [row.get("epoch") for row in rows] != list(range(1, epochs + 1)):
            raise CheckpointError(
                f"{self.folder.path(HISTORY)} does not hold the {epochs} epochs of the checkpoint; "
                "start again with --overwrite"
            )
        return rows


def _line(row: dict[str, Any]) -> bytes:
    return (json.dumps(row) + "\n").encode()
