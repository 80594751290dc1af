"""Rows from scikit-learn to the engine: sparse ones a piece at a time, weights, the table for training."""

from collections.abc import Iterator, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array

from nnspark.net.blas import one_blas_thread
from nnspark.net.network import PREDICT_ROWS, Network, predict
from nnspark.sources.table import DataRequest, Named, Table, make_table

__all__ = ["dense", "dense_pieces", "outputs_of", "table_of", "weights_of"]

Array = NDArray[Any]
PIECE_ROWS = 8 * PREDICT_ROWS


def dense(X: Any) -> Array:
    """An array of what may be a sparse matrix."""
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X)


def dense_pieces(X: Any) -> Iterator[Array]:
    """Runs of rows as arrays, each a multiple of what prediction takes at a time but the last."""
    if not hasattr(X, "toarray"):
        yield X
        return
    X = X.tocsr()
    for start in range(0, X.shape[0], PIECE_ROWS):
        yield dense(X[start : start + PIECE_ROWS])


def outputs_of(network: Network, weights: Sequence[Array], pieces: Iterator[Array]) -> Array:
    """Output activations of all pieces' rows."""
    with one_blas_thread():
        return np.concatenate([predict(network, weights, piece) for piece in pieces])


def weights_of(sample_weight: Any, X: Any) -> Array | None:
    """Weights (n,) float64, from a sequence, one number for all, or None."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Real):
        return np.full(X.shape[0], float(sample_weight))
    return np.asarray(
        check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    )


def table_of(kind: str, X: Any, target: Array, weight: Array | None, names: Sequence[str]) -> Table:
    """The engine's table of these rows, checked again by its own rules."""

    def locate(row: int) -> str:
        return f"row {row} (counted from 0)"

    return make_table(
        DataRequest("arrays", task=kind),
        Named(dense(X), "X", locate),
        Named(target, "y", locate),
        None if weight is None else Named(weight, "sample_weight", locate),
        names=tuple(map(str, names)),
    )
