"""What is trained while things break, and what has to be equal in the end."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["CHECKPOINT_EVERY", "EPOCHS", "METHODS", "RECIPE", "ROOT", "Outcome", "as_parquet", "compare",
           "epochs_of", "history_of", "saved_epoch", "settings_of", "wait_until"]  # fmt: skip

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "conf/digits.toml"
CHECKPOINT_EVERY = 3
EPOCHS = 40
COMMON = (f"training.epochs={EPOCHS}", f"checkpoint.every={CHECKPOINT_EVERY}", "report.html=false")
METHODS = {
    "gd": (),
    "adam": ('training.optimizer="adam"', "training.learning_rate=0.01"),
    "lbfgs": ('training.optimizer="lbfgs"',),
    "rounds": (
        *('training.optimizer="adam"', "training.learning_rate=0.01"),
        *("rounds.batch_size=32", "rounds.replicas=4"),
    ),
}


class Outcome(NamedTuple):
    """One row of the table."""

    fault: str
    where: str
    times: int
    problems: list[str]
    notes: str = ""


def settings_of(method: str, *more: str) -> list[str]:
    """The overrides of a method."""
    return [*COMMON, *METHODS[method], *more]


def as_parquet(folder: Path) -> list[str]:
    """Write the digits as Parquet files, once; the overrides that read them instead."""
    rows = folder / "digits"
    if not rows.exists():
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq
        from sklearn.datasets import load_digits

        X, y = load_digits(return_X_y=True)
        rows.mkdir()
        for number, chosen in enumerate(np.array_split(np.arange(len(X)), 5)):
            columns = {f"pixel{i}": X[chosen, i] for i in range(X.shape[1])}
            pq.write_table(pa.table({**columns, "label": y[chosen]}), rows / f"part-{number}.parquet")
    return ['data.source="parquet"', f'data.path="{rows}"', 'data.label="label"']


def compare(run: Path, peace: Path) -> list[str]:
    """What differs between two run directories, but for time and place; and what is left over."""
    problems = []
    history = history_of(run)
    if [row["epoch"] for row in history] != list(range(1, len(history) + 1)):
        problems.append(f"epochs {[row['epoch'] for row in history]}")
    expected = history_of(peace)
    if [timeless(row) for row in history] != [timeless(row) for row in expected]:
        problems.append(f"another history ({len(history)} and {len(expected)} lines)")
    metrics, wanted = (json.loads((folder / "metrics.json").read_text()) for folder in (run, peace))
    if timeless(metrics) != timeless(wanted):
        problems.append(
            f"other metrics ({metrics['weights_sha256'][:8]}, not {wanted['weights_sha256'][:8]})"
        )
    problems += [f"{path.name} was left behind" for path in run.rglob("*.tmp")]
    return problems


def timeless(row: dict[str, Any]) -> dict[str, Any]:
    """Without what may differ between two runs of one recipe."""
    return {key: value for key, value in row.items() if "seconds" not in key and key != "spark"}


def history_of(run: Path) -> list[dict[str, Any]]:
    """What a run kept of each epoch."""
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


def epochs_of(run: Path) -> int:
    """Whole lines of a run's history so far."""
    path = run / "history.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def saved_epoch(run: Path) -> int:
    """The epoch of the newest checkpoint."""
    return max((int(path.stem[6:]) for path in (run / "checkpoints").glob("epoch-*.ckpt")), default=0)


def wait_until(condition: Callable[[], bool], seconds: float = 300) -> None:
    """Look every two milliseconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("nothing happened")
        time.sleep(0.002)
