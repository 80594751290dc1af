"""One bad value in 2,000,000 rows, through spark-submit: found, named by file and row, nothing lost."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pyspark
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
FILES, ROWS, COLUMNS = 8, 250_000, 10


def rows_of(file: int) -> pa.Table:
    """A file's rows."""
    X = np.random.default_rng(file).normal(size=(ROWS, COLUMNS))
    return pa.table({f"x{i}": X[:, i] for i in range(COLUMNS)} | {"label": (X[:, 0] > 0).astype(np.int64)})


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000,000 good rows in eight files."""
    folder = tmp_path_factory.mktemp("rows") / "parquet"
    folder.mkdir()
    for file in range(FILES):
        pa.parquet.write_table(rows_of(file), folder / f"part-{file}.parquet")
    return folder


def refusal(source: str, rows: Path, out: Path) -> str:
    """Train on the rows; the one line on standard error with which the job refuses them."""
    recipe = out.with_suffix(".toml")
    recipe.write_text(f'[data]\nsource = "{source}"\npath = "{rows}"\nlabel = "label"\n')
    done = subprocess.run(
        [
            Path(pyspark.__file__).parent / "bin/spark-submit",
            *("--properties-file", ROOT / "conf/spark-local.conf"),
            *(ROOT / "jobs/train.py", recipe, "--out", out),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable},
    )
    assert done.returncode == 2, done.stderr[-3000:]
    assert not out.exists()
    # PySpark's own daemon complains of the worker that goes with the job.
    assert done.stderr.count("Traceback") <= done.stderr.count("daemon.py"), done.stderr[-3000:]
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    return line


def test_one_nan_row_is_found_and_named(parquet: Path, tmp_path: Path) -> None:
    """Column, count, file, row and what to do."""
    bad = rows_of(5)
    x7 = bad["x7"].to_numpy().copy()
    x7[123_456] = np.nan
    whole = parquet / "part-5.parquet"
    kept = whole.read_bytes()
    try:
        pa.parquet.write_table(bad.set_column(7, "x7", pa.array(x7, pa.float64())), whole)
        line = refusal("parquet", parquet, tmp_path / "run")
    finally:
        whole.write_bytes(kept)
    assert "'x7' is NaN or infinite 1 times" in line
    assert "part-5.parquet row 123456 (counted from 0)" in line


def test_a_truncated_file_is_named(parquet: Path, tmp_path: Path) -> None:
    """One of eight files lost its second half."""
    whole = parquet / "part-3.parquet"
    kept = whole.read_bytes()
    try:
        whole.write_bytes(kept[: len(kept) // 2])
        assert "part-3.parquet" in refusal("parquet", parquet, tmp_path / "run")
    finally:
        whole.write_bytes(kept)


def test_one_ragged_line_is_named(tmp_path: Path) -> None:
    """A CSV of 500,000 lines with one that has a value too many."""
    pa.csv.write_csv(pa.concat_tables([rows_of(0), rows_of(1)]), tmp_path / "rows.csv")
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    lines[345_678] += ",99"
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
    assert "rows.csv line 345679" in refusal("csv", tmp_path / "rows.csv", tmp_path / "run")
