"""40 models at once, on separate executors, one of which dies: each model is that of its single run."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cluster.sweep_of_40 import FOLDS, GRID, METHODS, recipe_of

import nnspark


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("method", METHODS)
def test_forty_models_are_those_of_their_single_runs(method: str) -> None:
    """8 settings, 5 folds; without Spark, and on 1, 2 and 7 partitions, an executor killed in mid-sweep."""
    found = nnspark.sweep(recipe_of(method, "local"), None, GRID, folds=FOLDS, progress=False)
    assert len(found.results) == 40
    for one in found.results:
        recipe: dict[str, Any] = recipe_of(method, "local")
        recipe["data"]["split"] = {"folds": FOLDS, "fold": one["fold"]}
        recipe["training"]["l2"] = one["settings"]["training.l2"]
        recipe["network"] = {"hidden": one["settings"]["network.hidden"]}
        assert nnspark.train(recipe, progress=False).weights_sha256 == one["weights_sha256"]
    program = Path(__file__).with_name("sweep_of_40.py")
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(program), method],
        capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["partitions"], len(line["killed"])) for line in lines] == [(1, 0), (2, 1), (7, 1)]
    for line in lines:
        assert line["hashes"] == [one["weights_sha256"] for one in found.results]
