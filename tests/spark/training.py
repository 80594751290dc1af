"""What the Spark tests share: short trainings and what has to be equal between them."""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from nnspark.data.dataset import make_dataset
from nnspark.engines.base import Shards
from nnspark.engines.layout import make_shards
from nnspark.net import weights
from nnspark.recipe import Recipe, loads
from nnspark.sources import Table, load_table
from nnspark.training.loop import train
from nnspark.training.state import Epoch

DIGITS = """
[data]
source = "digits"
scale = {center = 8, divide = 8}
[training]
epochs = 4
block_rows = 100
"""


class Outcome(NamedTuple):
    """What must not depend on the cluster: the weights' hash and the history without its seconds."""

    sha256: str
    history: str


def recipe_of(*overrides: str, text: str = DIGITS) -> Recipe:
    """A recipe with overrides."""
    return loads(text, overrides)


def outcome(recipe: Recipe, shards: Shards, callbacks: Sequence[Callable[[Epoch], None]] = ()) -> Outcome:
    """Train and take down what must be equal."""
    rows: list[dict[str, Any]] = []

    def remember(epoch: Epoch) -> None:
        rows.append({key: value for key, value in epoch.row.items() if key != "seconds"})

    trained = train(recipe, shards, callbacks=[remember, *callbacks])
    shards.close()
    digest = weights.sha256(weights.unflatten(trained.theta, trained.network.layers))
    return Outcome(digest, json.dumps([rows, trained.metrics]))


def without_spark(recipe: Recipe, table: Table | None = None) -> Outcome:
    """The outcome of the engine without Spark."""
    table = load_table(recipe.data) if table is None else table
    return outcome(recipe, make_shards(make_dataset(table, recipe), None))
