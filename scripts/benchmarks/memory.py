"""Memory: peak resident memory of the driver's Python and of each worker, 2,000,000x50 rows as Parquet.

The rows are written a chunk at a time to a temporary folder and trained through ``jobs/train.py`` in a
process of its own. Peak is the kernel's own high-water mark (VmHWM), read ten times a second from
each Python process that job starts. It includes pages of memory-mapped shards, which the kernel may
drop at any time; ``anonymous`` is the peak without them.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _common
from benchmarks._common import Ratio, progress, ratio_table
from benchmarks._machine import processes_below

ROOT = Path(__file__).parents[2]
ROWS, COLUMNS, CHUNK = 2_000_000, 50, 100_000
DRIVER_MB, WORKER_MB = 500, 700
RECIPE = """
[data]
source = "parquet"
label = "label"
scale = "standard"
[network]
hidden = [20]
[training]
learning_rate = 0.1
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Epochs, precision, rows."""
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--dtype", default="float64", choices=("float32", "float64"))
    parser.add_argument("--rows", type=int, default=0, help=f"default {ROWS:,}")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Write the rows, train, watch."""
    rows = args.rows or (ROWS // 20 if args.quick else ROWS)
    with tempfile.TemporaryDirectory(prefix="nnspark-bench-") as name:
        folder = Path(name)
        progress(f"writing {rows:,} rows")
        size = write_rows(folder / "rows", rows)
        (folder / "recipe.toml").write_text(RECIPE)
        began = time.perf_counter()
        peaks, status = watch(command_for(folder, args.epochs, args.dtype))
        seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"bench: the training job ended with status {status}")
    worst = {
        role: max((peak["peak_mb"] for peak in peaks if peak["process"] == role), default=0.0)
        for role in ("driver", "worker")
    }
    ratios = [
        Ratio("driver's Python, MB", worst["driver"], DRIVER_MB, -1),
        Ratio("largest Python worker, MB", worst["worker"], WORKER_MB, -1),
    ]
    return {
        "size": f"{rows:,}x{COLUMNS}, {size / 1e6:,.0f} MB of Parquet, {args.epochs} epochs, {args.dtype}",
        "seconds": round(seconds, 1),
        "processes": peaks,
        "ratios": ratio_table(ratios),
    }


def command_for(folder: Path, epochs: int, dtype: str) -> list[str]:
    """The job that trains ``recipe.toml`` on ``rows`` of a folder, into its ``run``."""
    return [
        f"{os.environ['SPARK_HOME']}/bin/spark-submit",
        "--properties-file", os.environ.get("SPARK_PROPERTIES", str(ROOT / "conf" / "spark-local.conf")),
        str(ROOT / "jobs" / "train.py"), str(folder / "recipe.toml"), "--out", str(folder / "run"),
        "--set", f"data.path={folder / 'rows'}", "--set", f"training.epochs={epochs}",
        "--set", f"training.dtype={dtype}",
    ]  # fmt: skip


def write_rows(folder: Path, rows: int) -> int:
    """Parquet files of numeric columns and a label, a chunk at a time; returns their bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir()
    teacher = np.random.default_rng(0).normal(size=COLUMNS)
    for number, start in enumerate(range(0, rows, CHUNK)):
        rng = np.random.default_rng([1, number])
        X = rng.normal(size=(min(CHUNK, rows - start), COLUMNS))
        columns = {f"x{i}": X[:, i] for i in range(COLUMNS)}
        label = (X @ teacher + rng.normal(size=len(X)) > 0).astype(np.int64)
        pq.write_table(pa.table({**columns, "label": label}), folder / f"part-{number:04}.parquet")
    return sum(file.stat().st_size for file in folder.iterdir())


def watch(command: list[str]) -> tuple[list[dict[str, Any]], int]:
    """Run a job; the peak memory of every Python process under it, MB, and its exit status."""
    found: dict[int, dict[str, Any]] = {}
    with subprocess.Popen(command, stdout=sys.stderr) as job:
        while job.poll() is None:
            for pid in processes_below(job.pid):
                note(pid, found)
            time.sleep(0.1)
    order = {"driver": 0, "daemon": 1, "worker": 2}
    return sorted(found.values(), key=lambda one: (order[one["process"]], -one["peak_mb"])), job.returncode


def note(pid: int, found: dict[int, dict[str, Any]]) -> None:
    """Keep the peaks of a Python process, by what it does."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return
    values = {key: text.split() for key, _, text in (line.partition(":") for line in lines)}
    if "python" not in Path(command[0]).name or "VmHWM" not in values:
        return
    role = "driver"
    if "pyspark.daemon" in command:  # the daemon leads its process group; the workers are forks of it
        role = "daemon" if os.getpgid(pid) == pid else "worker"
    one = found.setdefault(pid, {"process": role, "pid": pid, "peak_mb": 0.0, "anonymous_mb": 0.0})
    one["peak_mb"] = round(int(values["VmHWM"][0]) / 1024, 1)
    one["anonymous_mb"] = max(one["anonymous_mb"], round(int(values["RssAnon"][0]) / 1024, 1))


def table(results: dict[str, Any]) -> str:
    """Peaks by process."""
    tables = (_common.format_table(results[name]) for name in ("processes", "ratios"))
    return f"\n{results['size']}: {results['seconds']} s\n\n" + "\n\n".join(tables)
