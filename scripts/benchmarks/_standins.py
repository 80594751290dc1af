"""The data of the reference systems: the user's own files, or stand-ins made of scikit-learn's digits."""

import argparse
import gzip
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks._systems import CONF
from nnspark.sources.digit_images import digit_images, drawn

__all__ = ["write_data", "write_idx", "write_r0"]

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
            found["r0"] = ["data.source=npy", f"data.features={features}", f"data.labels={labels}"]
        if "mnist" in wanted:
            sizes = (6_000, 1_000) if args.quick else (60_000, 10_000)
            found["mnist"] = [f"data.path={args.mnist or write_idx(folder / 'mnist', *sizes)}"]
        yield found


def write_r0(folder: Path, rows: int = 5_000) -> tuple[Path, Path]:
    """R0's files from the stand-in of its recipe, as its author's are: labels in a column."""
    made = digit_images(rows)
    np.save(folder / "X.npy", made.features)
    np.save(folder / "y.npy", made.target.reshape(-1, 1))
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
