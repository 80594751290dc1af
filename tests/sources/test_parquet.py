"""The Parquet reader."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from sources.spec import Spec, refused

from nnspark.errors import ShapeError
from nnspark.sources import load_table

X = np.random.default_rng(2).normal(size=(6, 3))
VECTOR = pa.struct(
    [
        ("type", pa.int8()),
        ("size", pa.int32()),
        ("indices", pa.list_(pa.int32())),
        ("values", pa.list_(pa.float64())),
    ]
)


def write(folder: Path, name: str = "a.parquet", **columns: object) -> str:
    """Write columns as one file of two row groups and return its path."""
    parquet.write_table(pa.table(columns), folder / name, row_group_size=4)
    return str(folder / name)


def dense(row: object) -> dict:
    """Encode a dense Spark vector."""
    return {"type": 1, "size": None, "indices": None, "values": list(row)}


def sparse(row: np.ndarray) -> dict:
    """Encode a sparse Spark vector."""
    at = np.flatnonzero(row)
    return {"type": 0, "size": len(row), "indices": at.tolist(), "values": row[at].tolist()}


def test_numeric_columns_of_any_type_are_features(tmp_path: Path) -> None:
    """Integers, floats, booleans and decimals become float64; names and order stay."""
    path = write(
        tmp_path,
        a=pa.array([1, 2], pa.uint8()),
        b=pa.array([0.1, 2], pa.float32()),
        label=["x", "y"],
        c=[True, False],
        d=[Decimal("1.25"), Decimal("2.50")],
        w=[1, 3],
    )
    table = load_table(Spec("parquet", path, weight="w"))
    assert table.features.tolist() == [[1, float(np.float32(0.1)), 1, 1.25], [2, 2, 0, 2.5]]
    assert table.feature_names == ("a", "b", "c", "d")
    assert table.target.tolist() == ["x", "y"]
    assert table.weight is not None
    assert table.weight.tolist() == [1, 3]
    assert load_table(Spec("parquet", path, columns=("d", "a"))).features.tolist() == [[1.25, 1], [2.5, 2]]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(X.tolist(), pa.list_(pa.float64())),
        pa.array(X.tolist(), pa.large_list(pa.float64())),
        pa.array(X.tolist(), pa.list_(pa.float64(), 3)),
        pa.array([dense(row) for row in X], VECTOR),
        pa.array([sparse(row) for row in X], VECTOR),
        pa.array([(sparse if at % 2 else dense)(row) for at, row in enumerate(X)], VECTOR),
    ],
    ids=["list", "large_list", "fixed_size_list", "dense vector", "sparse vector", "both vectors"],
)
def test_arrays_and_vectors_are_features(tmp_path: Path, column: pa.Array) -> None:
    """One array or vector column gives all the features, numbered; with zeros left out too."""
    table = load_table(Spec("parquet", write(tmp_path, features=column, label=range(6))))
    assert table.features.tolist() == X.tolist()
    assert table.feature_names == ("0", "1", "2")
    beside = load_table(Spec("parquet", write(tmp_path, features=column, label=range(6), z=range(6))))
    assert beside.features.tolist() == np.column_stack([X, range(6)]).tolist()
    assert beside.feature_names == ("features[0]", "features[1]", "features[2]", "z")


def test_sparse_vectors_fill_with_zeros(tmp_path: Path) -> None:
    """Rows with few, other and no values at all land in their places."""
    rows = np.array([[0, 0, 5.0, 0], [1, 0, 0, 2], [0, 0, 0, 0]])
    vectors = pa.array([sparse(rows[0]), dense(rows[1]), sparse(rows[2])], VECTOR)
    table = load_table(Spec("parquet", write(tmp_path, features=vectors, label=[0, 1, 2])))
    assert table.features.tolist() == rows.tolist()


def test_a_folder_of_part_files_is_one_table(tmp_path: Path) -> None:
    """Parts by name, whatever their column order; a part without rows adds nothing; errors name the part."""
    write(tmp_path, "part-0.parquet", a=[1.0], label=[1])
    write(tmp_path, "part-1.parquet", a=pa.array([], pa.float64()), label=pa.array([], pa.int64()))
    write(tmp_path, "part-2.parquet", label=[2, 3], a=[2.0, 3.0])
    (tmp_path / "_SUCCESS").touch()
    table = load_table(Spec("parquet", str(tmp_path)))
    assert table.features.tolist() == [[1], [2], [3]]
    assert table.target.tolist() == [1, 2, 3]
    write(tmp_path, "part-3.parquet", a=[0.0, np.inf], label=[2, 3])
    with refused("part-3.parquet row 1", "'a'"):
        load_table(Spec("parquet", str(tmp_path)))
    write(tmp_path, "part-3.parquet", a=[0.0], label=["2"])
    with refused("strings in some"):
        load_table(Spec("parquet", str(tmp_path)))
    write(tmp_path, "part-3.parquet", b=[0.0], label=[2])
    with refused("part-3.parquet", "no column 'a'"):
        load_table(Spec("parquet", str(tmp_path)))


def test_the_same_rows_as_csv_and_parquet_are_the_same_bits(tmp_path: Path) -> None:
    """Full-precision text and binary agree."""
    import pandas as pd

    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(label=range(6))
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv", index=False)
    binary = load_table(Spec("parquet", str(tmp_path / "a.parquet")))
    text = load_table(Spec("csv", str(tmp_path / "a.csv")))
    assert binary.features.tobytes() == text.features.tobytes() == X.tobytes()
    assert binary.target.tolist() == text.target.tolist()


@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        ({"a": [1.0, None, None], "label": [1, 2, 3]}, ("'a' is null in 2 rows", "row 1")),
        ({"a": [1.0, 2.0], "label": [1, None]}, ("'label'", "1 row has none", "row 1")),
        ({"a": [1.0, 2.0], "label": ["u", None]}, ("'label'", "1 row has none", "row 1")),
        ({"a": [[1.0], None], "label": [1, 2]}, ("'a' is null in 1 rows",)),
        ({"a": [[1.0], [None]], "label": [1, 2]}, ("'a'", "1 nulls inside its arrays")),
        ({"a": pa.array([dense([1]), None], VECTOR), "label": [1, 2]}, ("'a' is null in 1 rows",)),
        (
            {"a": pa.array([dense([1]), dense([None])], VECTOR), "label": [1, 2]},
            ("'a'", "1 nulls inside its arrays"),
        ),
        ({"a": [[1.0], [1.0, 2.0]], "label": [1, 2]}, ("'a'", "row 0 has 1", "row 1", "has 2")),
        ({"a": pa.array([dense([1]), dense([1, 2])], VECTOR), "label": [1, 2]}, ("'a'", "row 1")),
        ({"a": [[1.0, 2], [np.nan, 2]], "label": [1, 2]}, ("row 1", "'a[0]'")),
        ({"a": ["x"], "label": [1]}, ("'a'", "string", "data.exclude")),
        ({"a": [{"b": 1}], "label": [1]}, ("'a'", "struct")),
        ({"a": [1.0], "Label": [1]}, ("'label'", "did you mean 'Label'")),
        ({"a": pa.array([], pa.float64()), "label": pa.array([], pa.int64())}, ("no data rows",)),
    ],
)
def test_bad_columns_are_named(tmp_path: Path, columns: dict, parts: tuple) -> None:
    """Nulls with their column and count, ragged arrays with their row, text with its type."""
    with refused("a.parquet", *parts):
        load_table(Spec("parquet", write(tmp_path, **columns)))


@pytest.mark.parametrize("indices", [[0, 9], [-1, 0], [0], [0, None]])
def test_damaged_sparse_vectors_are_refused(tmp_path: Path, indices: list) -> None:
    """Indices outside the vector or without a value are never written anywhere."""
    bad = {"type": 0, "size": 3, "indices": indices, "values": [1.0, 2.0]}
    with refused("'v'"):
        load_table(Spec("parquet", write(tmp_path, v=pa.array([bad], VECTOR), label=[1])))


def test_parts_of_different_width_are_refused(tmp_path: Path) -> None:
    """Array columns must be equally wide in every file."""
    write(tmp_path, "0.parquet", v=[[1.0, 2.0]], label=[1])
    write(tmp_path, "1.parquet", v=[[1.0]], label=[1])
    with refused("'v'", "1.parquet", "0.parquet", kind=ShapeError):
        load_table(Spec("parquet", str(tmp_path)))


def test_truncated_files_are_refused(tmp_path: Path) -> None:
    """A file cut anywhere gives one line with its path."""
    path = Path(write(tmp_path, a=X[:, 0], label=range(6)))
    whole = path.read_bytes()
    for length in (0, 3, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with refused(path):
            load_table(Spec("parquet", str(path)))
