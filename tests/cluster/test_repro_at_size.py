"""``scripts/repro`` on 100,000 x 50 rows: files, formats, partitions, masters, and without Spark."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

ROOT = Path(__file__).parents[2]
RECIPE = """
[data]
source = "parquet"
path = "one.parquet"
label = "label"
scale = "standard"
[network]
hidden = [20]
output = "softmax"
[training]
epochs = 30
learning_rate = 0.05
"""


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same rows as one Parquet file, as 17 in another order, and as CSV."""
    folder = tmp_path_factory.mktemp("rows")
    rng = np.random.default_rng(42)
    X = rng.normal(size=(100_000, 50))
    label = (X @ rng.normal(size=(50, 4))).argmax(axis=1)
    table = pa.table({f"x{i}": X[:, i] for i in range(50)} | {"label": label})
    pa.parquet.write_table(table, folder / "one.parquet")
    (folder / "seventeen").mkdir()
    for number, rows in enumerate(np.array_split(rng.permutation(len(X)), 17)):
        pa.parquet.write_table(table.take(rows), folder / "seventeen" / f"part-{number:02}.parquet")
    pa.csv.write_csv(table, folder / "rows.csv")
    assert pa.csv.read_csv(folder / "rows.csv").equals(table), "CSV has to keep every bit"
    (folder / "recipe.toml").write_text(RECIPE)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("optimizer", ["gd", "adam"])
def test_one_hash(places: Path, optimizer: str, dtype: str) -> None:
    """Equal weights and history over 30 epochs, whatever holds the rows and whatever trains on them."""
    changes = (f'training.optimizer="{optimizer}"', f'training.dtype="{dtype}"')
    whole = (optimizer, dtype) == ("gd", "float64")
    masters = "no Spark,local[1],local[2],local-cluster[2,1,1024]" if whole else "no Spark,local[2]"
    found = repro(places, changes, masters, "1,2,3,7,64" if whole else "1,7", "parquet:one.parquet")
    found += repro(places, changes, masters, "3", "parquet:seventeen", "csv:rows.csv")
    # Without Spark in two orders; under each master, in two orders, on each number of partitions.
    assert len(found) == ((2 + 3 * 2 * 5) + 2 * (2 + 3 * 2) if whole else (2 + 2 * 2) + 2 * (2 + 2))
    assert len(set(found)) == 1


def repro(
    folder: Path, changes: tuple[str, ...], masters: str, partitions: str, *data: str
) -> list[tuple[str, ...]]:
    """The hashes of weights and history that scripts/repro prints."""
    command = [
        *(sys.executable, ROOT / "scripts/reproduce.py", "recipe.toml"),
        *("--masters", masters, "--partitions", partitions),
        *(part for place in data for part in ("--data", place)),
        *(part for change in changes for part in ("--set", change)),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=os.environ)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    return [tuple(line.split()[-2:]) for line in done.stdout.splitlines()[:-1]]
