"""Models with drawn weights: one of every activation with every output there is, and rows for them."""

import numpy as np

from nnspark.data.plan import Scaling
from nnspark.model import Model
from nnspark.net.network import Network
from nnspark.net.weights import init_weights
from nnspark.recipe import Data, Recipe, dumps

COLUMNS = 6
NAMES = tuple("abcdef")
CENTER = np.array([0.0, 5.0, -3.0, 1e6, 100.0, 0.1])
DIVIDE = np.array([1.0, 2.0, 0.5, 3.0, 40.0, 0.01])
# task, output, loss, units, classes
ENDS = {
    "softmax": ("classification", "softmax", "cross_entropy", 4, ["café", "no", "so-so", "yes"]),
    "softmax of squares": ("classification", "softmax", "squared_error", 3, [10, 20, 40]),
    "softmax of two": ("classification", "softmax", "cross_entropy", 2, ["no", "yes"]),
    "one sigmoid": ("classification", "sigmoid", "cross_entropy", 1, [0, 7]),
    "sigmoids": ("classification", "sigmoid", "squared_error", 3, [-1, 0, 1]),
    "identity for classes": ("classification", "identity", "squared_error", 3, ["a", "b", "c"]),
    "labels": ("multilabel", "sigmoid", "cross_entropy", 3, None),
    "numbers": ("regression", "identity", "squared_error", 2, None),
    "shares": ("regression", "softmax", "squared_error", 3, None),
    "a number from 0 to 1": ("regression", "sigmoid", "squared_error", 1, None),
}


def net(activation, end, *, dtype="float64", hidden=(9, 7), scaled=True, names=NAMES):
    """A model with weights as large as trained ones, and scaling of every magnitude."""
    task, output, loss, units, classes = ENDS[end]
    layers = (COLUMNS, *hidden, units)
    weights = init_weights(layers, {"name": "normal", "scale": 0.7}, seed=3, dtype=dtype)
    target = Scaling(np.array([1000.0, -2.0]), np.array([30.0, 0.5])) if end == "numbers" and scaled else None
    recipe = Recipe(Data("arrays", task=task, label=[f"t{at}" for at in range(units)]))
    return Model(
        Network(layers, activation, output, loss),
        weights,
        Scaling(CENTER, DIVIDE) if scaled else Scaling(np.zeros(COLUMNS), np.ones(COLUMNS)),
        task,
        names,
        None if classes is None else np.array(classes),
        target,
        dumps(recipe),
    )


def rows(count=1000, *, scaled=True, dtype="float64"):
    """Rows whose scaled values are normal, some of them far out."""
    drawn = np.random.default_rng(5).normal(size=(count, COLUMNS)) * np.geomspace(0.05, 4, count)[:, None]
    return (drawn * DIVIDE + CENTER if scaled else drawn).astype(dtype)


def same_model(one, other):
    """Whether two models are equal to the last bit of their files."""
    return one.to_bytes() == other.to_bytes()
