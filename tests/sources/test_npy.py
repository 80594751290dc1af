"""The npy and npz readers."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sources.spec import Spec, read_or_refuse, refused

from nnspark.errors import RecipeError, ShapeError
from nnspark.sources import load_table


def save(folder: Path, X: object, y: object, **others: object) -> Spec:
    """Save X.npy, y.npy and more into a folder and return the data section that reads them."""
    for name, array in {"X": X, "y": y, **others}.items():
        np.save(folder / f"{name}.npy", np.asarray(array), allow_pickle=True)
    return Spec("npy", features=str(folder / "X.npy"), labels=str(folder / "y.npy"))


@pytest.mark.parametrize("dtype", ["u1", ">i4", "f2", "f4", "f8", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_numeric_dtype_becomes_float64_exactly(tmp_path: Path, dtype: str, order: str) -> None:
    """Values, C order and dtype do not depend on how the file stores them."""
    X = np.asarray(np.random.default_rng(0).normal(size=(6, 3)) * 50, dtype=dtype, order=order)
    table = load_table(save(tmp_path, X, np.arange(6)))
    assert table.features.dtype == np.float64
    assert table.features.flags.c_contiguous
    assert table.features.tolist() == X.tolist()
    assert table.feature_names == ("0", "1", "2")
    assert table.weight is None
    assert table.given is None


@pytest.mark.parametrize("dtype", ["u1", "f8", "i8", ">i2"])
@pytest.mark.parametrize("shape", [(10,), (10, 1)])
def test_labels_1_to_10_are_integers_in_either_shape(tmp_path: Path, dtype: str, shape: tuple) -> None:
    """y may be a vector or a single column, of floats too."""
    table = load_table(save(tmp_path, np.eye(10), np.arange(1, 11).astype(dtype).reshape(shape)))
    assert table.target.dtype == np.int64
    assert table.target.tolist() == list(range(1, 11))


@pytest.mark.parametrize("labels", [["b", "a"], [b"b", b"a"]])
def test_string_labels_stay_strings(tmp_path: Path, labels: list) -> None:
    """Text and byte strings are classes."""
    table = load_table(save(tmp_path, np.eye(2), np.array(labels)))
    assert table.target.tolist() == ["b", "a"]


def test_targets_follow_the_task(tmp_path: Path) -> None:
    """Regression keeps floats, (n, 1) as a vector; multilabel is a matrix of zeros and ones."""
    spec = save(tmp_path, np.eye(3), [[1], [2], [3]])
    single = load_table(Spec("npy", features=spec.features, labels=spec.labels, task="regression"))
    assert single.target.dtype == np.float64
    assert single.target.shape == (3,)
    spec = save(tmp_path, np.eye(3), [[1, 0], [0, 0], [1, 1]])
    for task in ("regression", "multilabel"):
        several = load_table(Spec("npy", features=spec.features, labels=spec.labels, task=task))
        assert several.target.dtype == np.float64
        assert several.target.tolist() == [[1, 0], [0, 0], [1, 1]]
    with refused("one label a row", "multilabel", kind=ShapeError):
        load_table(spec)
    spec = save(tmp_path, np.eye(3), [[1, 0], [0, 2], [1, 1]])
    with refused("0 or 1", "row 1", "label 1"):
        load_table(Spec("npy", features=spec.features, labels=spec.labels, task="multilabel"))


def test_weights_and_columns_are_read(tmp_path: Path) -> None:
    """weight names a third file; columns picks features by number; path is the folder of all."""
    save(tmp_path, np.arange(6).reshape(2, 3), [0, 1], w=[0.5, 2])
    table = load_table(Spec("npy", path=str(tmp_path), weight="w.npy", columns=("2", "0")))
    assert table.features.tolist() == [[2, 0], [5, 3]]
    assert table.feature_names == ("2", "0")
    assert table.weight is not None
    assert table.weight.tolist() == [0.5, 2]


class Bomb:
    """An object whose unpickling leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("name", ["X.npy", "y.npy"])
