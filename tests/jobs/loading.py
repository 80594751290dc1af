"""What the tests of the jobs share: a job's main, called in this process, and a finished run."""

import contextlib
import csv
import importlib.util
import io
from pathlib import Path

from nnspark.data.rows import hash_rows, split_keys
from nnspark.recipe import loads
from nnspark.runs.run import run
from nnspark.sources import load_table

JOBS = Path(__file__).parents[2] / "jobs"


def call(job, *arguments):
    """Call jobs/<job>.py's main in this process; the last line it prints."""
    spec = importlib.util.spec_from_file_location(f"jobs_{job}", JOBS / f"{job}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        module.main([str(argument) for argument in arguments])
    return printed.getvalue().splitlines()[-1]


def finished_run(folder, text):
    """Train a recipe without Spark; the run directory."""
    with contextlib.redirect_stderr(io.StringIO()):
        run(loads(text + "\n[report]\nhtml = false\n"), str(folder), title="test")
    return folder


def training_rows(recipe, plan):
    """Features and labels of the rows that the plan puts in the training part."""
    table = load_table(recipe.data)
    hashes = hash_rows(table.features, table.target, None)
    chosen = plan.parts(split_keys(hashes, plan.split_seed), table.target) == 0
    return table.features[chosen], table.target[chosen]


def write_csv(path, rows):
    """Write rows as CSV."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def read_parts(folder):
    """Header and rows of a folder of CSV part files, each with the same header."""
    parts = [
        list(csv.reader(io.StringIO(part.read_text(), newline=""))) for part in sorted(folder.glob("part-*"))
    ]
    parts = [part for part in parts if part]
    assert all(part[0] == parts[0][0] for part in parts)
    return parts[0][0], [row for part in parts for row in part[1:]]
