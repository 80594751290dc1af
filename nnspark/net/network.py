"""The network: what it computes from a block of rows, forward and backward. Pure NumPy.

    a_0 = X,   z_l = a_{l-1} W_l[:, 1:].T + W_l[:, 0],   a_l = activation(z_l),   a_L = output(z_L)
    delta_L = d loss / d z_L,   delta_l = (delta_{l+1} W_{l+1}[:, 1:]) * activation'(z_l)
    grad_sums_l = [sum of delta_l | delta_l.T a_{l-1}]        (sums over rows, not means)

Shapes: X (n, num_features), z_l, a_l and delta_l (n, units of layer l), W_l (units, 1 + fan_in).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import RecipeError, ShapeError
from nnspark.net import weights as weights_module
from nnspark.net.activations import ACTIVATIONS, OUTPUTS
from nnspark.net.dropout import Dropout
from nnspark.net.losses import HEADS
from nnspark.net.runs import add_bias, spans_of, stripes

__all__ = ["Network", "Workspace", "backward", "forward", "predict"]

Array = NDArray[Any]
PREDICT_ROWS = 1024


@dataclass(frozen=True)
class Network:
    """An architecture: layer sizes (inputs first), hidden activation, output and loss."""

    layers: tuple[int, ...]
    activation: str = "sigmoid"
    output: str = "sigmoid"
    loss: str = "cross_entropy"

    def __post_init__(self) -> None:
        if len(self.layers) < 2 or min(self.layers) < 1:
            raise RecipeError(
                f"layers are {list(self.layers)}: a network needs an input and an output layer, "
                "each with at least one unit"
            )
        if self.activation not in ACTIVATIONS:
            raise RecipeError(
                f"activation '{self.activation}' is not known; use one of {', '.join(ACTIVATIONS)}"
            )
        if self.output not in OUTPUTS:
            raise RecipeError(f"output '{self.output}' is not known; use one of {', '.join(OUTPUTS)}")
        if (self.output, self.loss) not in HEADS:
            pairs = ", ".join(f"{output} + {loss}" for output, loss in HEADS)
            raise RecipeError(
                f"output '{self.output}' does not go with loss '{self.loss}'; use one of {pairs}"
            )


class Workspace:
    """Arrays reused from block to block: activations, deltas, targets and one gradient.

    ``gradients`` are flat like theta, one for each of ``blocks``; ``grad_sums`` are their views with the
    weights' shapes. The hidden layers' z is overwritten by a; there is room to keep it only where the
    activation's derivative needs it. ``nbytes`` are all arrays' together.
    """

    def __init__(self, network: Network, rows: int, dtype: str, blocks: int = 1) -> None:
        units = network.layers[1:]
        self.rows, self.blocks, self.dtype = rows, blocks, np.dtype(dtype)
        self._activations = [np.empty(rows * size, dtype) for size in units]
        self._deltas = [np.empty(rows * size, dtype) for size in units]
        self._kept_z = [np.empty(rows * size, dtype) for size in units[:-1] if _needs_z(network)]
        self._outputs = np.empty(rows * units[-1], dtype)
        self._targets = np.empty(rows * units[-1], dtype)
        self.ones = np.ones(rows, dtype)
        self.units = units
        self.gradients = np.empty((blocks, weights_module.count(network.layers)), dtype)
        self.grad_sums = [weights_module.unflatten(one, network.layers) for one in self.gradients]
        several = (*self._activations, *self._deltas, *self._kept_z, self._outputs, self._targets)
        self.nbytes = sum(one.nbytes for one in (*several, self.ones, self.gradients))

    def activation(self, layer: int, rows: int) -> Array:
        """Scratch for layer ``layer`` (0 = first hidden), shape (rows, units), contiguous."""
        return self._activations[layer][: rows * self.units[layer]].reshape(rows, -1)

    def kept_z(self, layer: int, rows: int) -> Array:
        """Scratch for a hidden layer's z, where the activation needs it; shaped like ``activation``."""
        return self._kept_z[layer][: rows * self.units[layer]].reshape(rows, -1)

    def delta(self, layer: int, rows: int) -> Array:
        """Scratch for delta, shaped like ``activation``."""
        return self._deltas[layer][: rows * self.units[layer]].reshape(rows, -1)

    def outputs(self, rows: int) -> Array:
        """Scratch for the output activations, kept apart from the z they come from."""
        return self._outputs[: rows * self.units[-1]].reshape(rows, -1)

    def targets(self, rows: int) -> Array:
        """Scratch for Y, shape (rows, output units)."""
        return self._targets[: rows * self.units[-1]].reshape(rows, -1)


