"""From raw rows to output activations, and from those to answers: the same bits wherever a row is.

BLAS gives other bits when the number of rows in a product changes, and some kernels give the last rows of
a product other bits than the rest. So rows are predicted in float64, in products of exactly 768 rows, the
last one padded. Measured, as rows moved through 250 random shapes, with OpenBLAS 0.3.31's SkylakeX, Haswell
(also Zen), Sandybridge and Nehalem kernels: no bit differs. (With 1,024 rows, 18 of 60 shapes differ on
SkylakeX; in float32, 34 of 60 on Haswell with any number of rows.) And by one thread of BLAS: two gave 1,464
of 1,500 rows other bits.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.encoding import Encoding
from nnspark.data.plan import Scaling
from nnspark.net.blas import one_blas_thread
from nnspark.net.network import Network, Workspace, forward
from nnspark.objective.problems import shares_of

__all__ = ["PRODUCT_ROWS", "shares_of", "steady_outputs"]

Array = NDArray[Any]
PRODUCT_ROWS = 768


def steady_outputs(
    network: Network,
    weights: Sequence[Array],
    scaling: Scaling,
    X: Array,
    encoding: Encoding | None = None,
) -> NDArray[np.float64]:
    """Output activations (n, units) of raw rows X (n, columns): float64, whatever the weights are."""
    weights = [W.astype(np.float64, copy=False) for W in weights]
    work = Workspace(network, PRODUCT_ROWS, "float64")
    outputs = np.empty((len(X), network.layers[-1]))
    padded = np.zeros((PRODUCT_ROWS, network.layers[0]))
    with one_blas_thread(), np.errstate(over="ignore", invalid="ignore", under="ignore"):  # answers say it
        for start in range(0, len(X), PRODUCT_ROWS):
            rows = X[start : start + PRODUCT_ROWS]
            rows = rows if encoding is None else encoding.apply(rows)
            padded[: len(rows)] = rows if scaling.is_none else scaling.apply(rows)
            found = forward(network, weights, [padded], work)[-1]
            outputs[start : start + len(rows)] = found[: len(rows)]
    return outputs
