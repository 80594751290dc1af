"""How fast this machine multiplies: operations of products a second on one core, measured once a process."""

import time
from functools import cache

import numpy as np

from nnspark.net.blas import one_blas_thread

__all__ = ["product_rate"]

ROWS, INPUTS, UNITS = 1024, 256, 128
TIMES = 4


@cache
def product_rate(dtype: str) -> float:
    """Additions and multiplications a second, by the best of a few products of about a millisecond."""
    X, W = np.ones((ROWS, INPUTS), dtype), np.ones((INPUTS, UNITS), dtype)
    out, seconds = np.empty((ROWS, UNITS), dtype), []
    with one_blas_thread():
        for _ in range(TIMES):
            began = time.perf_counter()
            np.matmul(X, W, out=out)
            seconds.append(time.perf_counter() - began)
    return 2 * ROWS * INPUTS * UNITS / min(seconds)
