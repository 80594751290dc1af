"""jobs/predict.py, its main called in this process on a shared SparkSession."""

import csv
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


@pytest.fixture(scope="module", params=["npz", "npy", "npz, two of three columns"])
def arrays(request, tmp_path_factory):
    """A run on a file of arrays; the file or folder, and the features."""
    folder, kind = tmp_path_factory.mktemp("arrays"), request.param[:3]
    X = np.random.default_rng(1).normal(size=(60, 3))
    y = (X[:, 0] > X[:, 2]).astype(int)
    if kind == "npz":
        np.savez(folder / "rows.npz", data=X, target=y)
        source = folder / "rows.npz"
    else:
        source = folder / "rows"
        source.mkdir()
        np.save(source / "data.npy", X)
        np.save(source / "target.npy", y)
    data = f'[data]\nsource = "{kind}"\npath = "{source}"\nfeatures = "data"\nlabels = "target"\n'
    data += 'exclude = ["1"]\n' if "," in request.param else ""
    return finished_run(folder / "run", data + '[training]\nengine = "local"\nepochs = 20\n'), source, X


def test_the_arrays_that_trained_a_model_can_be_predicted(spark, arrays, tmp_path):
    """By the names of the recipe: an .npz file's array, a folder's .npy file."""
    run, source, X = arrays
    call("predict", run, source, "--out", tmp_path / "out.parquet")
    table, model = pq.read_table(tmp_path / "out.parquet"), read_model(str(run), None)[0]
    columns = list(map(int, model.feature_names))
    assert table.column_names[:4] == ["0", "1", "2", "prediction"]
    assert np.column_stack([table[str(at)] for at in range(3)]).tobytes() == X.tobytes()
    assert table["prediction"].to_pylist() == model.predict(X[:, columns]).tolist()


def test_the_array_of_an_npz_file_is_the_named_or_the_only_one(spark, unnamed, tmp_path):
    """Else a line that lists those there are."""
    run, X, _ = unnamed
    expected = read_model(str(run), None)[0].predict(X).tolist()
    for name, arrays in (("one", {"rows": X}), ("named", {"rows": X[:, :1], "X": X})):
        np.savez(tmp_path / f"{name}.npz", **arrays)
        call("predict", run, tmp_path / f"{name}.npz", "--out", tmp_path / name)
        assert [row[3] for row in read_parts(tmp_path / name)[1]] == expected
    np.savez(tmp_path / "two.npz", a=X, b=X)
    with pytest.raises(DataError, match=r"two\.npz has no array 'X': it holds 'a', 'b'"):
        call("predict", run, tmp_path / "two.npz", "--out", tmp_path / "out")


@pytest.mark.parametrize("separator", ["|", "\t", pytest.param(";", marks=pytest.mark.slow)])
def test_fields_are_separated_as_in_training_or_as_said(spark, tmp_path, separator):
    """By data.separator of the recipe, or --separator; the output has the input's."""
    rows = [[f"{x},{separator}", x, x % 3, "up" if x % 3 > 1 else "down"] for x in range(30)]
    source = tmp_path / "rows.csv"
    with source.open("w", newline="") as file:
        csv.writer(file, delimiter=separator).writerows([["id", "a", "b", "label"], *rows])
    recipe = (
        f'[data]\nsource = "csv"\npath = "{source}"\nseparator = {json.dumps(separator)}\nexclude = ["id"]\n'
    )
    run = finished_run(tmp_path / "run", recipe + '[training]\nengine = "local"\nepochs = 5\n')
    call("predict", run, source, "--out", tmp_path / "out")
    (part,) = (tmp_path / "out").glob("part-*")
    with part.open(newline="") as file:
        header, *found = csv.reader(file, delimiter=separator)
    assert header[:5] == ["id", "a", "b", "label", "prediction"]
    assert [row[:4] for row in found] == [list(map(str, row)) for row in rows]
    other = write_csv(tmp_path / "commas.csv", [["a", "b"], [1, 2]])
    with pytest.raises(DataError, match=r'commas\.csv has one column, .*; if "," does, set --separator ","'):
        call("predict", run, other, "--out", tmp_path / "out2")
    call("predict", run, other, "--out", tmp_path / "out2", "--separator", ",")
    assert read_parts(tmp_path / "out2")[0][:3] == ["a", "b", "prediction"]


def test_a_header_that_is_not_utf8_is_said_to_be_so(spark, tmp_path):
    """Not that the columns it spells are missing."""
    text = "Größe,Zahl,label\n" + "".join(f"{x},{x % 3},{x % 2}\n" for x in range(20))
    (tmp_path / "rows.csv").write_text(text, encoding="utf-8")
    (tmp_path / "latin.csv").write_text(text, encoding="latin-1")
    recipe = f'[data]\nsource = "csv"\npath = "{tmp_path}/rows.csv"\n'
    run = finished_run(tmp_path / "run", recipe + '[training]\nengine = "local"\nepochs = 5\n')
    with pytest.raises(DataError, match=r"first record of .*latin\.csv is not UTF-8 text; save the file as"):
        call("predict", run, tmp_path / "latin.csv", "--out", tmp_path / "out")


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
