"""The limit: the products of an epoch and nothing else, at exactly its shapes, on all cores at once."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._common import CORES, Shape
from nnspark.data.plan import num_blocks
from nnspark.net.blas import one_blas_thread

__all__ = ["Products", "operations"]

Array = NDArray[Any]


def operations(shape: Shape) -> float:
    """Additions and multiplications of an epoch's products: forward, of the weights, and backward but one."""
    products = [2.0 * fan_in * units for fan_in, units in itertools.pairwise(shape.layers)]
    return shape.rows * (3 * sum(products) - products[0])


class Products:
    """All rows by blocks as nnspark cuts them, a thread a core with one BLAS thread each, scratch reused.

    Views and memory are laid out as nnspark's: W[:, 1:] beside a column of biases, and its transpose.
    """

    def __init__(self, X: Array, layers: tuple[int, ...], dtype: str, block_rows: int = 1024) -> None:
        rng = np.random.default_rng(0)
        self.X = X.astype(dtype)
        sizes = list(itertools.pairwise(layers))
        self.weights = [rng.normal(0, fan_in**-0.5, (out, 1 + fan_in)).astype(dtype) for fan_in, out in sizes]
        blocks = num_blocks(len(X), block_rows)
        ends = [len(X) * at // blocks for at in range(blocks + 1)]
        self.shares = [list(itertools.pairwise(ends))[core::CORES] for core in range(CORES)]
        most = max(stop - start for start, stop in itertools.pairwise(ends))
        self.scratch = [
            [[rng.random((most, out)).astype(dtype) for _, out in sizes] for _ in range(2)]
            for _ in range(CORES)
        ]
        self.sums = [[np.empty_like(W) for W in self.weights] for _ in range(CORES)]
        self.pool = ThreadPoolExecutor(CORES)

    def __call__(self) -> list[float]:
        """Seconds of the products of an epoch."""
        began = time.perf_counter()
        list(self.pool.map(self._share, range(CORES)))
        return [time.perf_counter() - began]

    def _share(self, core: int) -> None:
        (activations, deltas), sums = self.scratch[core], self.sums[core]
        last = len(self.weights) - 1
        with one_blas_thread():
            for start, stop in self.shares[core]:
                n, X = stop - start, self.X[start:stop]
                before = [X, *(a[:n] for a in activations)]
                for layer, W in enumerate(self.weights):
                    np.matmul(before[layer], W[:, 1:].T, out=before[layer + 1])
                for layer in range(last, -1, -1):
                    delta = deltas[layer][:n]
                    np.matmul(delta.T, before[layer], out=sums[layer][:, 1:])
                    if layer:
                        np.matmul(delta, self.weights[layer][:, 1:], out=deltas[layer - 1][:n])
