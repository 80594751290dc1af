"""What the programs over Spark Connect share: the digits, recipes, shards that a training does not close."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from spark.training import recipe_of

TEXT = """
[data]
source = "memory"
scale = "standard"
[training]
epochs = 3
block_rows = 100
"""
ADAM = ('training.optimizer="adam"', "training.learning_rate=0.01")
OPTIMIZERS: dict[str, tuple[str, ...]] = {
    "gd": (),
    "adam": ADAM,
    "lbfgs": ('training.optimizer="lbfgs"',),
    "rounds": (*ADAM, "rounds.batch_size=32", "rounds.replicas=4"),
}


RECIPE: dict[str, Any] = {
    "data": {"scale": "standard"},
    "training": {"epochs": 3, "block_rows": 100},
    "report": {"html": False},
}


class Kept:
    """Shards that a training does not close."""

    def __init__(self, shards: Any, before: Callable[[], object] = lambda: None) -> None:
        self.plan, self.platforms, self.shards, self.before = shards.plan, shards.platforms, shards, before

    def run(self, function: Any, value: Any, zero: Any) -> Any:
        """As theirs, after what comes before."""
        self.before()
        return self.shards.run(function, value, zero)

    def close(self) -> None:
        """They stay."""


def digits() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Rows and labels."""
    X, y = load_digits(return_X_y=True)
    return X, y


def as_table() -> pd.DataFrame:
    """The digits as a table with a label column."""
    X, y = digits()
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(64)]).assign(label=y)


def recipes() -> dict[str, Any]:
    """A recipe an optimizer."""
    return {name: recipe_of(*options, text=TEXT) for name, options in OPTIMIZERS.items()}
