"""81 settings on 6,000 rows like MNIST's: the whole grid and successive halving, for three seeds."""

import argparse
from typing import Any

from benchmarks._common import Ratio, progress, ratio_table
from benchmarks._data import images

__all__ = ["halving"]

MOST_EVALUATIONS = 1 / 3


def halving(spark: Any, args: argparse.Namespace) -> dict[str, Any]:
    """The whole grid against halving, over seeds."""
    import nnspark

    rows_wanted, epochs = (600, 9) if args.quick else (6_000, 27)
    X, y, _, _ = images(rows_wanted, 10)
    grid = {
        "training.learning_rate": [0.001, 0.01, 0.1],
        "training.l2": [0.01, 1.0, 100.0],
        "network.hidden": [[10], [30], [100]],
        "network.activation": ["sigmoid", "tanh", "relu"],
    }
    found = []
    for seed in (1, 2, 3):
        progress(f"halving, seed {seed}")
        scores, evaluations = [], []
        for search in ("grid", "halving"):
            recipe = {
                "data": {"scale": "none"},
                "network": {"output": "softmax", "init": {"name": "glorot"}},
                "training": {"epochs": epochs, "seed": seed, "optimizer": "adam", "dtype": "float32"},
                "report": {"html": False},
                "sweep": {"search": search, "grid": grid, "monitor": "validation_accuracy"},
            }
            swept = nnspark.sweep(recipe, (X, y), progress=False)
            scores.append(swept.ranked[0]["mean"])
            evaluations.append(sum(one["evaluations"] for one in swept.results))
        found.append(
            {
                "seed": seed,
                "grid, best": round(scores[0], 4),
                "halving, best": round(scores[1], 4),
                "evaluations": f"{evaluations[1]} of {evaluations[0]}",
                "share": round(evaluations[1] / evaluations[0], 3),
            }
        )
    rows_validating = round(rows_wanted * 0.1)
    noise = (0.25 / rows_validating) ** 0.5
    worst = max(one["grid, best"] - one["halving, best"] for one in found)
    ratios = [
        Ratio("halving's evaluations / the grid's", max(one["share"] for one in found), MOST_EVALUATIONS, -1),
        Ratio(f"worst loss of score ({rows_validating} rows validate)", worst, 2 * noise, -1),
    ]
    return {"rows": found, "ratios": ratio_table(ratios)}
