"""About how many rows files have: close to what there is, though nothing is read but their first lines."""

import gzip

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import orc, parquet
from sources.spec import Spec

from nnspark.sources import DataRequest
from nnspark.sources.extent import LOOKED_AT, SAMPLE, extent_of_files

ROWS, WIDTH = 3000, 7
X = np.random.default_rng(5).normal(size=(ROWS, WIDTH))
Y = np.arange(ROWS) % 3
COLUMNS = pa.table({**{f"x{at}": column for at, column in enumerate(X.T)}, "label": Y})
LISTS = pa.table({"x": pa.array(X.tolist()), "label": Y})


def text(separator):
    """A row a line, the label first."""
    return (
        "\n".join(f"{y}{separator}" + separator.join(map(str, x)) for x, y in zip(X, Y, strict=True)) + "\n"
    )


def libsvm(path):
    """Each line has the highest index."""
    lines = (f"{y} " + " ".join(f"{at}:{v}" for at, v in enumerate(x, 1)) for x, y in zip(X, Y, strict=True))
    path.write_text("\n".join(lines))


WRITE = {
    "csv": lambda path: path.write_text(text(",")),
    "csv.gz": lambda path: path.write_bytes(gzip.compress(text(",").encode())),
    "libsvm": libsvm,
    "parquet": lambda path: parquet.write_table(LISTS, path, row_group_size=700),
    "orc": lambda path: orc.write_table(COLUMNS, str(path)),
}


@pytest.mark.parametrize("kind", WRITE)
def test_rows_are_counted_or_guessed_well(tmp_path, kind):
    """Exactly by a footer; within a tenth by lines, of packed files within a fifth."""
    WRITE[kind](tmp_path / f"rows.{kind}")
    assert kind in ("parquet", "orc") or (len(text(",")) > SAMPLE)
    source = kind.partition(".")[0]
    rows, values = extent_of_files(DataRequest.of(Spec(source, path=str(tmp_path / f"rows.{kind}"))))
    near = {"csv.gz": 0.2, "csv": 0.1, "libsvm": 0.1}.get(kind, 0)
    assert rows == pytest.approx(ROWS, rel=near)
    assert values == (WIDTH if source == "libsvm" else WIDTH + 1)


def test_of_many_files_the_first_stand_for_all(tmp_path):
    """One more than are looked at."""
    for number in range(LOOKED_AT + 1):
        parquet.write_table(COLUMNS, tmp_path / f"part-{number:02}.parquet")
    rows, values = extent_of_files(DataRequest.of(Spec("parquet", path=str(tmp_path))))
    assert (rows, values) == ((LOOKED_AT + 1) * ROWS, WIDTH + 1)