def test_object_arrays_are_never_unpickled(tmp_path: Path, name: str) -> None:
    """An npy file of Python objects is refused before any of it runs."""
    mark = tmp_path / "mark"
    spec = save(tmp_path, np.eye(2), [0, 1])
    np.save(tmp_path / name, np.array([Bomb(mark)], dtype=object), allow_pickle=True)
    with refused(name, "never loaded"):
        load_table(spec)
    (tmp_path / name).write_bytes(pickle.dumps(Bomb(mark)))
    with refused(name):
        load_table(spec)
    np.savez(tmp_path / "a.npz", X=np.eye(2), y=np.array([Bomb(mark)], dtype=object))
    with refused("a.npz", "never loaded"):
        load_table(Spec("npz", str(tmp_path / "a.npz")))
    assert not mark.exists()


@pytest.mark.parametrize(
    ("X", "y", "parts"),
    [
        (np.arange(4), [0] * 4, ("X.npy", "2-D", "(4,)")),
        (np.zeros((4, 2, 2)), [0] * 4, ("X.npy", "(4, 2, 2)", "reshape")),
        (np.zeros((0, 3)), [], ("X.npy", "empty")),
        (np.zeros((3, 0)), [0] * 3, ("X.npy", "empty")),
        (np.eye(3), [0, 1], ("X.npy", "3 rows", "y.npy", "has 2")),
        (np.eye(3), 5, ("y.npy",)),
        (np.eye(3) * 1j, [0] * 3, ("X.npy", "complex128")),
        (np.array([["a"]]), [0], ("X.npy", "numbers")),
        (np.eye(2), np.array(["2020", "2021"], dtype="M8[Y]"), ("y.npy", "datetime64")),
        ([[0, 1], [np.nan, np.inf]], [0, 1], ("X.npy row 1", "'0'", "2 values")),
        (np.eye(2), [1, np.nan], ("label", "y.npy", "row 1")),
        (np.eye(2), [1, np.inf], ("label", "row 1")),
        (np.eye(2), np.array([1, 2**63 + 1], dtype="u8"), ("y.npy", "64")),
    ],
)
def test_arrays_that_cannot_be_trained_on_are_refused(
    tmp_path: Path, X: object, y: object, parts: tuple
) -> None:
    """One line names the file and what is wrong with it."""
    with refused(*parts):
        load_table(save(tmp_path, X, y))


def test_a_regression_on_strings_is_refused(tmp_path: Path) -> None:
    """Text cannot be a regression's target."""
    spec = save(tmp_path, np.eye(2), ["a", "b"])
    with refused("regression", "'a'"):
        load_table(Spec("npy", features=spec.features, labels=spec.labels, task="regression"))


@pytest.mark.parametrize("weights", [[1, -1], [1, np.nan], [[1, 1], [1, 1]], [1, 1, 1], ["a", "b"]])
def test_bad_weights_are_refused(tmp_path: Path, weights: list) -> None:
    """Sign, NaN, shape, length and dtype of weights are checked."""
    save(tmp_path, np.eye(2), [0, 1], w=weights)
    with refused("w"):
        load_table(Spec("npy", path=str(tmp_path), weight="w"))


def test_damaged_files_are_named(tmp_path: Path) -> None:
    """Truncated, too long, empty and foreign files each give one line with the path."""
    spec = save(tmp_path, np.eye(4), range(4))
    path = tmp_path / "X.npy"
    whole = path.read_bytes()
    for data, part in (
        (whole[:-1], "truncated"),
        (whole + b"?", "1 bytes more"),
        (b"", "empty"),
        (b"hello", ""),
    ):
        path.write_bytes(data)
        with refused(path, part):
            load_table(spec)


def test_a_missing_file_says_which_folder_exists(tmp_path: Path) -> None:
    """The error names the path, the last folder there is, and a similar name in it."""
    spec = save(tmp_path, np.eye(2), [0, 1])
    with refused(tmp_path / "Xs.npy", f"folder {tmp_path} does", "'X.npy'"):
        load_table(Spec("npy", features=str(tmp_path / "Xs.npy"), labels=spec.labels))
    with refused(tmp_path / "a/b/X.npy", f"folder {tmp_path} does", "no 'a'"):
        load_table(Spec("npy", features=str(tmp_path / "a/b/X.npy"), labels=spec.labels))
    with refused("must be a file"):
        load_table(Spec("npy", features=str(tmp_path), labels=spec.labels))


