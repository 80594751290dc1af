"""Run as a program: METHOD; 40 models of digits on ``local-cluster``, an executor killed in mid-sweep.

Prints a JSON line for 1, 2 and 7 partitions: the models' hashes, and what was killed.
"""

import json
import sys
from typing import Any

from cluster.changing_sources import kill_an_executor
from cluster.train_at_size import open_session

import nnspark
from nnspark.runs.sweeps.keeping import Keeper

METHODS: dict[str, dict[str, Any]] = {
    "gd": {"training": {"learning_rate": 1.0}},
    "adam": {"training": {"optimizer": "adam", "learning_rate": 0.01}},
    "lbfgs": {"training": {"optimizer": "lbfgs"}},
    "rounds": {"training": {"learning_rate": 0.1}, "rounds": {"batch_size": 64, "replicas": 4}},
}
FOLDS, EPOCHS = 5, 6
GRID = {"network.hidden": [[10], [25]], "training.l2": [0.0, 0.1, 1.0, 10.0]}


def recipe_of(method: str, engine: str, partitions: int = 0) -> dict[str, Any]:
    """Digits, standardised on each fold's training rows."""
    own = METHODS[method]
    return {
        "data": {"source": "digits", "scale": "standard"},
        "training": {"epochs": EPOCHS, "engine": engine, "block_rows": 128, **own["training"]},
        "rounds": own.get("rounds", {}),
        "spark": {"partitions": partitions},
        "report": {"html": False},
    }


def main() -> None:
    """One session; the executor that has lived longest dies in each sweep but the first."""
    method, keep = sys.argv[1], Keeper.remember
    session = open_session("local-cluster[2,1,1024]")
    for partitions in (1, 2, 7):
        epochs, killed = [0], list[int]()

        def killing(
            self: Keeper, rows: Any, progress: Any, epochs: list[int] = epochs, killed: list[int] = killed
        ) -> None:
            keep(self, rows, progress)
            epochs[0] += len(rows)
            if epochs[0] == 100 and partitions > 1:  # noqa: B023 (called in this turn)
                killed.append(kill_an_executor())

        Keeper.remember = killing  # type: ignore[method-assign]
        found = nnspark.sweep(recipe_of(method, "spark", partitions), None, GRID, folds=FOLDS, progress=False)
        hashes = [one["weights_sha256"] for one in found.results]
        print(json.dumps({"partitions": partitions, "killed": killed, "hashes": hashes}), flush=True)
    session.stop()


if __name__ == "__main__":
    main()
