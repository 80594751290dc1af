"""Importance of raw columns in a run: the same figures with Spark and without."""

import json
from pathlib import Path
from typing import Any

from nnspark.recipe import read
from nnspark.runs.run import run


def test_raw_columns_have_a_figure_each_the_same_on_spark(spark: Any, tmp_path: Path) -> None:
    """Not a value of a category, nor an indicator, by itself."""
    found = {}
    for engine in ("local", "spark"):
        over = ["data.options.rows=600", "training.epochs=3", f"training.engine={engine}"]
        run(read("bank", [*over, "spark.partitions=3"]), str(tmp_path / engine), title="bank")
        found[engine] = json.loads((tmp_path / engine / "metrics.json").read_text())["importance"]
    assert found["spark"] == found["local"]
    assert sorted(one["feature"] for one in found["local"]["features"]) == sorted(
        ["opened", "age", "income", "balance", "products", "job", "city", "channel", "married"]
    )
