"""The run directory: what it holds, when it may be used, and how it is kept whole.

recipe.toml  history.jsonl  metrics.json  model.safetensors  report.html  checkpoints/

and, while a driver is at work, its lock; after a Spark job failed, error.txt.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from nnspark.engines.platforms import note
from nnspark.errors import CheckpointError
from nnspark.recipe import Recipe, dumps
from nnspark.runs import checkpoint, history
from nnspark.runs.failures import STACK
from nnspark.runs.history import Row, as_lines
from nnspark.runs.lock import is_of_lock
from nnspark.runs.storage import Folder
from nnspark.training.state import Epoch, Progress

__all__ = ["SWEEP", "RunDirectory", "refuse_strangers"]

HISTORY = history.LINES
SWEEP = "sweep.json"  # a directory that has it is a sweep's
RECIPE = "recipe.toml"  # written before anything else
OF_A_RUN = ("checkpoints", HISTORY, "metrics.json", "model.safetensors", "report.html")
NUMBERS = re.compile(r"\[\n((?:\s*-?[\d.eE+-]+,?\n)+)\s*\]")


class RunDirectory:
    """The files of one run, and the callback that writes history and checkpoints.

    Parameters
    ----------
    folder : where the files are.
    recipe, fingerprint : what the run is of; a checkpoint of another recipe or data is refused.
    warn : told about what went wrong without ending the run.
    platforms : what computes, see ``platforms.platform``; grows as the machines report.
    check : raises if the directory is not this driver's to write to any more.
    """

    def __init__(
        self,
        folder: Folder,
        recipe: Recipe,
        fingerprint: str,
        warn: Callable[[str], None],
        platforms: set[str] | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.platforms = set[str]() if platforms is None else platforms
        self.folder, self.recipe, self.fingerprint, self.warn = folder, recipe, fingerprint, warn
        self.check = check
        self.history: list[Row] = []
        self.seconds = 0.0
        self._sealed = 0
        self._saved_epoch = 0
        self._torn = False
        self._clock = self._saved_at = time.monotonic()

    @staticmethod
    def check_free(folder: Folder, *, resume: bool, overwrite: bool, of_sweep: bool = False) -> None:
        """Refuse a directory that holds something, unless it is to be resumed or overwritten, or a sweep."""
        if not of_sweep and SWEEP in folder.names():
            raise CheckpointError(
                f"{folder.path()} holds a sweep, not a single run: give another --out, or delete it first"
            )
        if not (resume or overwrite or all(map(is_of_lock, folder.names()))):
            raise CheckpointError(
                f"{folder.path()} is not empty: pass --resume to go on with the run in it, --overwrite to "
                "replace it, or another --out"
            )
        if resume and not of_sweep:
            refuse_strangers(folder, OF_A_RUN, RECIPE)

    def begin(self, first: Progress) -> Progress:
        """Start a new run: clear the files of an old one, or of one without a whole checkpoint."""
        with self._usable():
            for name in (*OF_A_RUN, STACK):
                self.folder.delete(name)
            self.folder.mend()
            self.folder.write(RECIPE, dumps(self.recipe).encode())
        return first

    def resume(self, progress_like: Progress) -> Progress | None:
        """The progress of the newest whole checkpoint, with its history; None when there is none."""
        with self._usable():
            self.folder.mend()
            self.folder.mend("checkpoints")
            found = checkpoint.latest(
                self.folder, progress_like, recipe=self.recipe, fingerprint=self.fingerprint, warn=self.warn
            )
            if found is None:
                return None
            progress: Progress
            progress, about = found
            note(self.platforms, about.get("platforms", ()))
            self.history, self._sealed = history.recover(
                self.folder, about["rows"], epochs=progress.epoch, warn=self.warn
            )
            self.folder.write(HISTORY, as_lines(self.history))
            self.folder.write(RECIPE, dumps(self.recipe).encode())
            self.folder.delete(STACK)
        self.seconds, self._saved_epoch = float(about["seconds"]), progress.epoch
        self._clock = self._saved_at = time.monotonic()
        return progress

    def __call__(self, epoch: Epoch) -> None:
        """After each epoch: append to the history; save a checkpoint when one is due."""
        self.check()
        self.history.append(epoch.row)
        try:
            if not self._torn:
                self._torn = True
                self.folder.append(HISTORY, as_lines([epoch.row]))
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
        self.check()
        now = time.monotonic()
        self.seconds += now - self._clock
        self._clock = self._saved_at = now
        try:
            self._mend_history()
            epochs, rows = progress.epoch, self.history
            self._sealed = history.seal(self.folder, rows, epochs=epochs, sealed=self._sealed)
            checkpoint.save(
                self.folder,
                progress,
                epoch=progress.epoch,
                recipe=self.recipe,
                fingerprint=self.fingerprint,
                seconds=self.seconds,
                keep=self.recipe.checkpoint.keep,
                platforms=self.platforms,
                rows=history.rows_after(rows, self._sealed * history.CHUNK),
            )
            self._saved_epoch = progress.epoch
        except OSError as error:
            self.warn(
                f"checkpoint of epoch {progress.epoch} could not be written ({error}); training goes on"
            )

    def elapsed(self) -> float:
        """Seconds of training so far, over all resumes."""
        return self.seconds + time.monotonic() - self._clock

    def write(self, name: str, content: bytes) -> str:
        """Write a file and return its path; CheckpointError if there is no room for it."""
        self.check()
        with self._usable():
            self.folder.write(name, content)
        return self.folder.path(name)

    def write_json(self, name: str, value: Any) -> str:
        """Write a JSON file, a list of numbers on one line, and return its path."""
        text = json.dumps(value, indent=2, ensure_ascii=False)
        text = NUMBERS.sub(lambda found: "[" + " ".join(found[1].split()) + "]", text)
        return self.write(name, (text + "\n").encode())

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """Turn what a disk or store refuses into one line."""
        try:
            yield
        except OSError as error:
            raise CheckpointError(
                f"{error.filename or self.folder.path()} cannot be used: {error.strerror or error}; put that "
                "right and go on with --resume"
            ) from None

    def _mend_history(self) -> None:
        """Write all of the history if a full disk cut it; a checkpoint is not saved before that."""
        if self._torn:
            self.folder.write(HISTORY, as_lines(self.history))
            self._torn = False


def refuse_strangers(folder: Folder, names: Iterable[str], about: str) -> None:
    """Refuse to go on where there are files by some names, but not the one that says whose they are."""
    there = folder.names()
    found = [name for name in names if name in there]
    if found and about not in there:
        raise CheckpointError(
            f"{folder.path()} has {', '.join(found)} but no {about}, so nothing there can be gone on with: "
            "give another --out, or pass --overwrite to replace them"
        )
