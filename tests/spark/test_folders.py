"""Folders of data files hold data files only, on every route; predictions read what training reads."""

from pathlib import Path
from typing import Any

import pytest
from spark.training import recipe_of

from nnspark.errors import DataError
from nnspark.model import Model
from nnspark.recipe import dumps
from nnspark.runs.data import load_shards
from nnspark.scoring.files import predict_files
from nnspark.training.loop import train

RECIPE = """
[data]
source = "csv"
[network]
hidden = [3]
[training]
epochs = 1
"""
ROWS = "x,label\n" + "".join(f"{row},{row % 2}\n" for row in range(20))


def refusals_of(spark: Any, *options: str) -> set[str]:
    """What the driver's reader and the executors' say."""
    found = set()
    for session in (None, spark):
        with pytest.raises(DataError) as caught:
            load_shards(recipe_of(*options, text=RECIPE), session)
        found.add(str(caught.value))
    return found


REFUSED = {
    "inner": "must hold data files only, but has the folder 'inner'",
    "k=1": "is partitioned by folders such as 'k=1', whose names are a column; read it with",
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("source", ["csv", "parquet"])
def test_a_folder_in_a_folder_is_refused(spark: Any, tmp_path: Path, source: str, name: str) -> None:
    """Spark would pass over its rows, or take the folder's name for a feature."""
    import pyarrow as pa
    from pyarrow import parquet

    for folder in (tmp_path, tmp_path / name):
        folder.mkdir(exist_ok=True)
        if source == "csv":
            (folder / "rows.csv").write_text(ROWS)
        else:
            table = pa.table({"x": [float(row) for row in range(20)], "label": [0, 1] * 10})
            parquet.write_table(table, folder / "rows.parquet")
    (message,) = refusals_of(spark, f"data.source={source}", f"data.path={tmp_path}")
    assert REFUSED[name] in message


def test_a_delta_table_is_refused(spark: Any, tmp_path: Path) -> None:
    """Its folder holds the rows that were deleted, too."""
    (tmp_path / "_delta_log").mkdir()
    (tmp_path / "part-0.parquet").write_bytes(b"")
    (message,) = refusals_of(spark, "data.source=parquet", f"data.path={tmp_path}")
    assert "is a Delta table" in message


HEADER = '"x\ny",note,label\n'
BREAKS = HEADER + "".join(f'{row},"a\nb",{row % 2}\n' for row in range(20))


@pytest.mark.parametrize("text", [BREAKS, BREAKS.replace(HEADER, "x,note,label\n")], ids=["header", "cells"])
def test_a_file_with_line_breaks_in_its_cells_is_predicted(spark: Any, tmp_path: Path, text: str) -> None:
    """As it was trained on; and in a folder beside a folder, nothing is predicted."""
    (tmp_path / "rows.csv").write_text(text)
    recipe = recipe_of(f"data.path={tmp_path / 'rows.csv'}", 'data.exclude=["note"]', text=RECIPE)
    with load_shards(recipe, None) as shards:
        trained = train(recipe, shards)
        model = Model.of(shards.plan, trained.network, trained.theta, dumps(recipe))
    out = tmp_path / "out"
    assert predict_files(spark, model, str(tmp_path / "rows.csv"), str(out)) == (20, 0)
    assert spark.read.csv(str(out), header=True, multiLine=True).count() == 20
    with pytest.raises(DataError, match="must hold data files only, but has the folder 'out'"):
        predict_files(spark, model, str(tmp_path), str(tmp_path / "more"))


def of_files(folder: Path, *tables: dict[str, Any]) -> None:
    """Parquet files, part-0 and on."""
    import pyarrow as pa
    from pyarrow import parquet

    for number, columns in enumerate(tables):
        parquet.write_table(pa.table(columns), folder / f"part-{number}.parquet")


def test_a_summary_beside_the_files_does_not_say_their_columns(spark: Any, tmp_path: Path) -> None:
    """`_common_metadata` with another order: names and weights are those of the first file, by each route."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = {"x": [float(row) for row in range(20)], "z": [float(row % 3) for row in range(20)]}
    label = {"label": [0, 1] * 10}
    of_files(tmp_path, {**rows, **label}, {**rows, **label})
    parquet.write_metadata(
        pa.table({**label, "z": rows["z"], "x": rows["x"]}).schema, tmp_path / "_common_metadata"
    )
    recipe = recipe_of("data.source=parquet", f"data.path={tmp_path}", text=RECIPE)
    found = []
    for session in (None, spark):
        with load_shards(recipe, session) as shards:
            found.append((shards.plan.feature_names, train(recipe, shards).theta.tobytes()))
    assert found[0][0] == ("x", "z")
    assert found[1] == found[0]


def test_numbers_that_spark_would_cut_are_refused_as_on_the_driver(spark: Any, tmp_path: Path) -> None:
    """int8, then int32: 300 would be 44. A column that is not used may be so."""
    import numpy as np

    label = [0, 1] * 10
    of_files(
        tmp_path,
        {"x": np.arange(20, dtype=np.int8), "z": label, "label": label},
        {"x": np.full(20, 300, np.int32), "z": label, "label": label},
    )
    (message,) = refusals_of(spark, "data.source=parquet", f"data.path={tmp_path}")
    assert message.startswith(f"column 'x' is int32 in {tmp_path}/part-1.parquet, but int8 in the first file")
    unused = recipe_of("data.source=parquet", f"data.path={tmp_path}", 'data.exclude=["x"]', text=RECIPE)
    with load_shards(unused, spark) as shards:
        assert shards.plan.num_samples[0] > 0


@pytest.mark.parametrize("path", ["{root}", '["{root}/*.csv"]'])
def test_a_link_beside_its_target_does_not_count_twice(spark: Any, tmp_path: Path, path: str) -> None:
    """In a folder, and among files of a pattern."""
    (tmp_path / "rows.csv").write_text(ROWS)
    (tmp_path / "same.csv").symlink_to("rows.csv")
    (message,) = refusals_of(spark, f"data.path={path.format(root=tmp_path)}")
    assert "same.csv and" in message
    assert "are one file: its rows must count once" in message
