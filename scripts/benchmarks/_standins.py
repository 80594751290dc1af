"""The data of the reference systems: the user's own files, or stand-ins made of scikit-learn's digits."""

import argparse
import gzip
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._systems import CONF

__all__ = ["write_data", "write_idx", "write_r0"]

Array = NDArray[Any]
RULE = ("stopping.tolerance=1e-4", "stopping.min_epochs=10")


@contextmanager
def write_data(wanted: set[str], args: argparse.Namespace) -> Iterator[dict[str, list[str]]]:
    """The overrides that give each system its data, the files in a folder that lasts as long."""
    found = {
        "rule": list(RULE),
        "r3": [f"data.path={CONF / 'or-gate.csv'}"],
        "r5": [f"data.path={CONF / 'quadratic.csv'}"],
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "r0" in wanted:
            features, labels = args.features, args.labels
            if not (features and labels):
                features, labels = write_r0(folder)
            found["r0"] = [f"data.features={features}", f"data.labels={labels}"]
        if "mnist" in wanted:
            sizes = (6_000, 1_000) if args.quick else (60_000, 10_000)
            found["mnist"] = [f"data.path={args.mnist or write_idx(folder / 'mnist', *sizes)}"]
        yield found


def write_r0(folder: Path, rows: int = 5_000) -> tuple[Path, Path]:
    """R0's files from digits: 20×20 pixels, labels 1..10. Copies of a digit are in several parts."""
    pixels, labels = drawn(np.arange(1797), rows, 20, seed=0)
    np.save(folder / "X.npy", pixels)
    np.save(folder / "y.npy", np.where(labels == 0, 10, labels).reshape(-1, 1))
    return folder / "X.npy", folder / "y.npy"


def write_idx(folder: Path, train_rows: int, test_rows: int) -> Path:
    """The four files of MNIST's form from digits; the t10k images are of other digits than the train ones."""
    folder.mkdir()
    order = np.random.default_rng(0).permutation(1797)
    for part, rows, digits in (("train", train_rows, order[360:]), ("t10k", test_rows, order[:360])):
        X, y = drawn(digits, rows, 28, seed=rows)
        pixels = np.rint(255 * X).astype(np.uint8)
        header = struct.pack(">IIII", 0x803, len(pixels), 28, 28)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
        with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(struct.pack(">II", 0x801, len(y)) + y.astype(np.uint8).tobytes())
    return folder


def drawn(digits: NDArray[np.int64], rows: int, side: int, *, seed: int) -> tuple[Array, NDArray[np.int64]]:
    """Pixels in 0..1, (rows, side²), and classes: digits enlarged to 18×18, somewhere near the middle.

    ``digits`` are row numbers of scikit-learn's set; each row of the result is one of them at random,
    moved by up to a pixel each way and 20 % paler or darker.
    """
    from sklearn.datasets import load_digits

    rng, bunch = np.random.default_rng(seed), load_digits()
    pick = digits[rng.integers(0, len(digits), rows)]
    at = np.linspace(0, 7, 18)
    enlarge = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(8)))
    shades = rng.uniform(0.8, 1.2, (rows, 1, 1)) / 16
    large = np.minimum(enlarge @ bunch.images[pick] @ enlarge.T * shades, 1)
    images = np.zeros((rows, side, side))
    corners = (side - 18) // 2 + rng.integers(-1, 2, (rows, 2))
    for image, digit, (top, left) in zip(images, large, corners, strict=True):
        image[top : top + 18, left : left + 18] = digit
    return images.reshape(rows, -1), bunch.target[pick]
