"""The tables that ``nnspark/sources/makers.py`` makes, as files that contestants read: CSV, Parquet, libsvm.

``truth`` is the best answer there can be to each row, which no contestant sees: the limit that none can pass.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nnspark.sources import makers
from nnspark.sources.makers import ROWS, VOCABULARY

__all__ = [
    "FILES",
    "ROWS",
    "SOURCES",
    "TABLES",
    "VOCABULARY",
    "Made",
    "read_rows",
    "write_rows",
    "write_tables",
]

Array = NDArray[Any]
FILES = {"bank": "bank.csv", "houses": "houses.parquet", "words": "words.libsvm"}
SOURCES = {".csv": "csv", ".parquet": "parquet", ".libsvm": "libsvm"}


class Made(NamedTuple):
    """``frame``: rows with their target in the last column. ``truth``: (n, classes), or (n,) of prices."""

    frame: pd.DataFrame
    truth: Array


def frame_of(made: makers.Made) -> pd.DataFrame:
    """The rows with their target in the last column; columns of a matrix are named by their numbers."""
    features = made.features
    if not isinstance(features, dict):
        features = pd.DataFrame(features, columns=[str(column) for column in range(features.shape[1])])
    return pd.DataFrame(features).assign(**{made.target_name: made.target})


def _table(name: str, rows: int, seed: int = 0) -> Made:
    made = makers.MAKERS[name](rows, seed)
    return Made(frame_of(made), made.truth)


TABLES: dict[str, Callable[..., Made]] = {name: partial(_table, name) for name in FILES}


def write_tables(folder: Path, rows: int = ROWS, seed: int = 0) -> list[Path]:
    """Write each table as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in TABLES.items():
        write_rows(make(rows, seed).frame, folder / FILES[name])
    return [folder / file for file in FILES.values()]


def write_rows(frame: pd.DataFrame, path: Path) -> None:
    """Write rows as the format that the path's suffix names."""
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        from sklearn.datasets import dump_svmlight_file

        dump_svmlight_file(frame.iloc[:, :-1], frame.iloc[:, -1], str(path), zero_based=False)


def read_rows(path: Path) -> pd.DataFrame:
    """The rows of a file as pandas has them."""
    if path.suffix == ".csv":
        return pd.read_csv(path)
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    from sklearn.datasets import load_svmlight_file

    X, y = load_svmlight_file(str(path), n_features=VOCABULARY, zero_based=False)
    frame = pd.DataFrame(X.toarray(), columns=[str(word) for word in range(VOCABULARY)])
    return frame.assign(label=y.astype(np.int64))
