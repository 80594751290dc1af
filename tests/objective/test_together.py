"""Blocks that are done together: each has the bits it has alone, whatever comes along."""

import threading
from itertools import chain

import numpy as np
import pytest

from nnspark.data.plan import Scaling
from nnspark.data.rows import Block, BlockSet, Span
from nnspark.net import workspaces
from nnspark.net.activations import ACTIVATIONS
from nnspark.net.network import Network, Workspace
from nnspark.net.weights import count, unflatten
from nnspark.net.workspaces import workspace
from nnspark.objective import totals
from nnspark.objective.objective import Objective, block_sums
from nnspark.objective.totals import Totals, totals_of, work_for

SIZES = (64, 1, 7, 360, 2)
LAYERS = {
    "classes": (9, 13, 6, 4),
    "two classes": (9, 20, 2),
    "labels": (9, 70, 3),
    "targets": (9, 11, 5, 2),
    "wide": (30, 300, 4),
}
KINDS = {
    "classes": ("softmax", "cross_entropy", "classification"),
    "two classes": ("softmax", "squared_error", "classification"),
    "labels": ("sigmoid", "cross_entropy", "multilabel"),
    "targets": ("identity", "squared_error", "regression"),
    "wide": ("sigmoid", "squared_error", "classification"),
}


def case(kind, dtype, activation, *, weighted):
    """An objective, weights, and blocks of ``SIZES``."""
    rng = np.random.default_rng([len(kind), len(activation), weighted])
    layers, (output, loss, problem) = LAYERS[kind], KINDS[kind]
    scaling = Scaling(np.array([3.0, -1.0]), np.array([2.0, 0.5])) if problem == "regression" else None
    objective = Objective(Network(layers, activation, output, loss), problem, dtype, 99, 0.0, scaling)
    theta = rng.normal(size=count(layers)).astype(dtype)
    blocks = []
    for number, size in enumerate(SIZES):
        labels = {
            "classification": rng.integers(0, layers[-1], size).astype(np.int32),
            "multilabel": rng.integers(0, 2, (size, layers[-1])).astype(dtype),
            "regression": rng.normal(size=(size, layers[-1])).astype(dtype),
        }
        weight = rng.uniform(0, 3, size) if weighted else None
        X = rng.normal(size=(size, layers[0])).astype(dtype)
        blocks.append(Block("train", number, X, labels[problem], weight))
    return objective, theta, blocks


def same(found, expected):
    """Whether sums, of numbers and tables, and gradients are the same to the last bit."""
    assert found.sums.keys() == expected.sums.keys()
    for name, value in expected.sums.items():
        np.testing.assert_array_equal(found.sums[name], value, strict=True)
    assert (found.gradient is None) == (expected.gradient is None)
    return found.gradient is None or found.gradient.tobytes() == expected.gradient.tobytes()


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_block_has_the_bits_it_has_alone(kind, dtype, activation):
    """Blocks of 64, 1, 7, 360 and 2 rows; of the last two only what the metrics are made of."""
    objective, theta, blocks = case(kind, dtype, activation, weighted=activation in ("tanh", "silu"))
    weights, wanted = unflatten(theta, objective.network.layers), 3
    work = Workspace(objective.network, sum(SIZES), dtype, len(SIZES))
    found = block_sums(objective, weights, blocks, work, gradients=wanted)
    assert len(found) == len(SIZES)
    for number, block in enumerate(blocks):
        alone = Workspace(objective.network, len(block), dtype)
        (expected,) = block_sums(objective, weights, [block], alone, gradients=int(number < wanted))
        assert same(found[number], expected)


def as_set(blocks):
    """The blocks in one set, every other of them of the validation part."""
    ends = np.cumsum([0, *map(len, blocks)]).tolist()
    parts = ["train", "validation"] * len(blocks)
    spans = [Span(parts[at], at, ends[at], ends[at + 1]) for at in range(len(blocks))]
    weight = None if blocks[0].weight is None else np.concatenate([block.weight for block in blocks])
    X, y = (np.concatenate([getattr(block, name) for block in blocks]) for name in "Xy")
    return BlockSet(X, y, weight, tuple(spans))


@pytest.mark.parametrize(
    "limits", [(1, 1), (2_000, 1 << 16), (1 << 17, 1), (1 << 17, 500), (1 << 17, 1 << 16)]
)
def test_totals_do_not_depend_on_what_is_done_together(monkeypatch, limits):
    """From each block alone to all in one go, by few rows or few gradients."""
    objective, theta, blocks = case("classes", "float32", "sigmoid", weighted=True)
    rows, parts, groups = as_set(blocks), ("train", "validation"), []
    network = objective.network
    alone = totals_of(objective, theta, [rows], Workspace(network, max(SIZES), "float32"), parts)
    monkeypatch.setattr(totals, "TOGETHER", limits[0])
    monkeypatch.setattr(totals, "GRADIENTS", limits[1])
    plain = totals.block_sums

    def watched(objective, weights, blocks, *others, **named):
        groups.append([block.part for block in blocks])
        return plain(objective, weights, blocks, *others, **named)

    monkeypatch.setattr(totals, "block_sums", watched)
    monkeypatch.setattr(workspaces, "_kept", threading.local())
    workspace(network, "float32", 1)  # an earlier, smaller one of this thread does not do
    found = totals_of(objective, theta, [rows], work_for(objective, [rows], parts), parts)
    assert_equal(found, alone)
    assert list(chain(*groups)) == ["train"] * 3 + ["validation"] * 2
    expected = {(1, 1): 5, (2_000, 1 << 16): 2, (1 << 17, 1): 5, (1 << 17, 500): 3, (1 << 17, 1 << 16): 1}
    assert len(groups) == expected[limits]


def assert_equal(found: Totals, expected: Totals) -> None:
    """Both totals, to the last bit."""
    assert found.sums.keys() == expected.sums.keys()
    for part, sums in expected.sums.items():
        assert found.sums[part] == sums
    assert found.gradient.value().tobytes() == expected.gradient.value().tobytes()