def test_npz_reads_named_arrays(tmp_path: Path) -> None:
    """X and y unless named; an unknown name lists what there is."""
    path = tmp_path / "a.npz"
    np.savez_compressed(path, X=np.eye(2), y=[3, 4], data=np.ones((2, 1)), w=[1, 2])
    table = load_table(Spec("npz", str(path)))
    assert table.features.tolist() == [[1, 0], [0, 1]]
    assert table.target.tolist() == [3, 4]
    other = load_table(Spec("npz", str(path), features="data", weight="w"))
    assert other.features.tolist() == [[1], [1]]
    with refused("'nope'", "'data'"):
        load_table(Spec("npz", str(path), labels="nope"))
    np.save(tmp_path / "X.npy", np.eye(2))
    with refused("X.npy"):
        load_table(Spec("npz", str(tmp_path / "X.npy")))


def test_an_unknown_source_names_the_nearest() -> None:
    """A misspelt source is the recipe's error; so is a weight where there is none."""
    with refused("'parquett'", "'parquet'", kind=RecipeError):
        load_table(Spec("parquett"))
    with refused("iris", "weight", kind=RecipeError):
        load_table(Spec("iris", weight="w"))
    with refused("data.path", kind=RecipeError):
        load_table(Spec("csv"))


@pytest.fixture(scope="module")
def fuzz_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose X.npy and a.npz every example overwrites."""
    folder = tmp_path_factory.mktemp("npy")
    save(folder, np.eye(3), [1, 2, 3])
    np.savez(folder / "whole.npz", X=np.eye(3), y=[1, 2, 3])
    (folder / "whole.npy").write_bytes((folder / "X.npy").read_bytes())
    return folder


HEADERS = st.builds(
    "{{'descr': {}, 'fortran_order': {}, 'shape': {}, }}\n".format,
    st.sampled_from(
        ["'<f8'", "'|O'", "'V8'", "[('a', '<f8')]", "'<U9999999999'", "'<f8', 'x': 1", "'nope'", "1"]
    ),
    st.sampled_from(["False", "True", "None", "0"]),
    st.sampled_from(
        ["(3, 3)", "(3, -3)", "(9999999999, 9999999999)", "(3, 3.0)", "()", "(0, 3)", "[3]", "(" * 300]
    ),
)
MUTATIONS = st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=6)), max_size=4)


def mutated(data: bytes, changes: list[tuple[int, bytes]], length: int | None) -> bytes:
    """Overwrite bytes at some places, then cut the file."""
    for at, new in changes:
        data = data[: at % (len(data) + 1)] + new + data[at % (len(data) + 1) + len(new) :]
    return data[:length]


def fuzz(folder: Path, changes: list[tuple[int, bytes]], length: int | None, header: str | None) -> None:
    """Damage an npy and an npz file and read both."""
    whole = (folder / "whole.npy").read_bytes()
    if header is not None:
        text = header.encode()
        whole = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + whole[128:]
    (folder / "X.npy").write_bytes(mutated(whole, changes, length))
    read_or_refuse(Spec("npy", features=str(folder / "X.npy"), labels=str(folder / "y.npy")))
    (folder / "a.npz").write_bytes(mutated((folder / "whole.npz").read_bytes(), changes, length))
    read_or_refuse(Spec("npz", str(folder / "a.npz")))


CASES = (MUTATIONS, st.none() | st.integers(0, 300), st.none() | HEADERS)


@settings(max_examples=200, deadline=None)
@given(*CASES)
def test_damaged_bytes_are_refused_or_read(
    fuzz_folder: Path, changes: list, length: int, header: str
) -> None:
    """Whatever the bytes, an NNSparkError of one line or a checked table."""
    fuzz(fuzz_folder, changes, length, header)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(*CASES)
def test_damaged_bytes_are_refused_or_read_10_000(
    fuzz_folder: Path, changes: list, length: int, header: str
) -> None:
    """The same claim with ten thousand cases."""
    fuzz(fuzz_folder, changes, length, header)
