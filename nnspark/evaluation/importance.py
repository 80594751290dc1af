"""Permutation importance (Breiman 2001, §10): how much worse a model is when a column's values are shuffled.

A sample of a part's rows, those with the smallest seeded hashes, which no layout changes, comes to the driver
in one job, at most ``ROWS`` rows and ``VALUES`` numbers. There each column is shuffled ``REPEATS`` times, by
``default_rng([seed, feature, repeat])``, and the outputs' error is taken again: log loss, or RMSE in the
targets' own units. A column is a feature, or the first of all those that were made of one raw column (a
category's, a number and its indicator), which move together. Only their share of the first layer changes.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.rows import BlockSet, hash_rows, split_keys
from nnspark.engines.base import Shards
from nnspark.net import weights as weights_module
from nnspark.net.activations import ACTIVATIONS, OUTPUTS
from nnspark.net.blas import one_blas_thread
from nnspark.objective.metrics import METRICS
from nnspark.objective.objective import Objective
from nnspark.sums.exact import exact

__all__ = ["importance"]

Array = NDArray[Any]
ROWS, VALUES, REPEATS = 2_000, 1 << 20, 5
PRODUCTS, OF_A_UNIT = 20_000_000_000, 20
"""Of all shuffles together, a second or two; and what an activation takes, in products."""
ERRORS = {"classification": "log_loss", "multilabel": "log_loss", "regression": "rmse"}


@dataclass
class Sample:
    """An accumulator: the rows with the smallest keys, ascending; equal keys are equal rows."""

    most: int
    keys: NDArray[np.uint64] | None = None
    X: Array | None = None
    y: Array | None = None
    weight: NDArray[np.float64] | None = None

    def merge(self, other: "Sample") -> "Sample":
        """Keep the smallest of both; returns self."""
        if other.keys is None or self.keys is None:
            chosen = other if self.keys is None else self
            self.keys, self.X, self.y, self.weight = chosen.keys, chosen.X, chosen.y, chosen.weight
            return self
        keys = np.concatenate([self.keys, other.keys])
        order = np.lexsort(keys.T[::-1])[: self.most]
        pairs = ((self.X, other.X), (self.y, other.y), (self.weight, other.weight))
        self.keys = keys[order]
        self.X, self.y, self.weight = (np.concatenate(pair)[order] for pair in pairs)  # type: ignore[arg-type]
        return self


def importance(
    objective: Objective,
    shards: Shards,
    theta: Array,
    part: str,
    names: Sequence[str],
    *,
    seed: int,
    most: int,
    places: Sequence[Sequence[int]] | None = None,
) -> dict[str, Any]:
    """Figures ready for JSON: what rises, over how many rows, and for each column mean, std and each repeat.

    ``names`` are the columns', ``places`` the features of each; None where each is one feature. The most
    important column is first. Of more than ``most``, or than ``PRODUCTS`` allow, those are taken whose
    weights in the first layer, times their spread in the sample, are largest. One job; the rest is the
    driver's.
    """
    places = [[at] for at in range(len(names))] if places is None else places
    rows = max(1, min(ROWS, VALUES // sum(map(len, places))))
    zero = partial(Sample, rows)
    sample: Sample = shards.run(partial(_sample, part, seed, rows), None, zero)
    if sample.keys is None or sample.X is None or not most:
        return {}
    weights = [W.astype(np.float64) for W in weights_module.unflatten(theta, objective.network.layers)]
    X = sample.X.astype(np.float64)
    with one_blas_thread(), np.errstate(over="ignore", invalid="ignore", under="ignore"):
        columns = _heaviest(weights[0], X, places, min(most, _affordable(weights, len(X))))
        linear = X @ weights[0][:, 1:].T + weights[0][:, 0]
        without = _error(objective, weights, linear, sample)
        risen = [
            [error - without for error in _shuffled(objective, weights, linear, X, sample, places[at], seed)]
            for at in columns
        ]
    found = [
        {"feature": names[at], "mean": float(np.mean(one)), "std": float(np.std(one)), "each": one}
        for at, one in zip(columns, risen, strict=True)
        if all(map(math.isfinite, one))
    ]
    found.sort(key=lambda one: -one["mean"])  # type: ignore[operator]
    return {
        "part": part,
        "rows": len(X),
        "metric": ERRORS[objective.problem],
        "value": without,
        "repeats": REPEATS,
        "of": len(names),
        "features": found,
    }


def _sample(part: str, seed: int, most: int, sets: Iterable[BlockSet], value: None) -> Sample:
    """Worker function: the rows here that may be among those with the smallest keys of all."""
    found = Sample(most)
    for blocks in sets:
        for block in blocks.blocks((part,)):
            weight = np.ones(len(block)) if block.weight is None else np.asarray(block.weight)
            hashes = hash_rows(block.X, block.y, weight)
            keys = np.column_stack([split_keys(hashes, seed), hashes[:, 1]])
            order = np.lexsort(keys.T[::-1])[:most]
            found.merge(Sample(most, keys[order], block.X[order], block.y[order], weight[order]))
    return found


def _affordable(weights: Sequence[Array], rows: int) -> int:
    """How many columns can be shuffled for ``PRODUCTS``; one at least."""
    a_row = sum(W.size for W in weights[1:]) + OF_A_UNIT * sum(len(W) for W in weights)
    return max(1, PRODUCTS // (REPEATS * rows * a_row))


def _heaviest(W: Array, X: Array, places: Sequence[Sequence[int]], most: int) -> list[int]:
    """Columns that have a feature, in their order; of too many, those that move the first layer most."""
    features = np.abs(W[:, 1:]).sum(axis=0) * X.std(axis=0)
    moves = np.array([features[list(own)].sum() for own in places])
    ranked = [at for at in np.argsort(-moves, kind="stable").tolist() if places[at]]
    return sorted(ranked[:most])


def _shuffled(
    objective: Objective, weights: Sequence[Array], linear: Array, X: Array, sample: Sample,
    features: Sequence[int], seed: int,
) -> Iterator[float]:  # fmt: skip
    """The error with the values of a column's features in other rows, time after time."""
    values, own = X[:, list(features)], weights[0][:, [1 + feature for feature in features]]
    for repeat in range(REPEATS):
        order = np.random.default_rng([seed, features[0], repeat]).permutation(len(X))
        yield _error(objective, weights, linear + (values[order] - values) @ own.T, sample)


def _error(objective: Objective, weights: Sequence[Array], linear: Array, sample: Sample) -> float:
    """The sample's log loss or RMSE, from the first layer's z (n, units)."""
    network = objective.network
    z = linear.copy()
    for W in weights[1:]:
        z = ACTIVATIONS[network.activation].apply(z) @ W[:, 1:].T + W[:, 0]
    assert sample.y is not None
    assert sample.weight is not None
    answers = objective.answers(z, OUTPUTS[network.output](z.copy()), fine=False).outputs
    metric = METRICS[ERRORS[objective.problem]]
    sums: dict[str, Any] = {"weight": exact(float(sample.weight.sum()))}
    for function in metric.sums:
        found = function(answers, objective.own_targets(sample.y), sample.weight)
        sums |= {name: exact(value) for name, value in found.items() if isinstance(value, float)}
    return metric.value(sums)
