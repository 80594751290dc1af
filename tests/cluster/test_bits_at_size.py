"""More rows than a task's bin holds: the same bits from 1, 2 and 7 files, under every master, shards lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

MASTERS = ("local[1]", "local[2]", "local-cluster[2,1,1024]")


def write_rows(folder: Path, rows: int, columns: int) -> None:
    """The same rows of float64 in 1, 2 and 7 Parquet files of several row groups, in other orders."""
    import pyarrow as pa
    import pyarrow.parquet

    rng = np.random.default_rng(rows)
    X = rng.normal(size=(rows, columns))
    label = (X @ rng.normal(size=(columns, 3))).argmax(axis=1)
    table = pa.table({f"x{i}": X[:, i] for i in range(columns)} | {"label": label})
    for files in (1, 2, 7):
        (folder / f"{files}").mkdir()
        order = np.arange(rows) if files == 1 else rng.permutation(rows)
        for number, part in enumerate(np.array_split(order, files)):
            place = folder / f"{files}" / f"part-{number}.parquet"
            pa.parquet.write_table(table.take(part), place, row_group_size=max(1, rows // 17))


def trained(master: str, folder: Path) -> list[dict[str, object]]:
    """What ``train_at_size.py`` prints under one master, whose JVM lives for minutes and may compile well."""
    command = [sys.executable, str(Path(__file__).with_name("train_at_size.py")), master, str(folder)]
    env = {
        name: value for name, value in os.environ.items() if not name.endswith(("JAVA_OPTS", "SUBMIT_OPTS"))
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    print(master, done.stdout)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("rows", "columns"), [(150_000, 100), (1_000_000, 50)], ids=str)
def test_every_master_and_every_number_of_files_gives_the_hash_of_no_spark(
    tmp_path: Path, rows: int, columns: int
) -> None:
    """gd, adam, lbfgs and rounds; half the shards are deleted after the first epoch; all rows are counted."""
    write_rows(tmp_path, rows, columns)
    expected = {str(found["method"]): found["sha256"] for found in trained("no Spark", tmp_path)}
    assert len(expected) == 4
    for master in MASTERS:
        for found in trained(master, tmp_path):
            assert found["sha256"] == expected[str(found["method"])], (master, found)
            assert found["counted"] == rows
            assert master != "local[1]" or int(str(found["shards"])) > 1