def forward(
    network: Network,
    weights: Sequence[Array],
    blocks: Sequence[Array],
    work: Workspace,
    dropout: Dropout | None = None,
) -> tuple[list[Array], Array, Array]:
    """Hidden activations, after ``dropout``, and the output layer's z and a. All live in ``work``.

    ``blocks`` are X (n, num_features) of one block or of several, whose results lie one after the other. A
    block's products are its own, as their bits depend on the rows in them; all else is done in one go.
    """
    apply, keeps_z = ACTIVATIONS[network.activation].apply, _needs_z(network)
    spans = spans_of(blocks)
    inputs, hidden, last, n = list(blocks), [], len(weights) - 1, spans[-1].stop
    for layer, W in enumerate(weights):
        a = z = work.activation(layer, n)
        for here, span in zip(inputs, spans, strict=True):
            np.matmul(here, W[:, 1:].T, out=z[span])
        kept = work.kept_z(layer, n) if keeps_z and layer < last else None
        bias = W[:, 0].copy()  # added twice as quickly as a column
        for rows in stripes(z):
            add_bias(z[rows], bias)
            if kept is not None:
                kept[rows] = z[rows]
            if layer < last:
                apply(z[rows])
                if dropout is not None:
                    z[rows] *= dropout.masks[layer][rows]
        if layer < last:
            hidden.append(a)
            inputs = [a[span] for span in spans]
    outputs = work.outputs(n)
    np.copyto(outputs, z)
    return hidden, z, OUTPUTS[network.output](outputs)


def backward(
    network: Network,
    weights: Sequence[Array],
    blocks: Sequence[Array],
    hidden: Sequence[Array],
    outputs: Array,
    Y: Array,
    row_weights: Array | None,
    work: Workspace,
    dropout: Dropout | None = None,
) -> Array:
    """Sum over each block's rows of the loss's gradient, flat like theta: (blocks, weights), in ``work``.

    ``hidden`` and ``outputs`` are what ``forward`` gave, with ``work`` and ``dropout``, for these blocks or
    more. ``hidden``, or the z that were kept, are overwritten with the activations' derivatives.
    """
    grad = ACTIVATIONS[network.activation].grad
    last = len(weights) - 1
    spans = spans_of(blocks)
    n = spans[-1].stop
    delta = HEADS[network.output, network.loss].delta(outputs[:n], Y, work.delta(last, n))
    if row_weights is not None:
        delta *= row_weights[:, None]
    for layer in range(last, -1, -1):
        for block, span in enumerate(spans):
            sums, own = work.grad_sums[block][layer], delta[span]
            sums[:, 0] = work.ones[: len(own)] @ own
            np.matmul(own.T, hidden[layer - 1][span] if layer else blocks[block], out=sums[:, 1:])
        if layer:
            before = work.kept_z(layer - 1, n) if _needs_z(network) else hidden[layer - 1][:n]
            above, delta = delta, work.delta(layer - 1, n)
            for span in spans:
                np.matmul(above[span], weights[layer][:, 1:], out=delta[span])
            for rows in stripes(delta):
                if dropout is not None:
                    delta[rows] *= dropout.masks[layer - 1][rows]
                    if not _needs_z(network):
                        before[rows] *= dropout.keep  # a again, where the unit stayed
                delta[rows] *= grad(before[rows])
    return work.gradients[: len(spans)]


def _needs_z(network: Network) -> bool:
    return ACTIVATIONS[network.activation].needs_z


def predict(network: Network, weights: Sequence[Array], X: Array) -> Array:
    """Output activations of any number of rows, shape (n, output units)."""
    if X.ndim != 2 or X.shape[1] != network.layers[0]:
        raise ShapeError(
            f"layers start with {network.layers[0]} but X has shape {X.shape}; "
            "leave the bias column out, nnspark adds it"
        )
    dtype = weights[0].dtype
    result = np.empty((len(X), network.layers[-1]), dtype)
    work = Workspace(network, min(len(X), PREDICT_ROWS), dtype.name)
    for start in range(0, len(X), PREDICT_ROWS):
        rows = slice(start, start + PREDICT_ROWS)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # answers say it
            result[rows] = forward(network, weights, [np.ascontiguousarray(X[rows], dtype=dtype)], work)[2]
    return result
