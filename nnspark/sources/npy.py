"""Read arrays from .npy and .npz files; nothing is ever unpickled.

A file is trusted for nothing: its header is checked against its size before memory is taken, Python objects
are refused, and whatever NumPy raises on a damaged file becomes one line.
"""

import warnings
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError
from nnspark.sources.columns import listed
from nnspark.sources.files import existing, existing_file, one_line, row_in
from nnspark.sources.table import DataRequest, Named, Table, make_table, numbered, select_columns

__all__ = ["read_npy", "read_npy_array", "read_npz", "read_npz_array"]


def read_npy(request: DataRequest) -> Table:
    """Read features and labels from two .npy files, X.npy and y.npy in `path` unless named."""
    features_at = _npy_path(request, request.features or "X", "data.features")
    labels_at = _npy_path(request, request.labels or "y", "data.labels")
    weight_at = _npy_path(request, request.weight, "data.weight") if request.weight else None
    return _table(
        request,
        _named(read_npy_array(features_at), features_at),
        _named(read_npy_array(labels_at), labels_at),
        None if weight_at is None else _named(read_npy_array(weight_at), weight_at),
    )


def read_npz(request: DataRequest) -> Table:
    """Read features and labels from two arrays of one .npz file, X and y unless named."""
    path = existing_file(request.one_path, "data.path")
    name_x, name_y = request.features or "X", request.labels or "y"
    wanted = [name_x, name_y, *([request.weight] if request.weight else [])]
    arrays = _read_members(path, wanted)
    named = {name: _named(array, f"{path}[{name}]") for name, array in arrays.items()}
    return _table(request, named[name_x], named[name_y], named.get(request.weight))


def read_npy_array(path: Path) -> NDArray[Any]:
    """Read one .npy file whose size is exactly what its header says."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mapped = np.lib.format.open_memmap(path, mode="r")
        extra = path.stat().st_size - mapped.offset - mapped.nbytes
        array = np.array(mapped)
    except Exception as error:  # NumPy documents no list of what a damaged header can raise
        raise _unreadable(str(path), error) from error
    if extra:
        raise DataError(f"{path} has {extra} bytes more than its header says; write it again with numpy.save")
    return array


def read_npz_array(path: Path, name: str) -> NDArray[Any]:
    """Read one array of a .npz file: the named one, or whatever the only one is called."""
    return _read_members(path, [name], alone=True)[name]


def _named(array: NDArray[Any], name: object) -> Named:
    return Named(array, str(name), partial(row_in, name))


def _table(request: DataRequest, features: Named, target: Named, weight: Named | None) -> Table:
    names = numbered(features.values.shape[1]) if features.values.ndim == 2 else ()
    values, names = select_columns(request, features.values, names, features.name)
    return make_table(request, features._replace(values=values), target, weight, names=names)


def _npy_path(request: DataRequest, name: str, key: str) -> Path:
    """Resolve a file named in the recipe; `X` may stand for `X.npy`."""
    if request.path:
        name = str(existing(request.one_path, "data.path") / name)
    if not name.endswith(".npy") and not Path(name).expanduser().exists():
        name += ".npy"
    return existing_file(name, key)


def _read_members(path: Path, wanted: list[str], *, alone: bool = False) -> dict[str, NDArray[Any]]:
    """The wanted arrays; ``alone``: a single wanted one may have any name where it is the only one."""
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise BadZipFile("it is no zip archive")
            held = list(archive.files)
            called = {name: held[0] if alone and len(held) == 1 else name for name in wanted}
            missing = [name for name in wanted if called[name] not in held]
            arrays = {} if missing else {name: np.asarray(archive[called[name]]) for name in wanted}
    except Exception as error:  # as above, and zipfile's own
        raise _unreadable(str(path), error) from error
    if missing:
        raise DataError(f"{path} has no array {missing[0]!r}: it holds {listed(held) or 'none'}")
    return arrays


def _unreadable(where: str, error: Exception) -> DataError:
    reason = one_line(error)
    if "Python objects" in reason or "pickle" in reason or "Object arrays" in reason:
        return DataError(
            f"{where} holds pickled Python objects, which are never loaded; save numbers or strings instead "
            "(array.astype(float), array.astype(str))"
        )
    if "greater than file size" in reason or isinstance(error, EOFError):
        return DataError(f"{where} is truncated: it is shorter than its header says; copy or write it again")
    return DataError(f"{where} is not a readable NumPy file: {reason}")
