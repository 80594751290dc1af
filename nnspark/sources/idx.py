"""Read a folder of idx files, the format MNIST is published in.

An idx file is a magic number (two zero bytes, one for the dtype, one for the number of dimensions), each
dimension as a big-endian uint32, then the values, big-endian (http://yann.lecun.com/exdb/mnist/). The t10k
pair is the test part.
"""

import gzip
import math
import re
import struct
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError, ShapeError
from nnspark.recipe.data_section import PARTS
from nnspark.sources.checks import check_same_length
from nnspark.sources.files import existing, one_line, row_of
from nnspark.sources.table import (
    DataRequest,
    Named,
    Table,
    make_table,
    numbered,
    refuse_weight,
    select_columns,
)

__all__ = ["read_idx", "read_idx_array"]

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
CHUNK = 1 << 20


def read_idx(request: DataRequest) -> Table:
    """Read train-images, train-labels, t10k-images and t10k-labels; each image becomes one row."""
    refuse_weight(request)
    folder = existing(request.one_path, "data.path")
    if not folder.is_dir():
        raise DataError(
            f"{folder} (data.path) must be the folder that holds the four idx files, but is a file"
        )
    images = [_find(folder, part, "images") for part in ("train", "t10k")]
    labels = [_find(folder, part, "labels") for part in ("train", "t10k")]
    (train, train_labels), (test, test_labels) = map(_read_pair, images, labels)
    lengths = [len(train), len(test)]
    if train.shape[1] != test.shape[1]:
        raise ShapeError(
            f"the training images of {folder} have {train.shape[1]} pixels each "
            f"but the t10k images {test.shape[1]}"
        )
    features, names = select_columns(
        request, np.concatenate([train, test]), numbered(train.shape[1]), str(folder)
    )
    return make_table(
        request,
        Named(features, f"the images of {folder}", partial(row_of, images, lengths)),
        Named(
            np.concatenate([train_labels, test_labels]),
            f"the labels of {folder}",
            partial(row_of, labels, lengths),
        ),
        names=names,
        given=np.repeat(np.array([-1, PARTS.index("test")], np.int8), lengths),
    )


def read_idx_array(path: Path) -> NDArray[Any]:
    """Read one idx file, gzip or not; header and byte count are checked before the values are used."""
    try:
        with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file:
            head = file.read(4)
            if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in DTYPES or head[3] == 0:
                raise DataError(
                    f"{path} is not an idx file: its magic number should be 0000, a dtype 08 to 0E "
                    f"and a number of dimensions, but is {head.hex() or 'missing'}"
                )
            sizes = file.read(4 * head[3])
            if len(sizes) < 4 * head[3]:
                raise DataError(f"{path} is truncated: it ends inside its header of {head[3]} dimensions")
            shape = struct.unpack(f">{head[3]}I", sizes)
            dtype = np.dtype(DTYPES[head[2]])
            expected = math.prod(shape) * dtype.itemsize
            values = bytearray()
            while len(values) <= expected and (chunk := file.read(CHUNK)):
                values += chunk
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {one_line(error)}") from error
    if len(values) != expected:
        came = "more" if len(values) > expected else f"{len(values)} (truncated?)"
        raise DataError(
            f"{path} should hold {'×'.join(map(str, shape))} values in {expected} bytes after its header, "
            f"but has {came}"
        )
    if expected == 0:
        raise DataError(f"{path} is empty: its header says {'×'.join(map(str, shape))} values")
    return np.frombuffer(values, dtype).reshape(shape)


def _read_pair(images_at: Path, labels_at: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    images, labels = read_idx_array(images_at), read_idx_array(labels_at)
    if images.ndim < 2:
        raise ShapeError(f"{images_at} must have 2 dimensions or more (rows, pixels...), but has 1")
    check_same_length(len(images), len(labels), features=str(images_at), others=str(labels_at))
    return images.reshape(len(images), -1), labels


def _find(folder: Path, part: str, kind: str) -> Path:
    """Find `train-images-idx3-ubyte` in any of its spellings, the uncompressed one first."""
    pattern = re.compile(rf"{part}-{kind}[-.]idx\d-\w+(\.gz)?")
    matches = [entry for entry in folder.iterdir() if pattern.fullmatch(entry.name) and entry.is_file()]
    if not matches:
        usual = f"{part}-{kind}-idx{3 if kind == 'images' else 1}-ubyte"
        raise DataError(
            f"{folder} (data.path) has no {usual}, with .gz or without; it must hold all four idx files"
        )
    return min(matches, key=lambda entry: (entry.name.endswith(".gz"), entry.name))
