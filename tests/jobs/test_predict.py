"""jobs/predict.py, its main called in this process on a shared SparkSession."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from jobs.loading import call, finished_run, read_parts, training_rows, write_csv

from nnspark.data.dataset import make_dataset
from nnspark.errors import DataError
from nnspark.recipe import loads
from nnspark.runs.command import read_model
from nnspark.sources import load_table

DIGITS = (
    '[data]\nsource = "digits"\nscale = {center = 8, divide = 8}\n[training]\nengine = "local"\nepochs = 30\n'
)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A run on digits, and its training part's rows."""
    folder = finished_run(tmp_path_factory.mktemp("digits") / "run", DIGITS)
    recipe = loads(DIGITS)
    plan = make_dataset(load_table(recipe.data), recipe).plan
    X, y = training_rows(recipe, plan)
    return folder, plan.feature_names, X, y


@pytest.fixture(scope="module")
def unnamed(tmp_path_factory):
    """A run on a CSV file without a header, label first; the file's features and labels."""
    folder = tmp_path_factory.mktemp("unnamed")
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = ["up" if x[0] > x[1] else 'it\'s, "down"' for x in X]
    write_csv(folder / "d.csv", [[label, *x] for x, label in zip(X.tolist(), y, strict=True)])
    data = f'[data]\nsource = "csv"\npath = "{folder}/d.csv"\nlabel = 0\n'
    return finished_run(folder / "run", data + '[training]\nengine = "local"\nepochs = 20\n'), X, y


def test_the_training_rows_get_the_accuracy_of_metrics_json(spark, digits, tmp_path):
    """The label passes through, text cells unchanged; the accuracy is metrics.json's to the last row."""
    run, names, X, y = digits
    rows = [
        ["row", *names, "label"],
        *([f" {i}", *x, label] for i, (x, label) in enumerate(zip(X.tolist(), y, strict=True))),
    ]
    source, out = write_csv(tmp_path / "train.csv", rows), tmp_path / "out"
    assert call("predict", run, source, "--out", out) == str(out)
    header, found = read_parts(out)
    assert header == [*rows[0], "prediction", *(f"probability_{c}" for c in range(10))]
    assert [row[:66] for row in found] == [list(map(str, row)) for row in rows[1:]]
    right = sum(row[65] == row[66] for row in found)
    reported = json.loads((run / "metrics.json").read_text())["train"]
    assert (right / len(found), len(found)) == (reported["accuracy"], reported["num_samples"])
    model, _ = read_model(str(run), None)
    shares = np.array([row[67:] for row in found], dtype=float)
    np.testing.assert_allclose(shares, model.predict_proba(X), rtol=1e-12)


def test_columns_without_names_go_by_position(spark, unnamed, tmp_path):
    """The label's column is left out, string classes come back; Parquet gets numbers as numbers."""
    run, X, y = unnamed
    source = write_csv(tmp_path / "new.csv", [[label, *x] for x, label in zip(X.tolist(), y, strict=True)])
    call("predict", run / "model.safetensors", source, "--out", tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    expected = read_model(str(run), None)[0].predict(X).tolist()
    assert table["prediction"].to_pylist() == expected
    assert table["0"].to_pylist() == y
    assert table["3"].to_pylist() == X[:, 2].tolist()
    assert table.column_names[4:] == ["prediction", 'probability_it\'s, "down"', "probability_up"]


def test_an_array_file_is_predicted(spark, unnamed, tmp_path):
    """X.npy has no label column to leave out."""
    run, X, _ = unnamed
    np.save(tmp_path / "X.npy", X)
    call("predict", run, tmp_path / "X.npy", "--out", tmp_path / "out")
    header, found = read_parts(tmp_path / "out")
    assert header[:4] == ["0", "1", "2", "prediction"]
    assert [row[3] for row in found] == read_model(str(run), None)[0].predict(X).tolist()


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        ([["0", "1", "2"], [1, "abc", 2], [1, 2, 3]], [], r"column '1' must hold .* but 1 of 2 rows .*'abc'"),
        ([["x", "0", "1", "2"], ["x", 1, "", 2]], [], "column '1' must hold a finite number, but 1 of 1"),
        ([[1, 2, 3], [1, 2], [1, 2, 3, 4]], ["--header", "false"], "expected 3 fields .* 2 line"),
        ([[1, 2, 3, 4, 5]], [], "takes 3 features by position, but .* has 5 columns, 4 without label"),
        ([["a", "b", "c"], [1, 2, 3]], ["--columns", "a,b,d"], "lacks 1 of the 3 feature columns, first 'd'"),
        ([["a", "b", "a"], [1, 2, 3]], [], "more than one column named 'a'"),
        ([], [], "is empty"),
    ],
)
def test_bad_rows_leave_nothing_behind(spark, unnamed, tmp_path, rows, options, said):
    """One line that names column and count; neither the output nor a temporary folder."""
    source = write_csv(tmp_path / "bad.csv", rows)
    with pytest.raises(DataError, match=said) as caught:
        call("predict", unnamed[0], source, "--out", tmp_path / "out", *options)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]


def test_an_existing_output_is_kept_unless_told(spark, unnamed, tmp_path):
    """--overwrite replaces it, and only by a whole new one."""
    run, X, _ = unnamed
    np.save(tmp_path / "X.npy", X)
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("old")
    with pytest.raises(DataError, match=r"out exists already; pass --overwrite"):
        call("predict", run, tmp_path / "X.npy", "--out", out)
    with pytest.raises(DataError, match=r"nothing\.csv does not exist"):
        call("predict", run, tmp_path / "nothing.csv", "--out", out, "--overwrite")
    assert (out / "old").exists()
    call("predict", run, tmp_path / "X.npy", "--out", out, "--overwrite")
    assert not (out / "old").exists()
    assert len(read_parts(out)[1]) == len(X)


def test_the_sessions_settings_are_as_the_user_had_them(spark, tmp_path, digits):
    """Also after an input that is refused."""
    before = spark.conf.get("spark.sql.caseSensitive")
    with pytest.raises(DataError):
        call("predict", digits[0], tmp_path / "nothing.csv", "--out", tmp_path / "out")
    assert spark.conf.get("spark.sql.caseSensitive") == before
