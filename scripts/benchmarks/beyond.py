"""Beyond memory: a data set three times what the workers may keep mapped, against one that fits.

A worker keeps ``resident.RESIDENT_BYTES`` of shards mapped and maps the rest only while it reads them.
Both data sets are float64 Parquet rows, trained by ``jobs/train.py`` in a process of its own; rows a
second are those of the epochs after the first two, memory is each worker's own peak (see ``memory``).
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import _common
from benchmarks._common import CORES, Ratio, median, progress, ratio_table
from benchmarks.memory import COLUMNS, RECIPE, WORKER_MB, command_for, watch, write_rows
from nnspark.engines.resident import RESIDENT_BYTES

TIMES, LEAST = 3, 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many epochs."""
    parser.add_argument("--epochs", type=int, default=0, help="epochs each (default 12)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Train on data that fits, on data that does not, and on data that fits again."""
    row_bytes = 8 * COLUMNS
    given = RESIDENT_BYTES * CORES
    beyond = TIMES * given // row_bytes // (20 if args.quick else 1)
    epochs = args.epochs or (4 if args.quick else 12)
    found = []
    with tempfile.TemporaryDirectory(prefix="nnspark-bench-") as name:
        for what, rows in (("fits", beyond // 4), ("does not", beyond), ("fits", beyond // 4)):
            found.append({"data": what, "rows": rows, **train(Path(name) / str(len(found)), rows, epochs)})
    fits = median(one["rows_per_s"] for one in found if one["data"] == "fits")
    (large,) = (one for one in found if one["data"] == "does not")
    ratios = [
        Ratio("rows/s, does not fit / fits", large["rows_per_s"] / fits, LEAST, 1),
        Ratio("largest Python worker, MB", large["worker_peak_mb"], WORKER_MB, -1),
    ]
    return {
        "size": f"{beyond:,}x{COLUMNS} float64 is {beyond * row_bytes / 1e6:,.0f} MB; "
        f"{CORES} workers keep {given / 1e6:,.0f} MB",
        "runs": found,
        "ratios": ratio_table(ratios),
    }


def train(folder: Path, rows: int, epochs: int) -> dict[str, Any]:
    """One training: rows a second of its later epochs, and the peaks of its workers."""
    progress(f"{rows:,} rows")
    folder.mkdir()
    write_rows(folder / "rows", rows)
    (folder / "recipe.toml").write_text(RECIPE)
    peaks, status = watch(command_for(folder, epochs, "float64"))
    if status:
        raise SystemExit(f"bench: the training job ended with status {status}")
    lines = (folder / "run" / "history.jsonl").read_text().splitlines()
    seconds = [json.loads(line)["seconds"] for line in lines]
    workers = [peak for peak in peaks if peak["process"] == "worker"]
    return {
        "epoch_s": round(median(seconds[2:]), 3),
        "rows_per_s": round(rows / median(seconds[2:])),
        "worker_peak_mb": max(peak["peak_mb"] for peak in workers),
        "worker_anonymous_mb": max(peak["anonymous_mb"] for peak in workers),
    }


def table(results: dict[str, Any]) -> str:
    """Runs and ratios."""
    tables = (_common.format_table(results[name]) for name in ("runs", "ratios"))
    return f"\n{results['size']}\n\n" + "\n\n".join(tables)
