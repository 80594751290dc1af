"""The libsvm reader."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import dump_svmlight_file
from sources.spec import Spec, refused

from nnspark.errors import RecipeError
from nnspark.sources import load_table


def test_it_reads_what_scikit_learn_writes(tmp_path: Path) -> None:
    """Sparse rows come back dense, to the last bit, all-zero rows included."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(30, 7)) * (rng.random((30, 7)) < 0.4)
    X[[3, 8]] = 0
    X[0, 6] = 1e-300
    y = rng.integers(0, 3, 30)
    dump_svmlight_file(X, y, str(tmp_path / "a.txt"), zero_based=False)
    text = (tmp_path / "a.txt").read_text()
    exact = "\n".join(
        f"{label} " + " ".join(f"{at + 1}:{value!r}" for at, value in enumerate(row.tolist()) if value)
        for label, row in zip(y, X, strict=True)
    )
    (tmp_path / "b.txt").write_text("# a comment\n\n" + exact + " # the end\n")
    assert np.allclose(load_table(Spec("libsvm", str(tmp_path / "a.txt"))).features, X, rtol=1e-13)
    table = load_table(Spec("libsvm", str(tmp_path / "b.txt")))
    assert table.features.tolist() == X.tolist()
    assert table.target.tolist() == y.tolist()
    assert table.target.dtype == np.int64
    assert text


def test_parts_share_their_width(tmp_path: Path) -> None:
    """The highest index of all files gives the number of features."""
    (tmp_path / "part-0").write_text("+1 1:2\n")
    (tmp_path / "part-1").write_text("-1 3:4.5\n")
    table = load_table(Spec("libsvm", str(tmp_path)))
    assert table.features.tolist() == [[2, 0, 0], [0, 0, 4.5]]
    assert table.target.tolist() == [1, -1]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1 1:2\nx 1:2\n", ("line 2", "label", "'x'")),
        ("1 1:2\n\n1 1\n", ("line 3", "index:value", "'1'")),
        ("1 1:2:3\n", ("line 1", "'1:2:3'")),
        ("1 a:2\n", ("line 1", "'a:2'")),
        ("1 1:b\n", ("line 1", "'1:b'")),
        ("1 0:2\n", ("line 1", "count from 1")),
        ("1 2:2 2:3\n", ("line 1", "ascend", "follows 2")),
        ("1 1:2\n1 2:nan\n", ("line 2", "'2'", "1 value")),
        ("nan 1:2\n", ("line 1", "label")),
        ("# nothing\n", ("no rows",)),
        ("1\n2\n", ("no features",)),
        ("1 99999999999999999999:1\n", ("dense",)),
        ("", ("empty",)),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, text: str, parts: tuple) -> None:
    """The error has the file, the line and the text that is wrong."""
    (tmp_path / "a.txt").write_text(text)
    with refused("a.txt", *parts):
        load_table(Spec("libsvm", str(tmp_path / "a.txt")))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A binary file gives one line; so does a weight, which the format has not."""
    (tmp_path / "a.txt").write_bytes(b"1 1:2\n\xff\xfe")
    with refused("a.txt"):
        load_table(Spec("libsvm", str(tmp_path / "a.txt")))
    with refused("weight", kind=RecipeError):
        load_table(Spec("libsvm", str(tmp_path / "a.txt"), weight="w"))
