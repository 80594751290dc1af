"""The idx reader."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sources.spec import IDX_CODES, Spec, idx_bytes, read_or_refuse, refused, write_mnist

from nnspark.errors import ShapeError
from nnspark.sources import load_table
from nnspark.sources.idx import read_idx_array

TRAIN = "train-images-idx3-ubyte"


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("dotted", [False, True])
def test_four_files_in_any_spelling_are_one_table(tmp_path: Path, zipped: bool, dotted: bool) -> None:
    """Train rows come first, the t10k rows are the test part, an image is a row."""
    arrays = write_mnist(tmp_path, zipped=zipped, dotted=dotted)
    table = load_table(Spec("idx", str(tmp_path)))
    assert table.features.shape == (10, 20)
    assert table.given.tolist() == [-1] * 7 + [2] * 3
    assert table.features[:7].tolist() == arrays[TRAIN].reshape(7, 20).tolist()
    assert (
        table.features[table.given == 2].tolist() == arrays["t10k-images-idx3-ubyte"].reshape(3, 20).tolist()
    )
    assert table.target[table.given == 2].tolist() == arrays["t10k-labels-idx1-ubyte"].tolist()
    assert table.target.dtype == np.int64


def test_a_file_wins_over_its_gz(tmp_path: Path) -> None:
    """With both spellings there, the one that needs no unpacking is read."""
    write_mnist(tmp_path)
    (tmp_path / f"{TRAIN}.gz").write_bytes(b"not gzip")
    assert len(load_table(Spec("idx", str(tmp_path))).features) == 10


@pytest.mark.parametrize("dtype", sorted(IDX_CODES))
def test_every_idx_dtype_is_read_exactly(tmp_path: Path, dtype: str) -> None:
    """All six dtypes of the format, from any number of dimensions."""
    for shape in ((5,), (2, 3), (2, 3, 4, 2)):
        array = (np.random.default_rng(1).normal(size=shape) * 90).astype(dtype)
        (tmp_path / "a").write_bytes(idx_bytes(array))
        assert read_idx_array(tmp_path / "a").tolist() == array.tolist()


def test_damage_is_named(tmp_path: Path) -> None:
    """Magic, header, byte count and gzip stream are checked."""
    write_mnist(tmp_path)
    path = tmp_path / TRAIN
    whole = path.read_bytes()
    for data, part in (
        (b"", "magic number"),
        (b"\x1f" + whole[1:], "magic number"),
        (b"\0\0\x07" + whole[3:], "00000703"),
        (whole[:9], "header"),
        (whole[:-1], "139"),
        (whole + b"?", "more"),
        (whole[:4] + bytes(12), "empty"),
    ):
        path.write_bytes(data)
        with refused(path, part):
            load_table(Spec("idx", str(tmp_path)))
    path.unlink()
    with refused(tmp_path, TRAIN, ".gz"):
        load_table(Spec("idx", str(tmp_path)))
    (tmp_path / f"{TRAIN}.gz").write_bytes(gzip.compress(whole)[:-12])
    with refused(f"{TRAIN}.gz"):
        load_table(Spec("idx", str(tmp_path)))


def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """Images and labels, train and t10k must fit each other; the path must be the folder."""
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(4, "u1")))
    with refused("t10k-images", "3 rows", "has 4", kind=ShapeError):
        load_table(Spec("idx", str(tmp_path)))
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx_bytes(np.zeros((4, 4, 4), "u1")))
    with refused("20 pixels", "16", kind=ShapeError):
        load_table(Spec("idx", str(tmp_path)))
    with refused("must be the folder"):
        load_table(Spec("idx", str(tmp_path / TRAIN)))


def test_a_bad_value_names_its_file(tmp_path: Path) -> None:
    """A NaN among the t10k floats is found in that file, at its own row."""
    write_mnist(tmp_path)
    images = np.zeros((3, 4, 5), "f4")
    images[1, 0, 2] = np.nan
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx_bytes(images))
    with refused("t10k-images-idx3-ubyte row 1", "'2'"):
        load_table(Spec("idx", str(tmp_path)))


@pytest.fixture(scope="module")
def fuzz_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of idx files, one of which every example overwrites."""
    folder = tmp_path_factory.mktemp("idx")
    write_mnist(folder)
    (folder / "whole").write_bytes((folder / TRAIN).read_bytes())
    return folder


CASES = (
    st.lists(st.tuples(st.integers(0, 20), st.binary(min_size=1, max_size=4)), max_size=3),
    st.integers(0, 160),
    st.booleans(),
)


def fuzz(folder: Path, changes: list[tuple[int, bytes]], length: int, zipped: bool) -> None:
    """Damage the training images, inside the gzip stream or outside it, and read the folder."""
    data = (folder / "whole").read_bytes()
    if zipped:
        data = gzip.compress(data, mtime=0)
    for at, new in changes:
        data = data[:at] + new + data[at + len(new) :]
    (folder / TRAIN).unlink(missing_ok=True)
    (folder / f"{TRAIN}.gz").unlink(missing_ok=True)
    (folder / (TRAIN + ".gz" * zipped)).write_bytes(data[:length])
    table = read_or_refuse(Spec("idx", str(folder)))
    assert table is None or table.features.shape == (10, 20)


@settings(max_examples=200, deadline=None)
@given(*CASES)
def test_damaged_bytes_are_refused_or_read(
    fuzz_folder: Path, changes: list, length: int, zipped: bool
) -> None:
    """Whatever the bytes, an NNSparkError of one line or a whole table."""
    fuzz(fuzz_folder, changes, length, zipped)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(*CASES)
def test_damaged_bytes_are_refused_or_read_10_000(
    fuzz_folder: Path, changes: list, length: int, zipped: bool
) -> None:
    """The same claim with ten thousand cases."""
    fuzz(fuzz_folder, changes, length, zipped)
