"""jobs/train.py whose driver pauses inside a checkpoint's write to a Hadoop URI: FOLDER MOMENT RECIPE ...

At the moment it makes FOLDER/writing, and goes on when FOLDER/go is there. It does so once, whatever attempt
of the application it is.
"""

import runpy
import sys
import time
from pathlib import Path
from typing import Any

from nnspark.engines.hadoop import Hadoop

MOMENTS = ("not yet written", "not yet renamed", "just renamed")
SAVES = 3  # the checkpoint that it pauses in
PATIENCE = 600.0  # seconds


def pause_in_a_checkpoint(folder: Path, moment: str) -> None:
    """Have this process pause once, in the third checkpoint's write."""
    put, rename_over, left = Hadoop.put, Hadoop.rename_over, [SAVES]

    def pause(now: str) -> None:
        if now == moment and left[0] <= 0 and not (folder / "writing").exists():
            (folder / "writing").touch()
            until = time.monotonic() + PATIENCE
            while not (folder / "go").exists() and time.monotonic() < until:
                time.sleep(0.01)

    def slow_put(self: Hadoop, fs: Any, path: Any, content: bytes, *, overwrite: bool) -> None:
        ours = ".ckpt." in path.getName()
        left[0] -= ours
        if ours:
            pause("not yet written")
        put(self, fs, path, content, overwrite=overwrite)

    def slow_rename(self: Hadoop, temporary: Any, final: Any) -> None:
        ours = final.getName().endswith(".ckpt")
        if ours:
            pause("not yet renamed")
        rename_over(self, temporary, final)
        if ours:
            pause("just renamed")

    Hadoop.put, Hadoop.rename_over = slow_put, slow_rename  # type: ignore[method-assign]


if __name__ == "__main__":
    where, when, job, *sys.argv[1:] = sys.argv[1:]
    pause_in_a_checkpoint(Path(where), when)
    runpy.run_path(job, run_name="__main__")
