"""Folds of raw columns and of logarithms: the same bits and the same refusals by every route."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from helpers import outcome as result_of
from raw_tables import made_rows
from spark.training import outcome, recipe_of

import nnspark
from nnspark.errors import NNSparkError
from nnspark.recipe import Recipe
from nnspark.runs.data import load_shards

TEXT = """
[data]
source = "csv"
scale = "standard"
split = {folds = 3, fold = 1, test = 0.2}
[network]
hidden = [4]
[training]
epochs = 1
block_rows = 50
learning_rate = 0.5
"""
SAME = (
    "data.missing=-1.5", 'data.dates=["day"]', "data.categorical.hash={zip = 8}",
    'data.exclude=["city", "flag"]',
)  # fmt: skip
LOG = (
    "data.task=regression", "data.target_scale=log", "data.label=height", 'data.columns=["zip", "age"]',
    'data.exclude=["label"]',
)  # fmt: skip


def written(rows: pd.DataFrame, folder: Path, *options: str) -> Recipe:
    """The recipe of a CSV file of these rows, beside which lies a Parquet one."""
    rows.to_csv(folder / "rows.csv", index=False)
    rows.to_parquet(folder / "rows.parquet", index=False)
    return recipe_of(*options, f"data.path={folder / 'rows.csv'}", text=TEXT)


def routes(spark: Any, recipe: Recipe, rows: pd.DataFrame, partitions: tuple[int, ...] = (7,)) -> list[Any]:
    """What lays the rows out, without Spark and with it."""
    path = recipe.data.path.replace("csv", "parquet")
    parquet = recipe_of("data.source=parquet", f"data.path={path}", text=nnspark.recipe.dumps(recipe))
    frame = spark.createDataFrame(pa.Table.from_pandas(rows, preserve_index=False))
    return [
        lambda: load_shards(recipe, None, rows),
        lambda: load_shards(recipe, None),
        lambda: load_shards(recipe, spark),
        lambda: load_shards(parquet, spark),
        *(lambda n=n: load_shards(recipe, spark, frame.repartition(n)) for n in partitions),
    ]


@pytest.mark.parametrize(
    "partitions", [(7,), pytest.param((1, 2), marks=pytest.mark.slow)], ids=["seven partitions", "few"]
)
@pytest.mark.parametrize(
    "options", [SAME, pytest.param(LOG, marks=pytest.mark.slow)], ids=["raw columns", "log targets"]
)
def test_a_folds_run_has_the_same_bits_by_every_route(
    spark: Any, tmp_path: Path, options: tuple[str, ...], partitions: tuple[int, ...]
) -> None:
    """Weights, history, figures, what is learned, what is hinted at."""
    rows = made_rows()
    rows = rows if options is SAME else rows.fillna({"age": 0.0, "height": 170.0})
    recipe, found = written(rows, tmp_path, *options), []
    for route in routes(spark, recipe, rows, partitions):
        with route() as shards:
            plan, scaling = shards.plan, shards.plan.scaling
            about = (plan.encoding, plan.feature_names, plan.fingerprint, plan.hints, scaling.center.tolist())
            found.append((outcome(recipe, shards), about))
    assert all(one == found[0] for one in found)


def test_every_route_refuses_targets_without_a_logarithm_in_folds(spark: Any, tmp_path: Path) -> None:
    """Rows are laid out as they are, but not before they were looked at."""
    rows = made_rows().fillna({"age": 0.0, "height": 170.0})
    rows.loc[17, "height"] = -1.0
    recipe = written(rows, tmp_path, *LOG)
    for route in routes(spark, recipe, rows):
        _, said = result_of(route, kind=NNSparkError)
        assert "above -1" in said
        assert "1 row has another" in said


def test_a_sweeps_models_are_single_runs_of_raw_columns(spark: Any, tmp_path: Path) -> None:
    """Each fold's weights; the best model takes raw rows."""
    rows = made_rows()
    recipe = written(rows, tmp_path, *SAME, "data.split={test = 0.2, train = 0.7, validation = 0.1}")
    swept = nnspark.sweep(recipe, grid={"training.l2": [0.1, 1.0]}, folds=3, progress=False)
    asked = written(rows, tmp_path, *SAME, "data.split.fold=2", "training.l2=0.1")
    single = nnspark.train(asked, progress=False)
    found = [one for one in swept.results if one["fold"] == 2 and one["settings"] == {"training.l2": 0.1}]
    assert [one["weights_sha256"] for one in found] == [single.weights_sha256]
    assert np.isfinite(swept.best.predict_proba(rows)).all()
