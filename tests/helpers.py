"""What the tests without a JVM share: data sets laid out in this process, numeric gradients, errors."""

import pickle
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from nnspark import recipe as recipes
from nnspark.data.dataset import Dataset, make_dataset
from nnspark.data.plan import Plan, Scaling
from nnspark.data.rows import PARTS, BlockSet, Span
from nnspark.engines.local import LocalShards
from nnspark.errors import NNSparkError
from nnspark.objective.objective import Objective
from nnspark.sources.table import Table
from nnspark.training.cost import Cost
from nnspark.training.loop import train


def shards_of(X, y, *, weight=None, dtype="float64", task="classification", block_rows=1024, part="train"):
    """Shards of exactly these rows in this order, neither scaled nor split."""
    X = np.ascontiguousarray(X, dtype=dtype)
    y = np.asarray(y)
    if task == "classification":
        y, classes, targets = y.astype(np.int32), np.arange(max(int(y.max()) + 1, 2)), 1
    else:
        y, classes = y.reshape(len(X), -1).astype(dtype), None
        targets = y.shape[1]
    cuts = [(start, min(start + block_rows, len(X))) for start in range(0, len(X), block_rows)]
    spans = tuple(Span(part, index, *cut) for index, cut in enumerate(cuts))
    weight = None if weight is None else np.asarray(weight, dtype=np.float64)
    plan = Plan(
        task=task,
        feature_names=tuple(map(str, range(X.shape[1]))),
        scaling=Scaling(np.zeros(X.shape[1]), np.ones(X.shape[1])),
        dtype=dtype,
        block_rows=block_rows,
        split_seed=0,
        cuts=np.zeros((1, 2), np.uint64),
        blocks=(len(spans), 1, 1),
        classes=classes,
        num_targets=targets,
        num_samples=tuple(len(X) if part == name else 0 for name in PARTS),
        weighted=weight is not None,
    )
    return LocalShards(Dataset(plan, BlockSet(X, y, weight, spans)))


def cost_of(network, shards, *, l2=0.0, smoothing=0.0):
    """The cost function of a network on shards."""
    plan = shards.plan
    return Cost(Objective(network, plan.task, plan.dtype, plan.terms, smoothing), shards, l2=l2)


def numeric_gradient(cost_fn, theta, step=1e-4):
    """Central differences of fourth order, one weight at a time."""
    grad = np.empty_like(theta)
    for i in range(len(theta)):
        costs = []
        for factor in (1, -1, 2, -2):
            moved = theta.copy()
            moved[i] += factor * step
            costs.append(cost_fn.at(moved))
        grad[i] = (8 * (costs[0] - costs[1]) - (costs[2] - costs[3])) / (12 * step)
    return grad


def make_recipe(*overrides, source="digits"):
    """A recipe from its defaults and ``section.key=value`` strings, on the local engine."""
    return recipes.loads(f'[data]\nsource = "{source}"\n[training]\nengine = "local"\n', overrides)


def table_of(features, target, weight=None, test_rows=None):
    """A table of rows, as a reader returns it."""
    features = np.ascontiguousarray(features, dtype=np.float64)
    given = None
    if test_rows is not None:
        given = np.full(len(features), -1, np.int8)
        given[test_rows] = 2
    return Table(features, np.asarray(target), weight, tuple(map(str, range(features.shape[1]))), given)


def fit(table, *overrides, callbacks=(), **options):
    """Train a recipe on a table with the local engine."""
    recipe = make_recipe(*overrides)
    return train(recipe, LocalShards(make_dataset(table, recipe)), callbacks=callbacks, **options)


def same_blocks(one, other):
    """Whether two block sets are equal to the last bit."""
    return one.spans == other.spans and all(
        (a is None and b is None) or (a.dtype == b.dtype and a.tobytes() == b.tobytes())
        for a, b in ((one.X, other.X), (one.y, other.y), (one.weight, other.weight))
    )


@contextmanager
def one_line_error(*parts, kind=NNSparkError):
    """Expect an error of one line that contains every part."""
    with pytest.raises(kind) as caught:
        yield
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    for part in parts:
        assert str(part) in message


def outcome(function, *arguments, kind=NNSparkError):
    """What a call returns and None, or None and the one line that it is refused with."""
    try:
        return function(*arguments), None
    except kind as error:
        message = str(error)
    assert len(message.splitlines()) == 1
    return None, message


class InPieces:
    """Shards whose blocks lie in several pieces, merged in another order, as on a cluster."""

    def __init__(self, shards, pieces, number=lambda span: span.number):
        self.plan, self.platforms = shards.plan, shards.platforms
        blocks = shards.blocks[0]
        own = [[span for span in blocks.spans if number(span) % pieces == at] for at in range(pieces)]
        self.pieces = [replace(blocks, spans=tuple(spans)) for spans in own]

    def run(self, function, value, zero):
        """Each piece by itself, pickled as results of tasks are, the last one first."""
        merged = zero()
        for piece in self.pieces[::-1]:
            merged = merged.merge(pickle.loads(pickle.dumps(function([piece], value))))
        return merged
