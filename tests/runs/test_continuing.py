"""Two epochs and two more are four, whatever moves the weights (CONFORMANCE X3)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnspark
from nnspark.optimizers import OPTIMIZERS, RULES

RNG = np.random.default_rng(5)
X = RNG.normal(size=(120, 4))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
ROUNDS = [{"batch_size": 16, "replicas": 3, "outer": outer} for outer in ("average", *sorted(RULES))]
WAYS = [
    *(({"optimizer": name}, {}) for name in sorted(OPTIMIZERS)),
    *(({"optimizer": name}, ROUNDS[0]) for name in sorted(RULES)),
    *(({"optimizer": "adam"}, rounds) for rounds in ROUNDS[1:]),
    ({"optimizer": "gd", "schedule": "step"}, {}),
]


def recipe(epochs: int, training: dict[str, Any], rounds: dict[str, Any]) -> dict[str, Any]:
    """A small net on a few blocks."""
    return {
        "data": {"scale": "standard"},
        "network": {"hidden": [5]},
        "training": {"epochs": epochs, "learning_rate": 0.05, "l2": 0.1, "block_rows": 32, **training},
        "report": {"html": False},
        **({"rounds": rounds} if rounds else {}),
    }


def without_times(history: Any) -> list[dict[str, Any]]:
    """What does not depend on the clock."""
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history]


@pytest.mark.parametrize(("training", "rounds"), WAYS, ids=str)
def test_x3_two_epochs_and_two_more_are_four(
    tmp_path: Path, training: dict[str, Any], rounds: dict[str, Any]
) -> None:
    """Every optimizer, every rule in rounds, every outer rule: weights and history, bit for bit."""
    out = str(tmp_path / "run")
    nnspark.train(recipe(2, training, rounds), (X, Y), out=out, progress=False)
    on = nnspark.train(recipe(4, training, rounds), (X, Y), out=out, resume=True, progress=False)
    whole = nnspark.train(recipe(4, training, rounds), (X, Y), progress=False)
    assert on.weights_sha256 == whole.weights_sha256
    assert len(on.history) == 4
    assert without_times(on.history) == without_times(whole.history)
    assert on.metrics["evaluations"] == whole.metrics["evaluations"]
