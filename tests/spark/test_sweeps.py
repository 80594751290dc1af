"""Sweeps on Spark: the hashes of the engine without it, from every route, in one job an epoch of all."""

import json
import uuid
from typing import Any

import numpy as np
import pytest

import nnspark
from nnspark.data.folds import shared_recipe
from nnspark.engines.folds import Folds
from nnspark.engines.frames import frame_shards
from nnspark.recipe import loads
from nnspark.training.loop import train
from nnspark.training.together import Together

ROWS = np.random.default_rng(11)
X = ROWS.normal(size=(900, 6)).round(3)
Y = (X @ ROWS.normal(size=(6, 3))).argmax(axis=1)
METHODS = {
    "gd": {"training": {"learning_rate": 0.5}},
    "lbfgs": {"training": {"optimizer": "lbfgs"}},
    "rounds": {"training": {"learning_rate": 0.1, "epochs": 2}, "rounds": {"batch_size": 16, "replicas": 2}},
}
GRID = {"network.hidden": [[4], [6]], "training.l2": [0.1, 1.0]}


def recipe_of(method: str, partitions: int = 0, engine: str = "local") -> dict[str, Any]:
    """A method's recipe; two blocks a task at 7 partitions."""
    own = METHODS[method]
    training = {"epochs": 4, "block_rows": 32, "engine": engine, **own["training"]}
    return {
        "data": {"scale": "standard", "label": "y"},
        "training": training,
        "rounds": own.get("rounds", {}),
        "spark": {"partitions": partitions},
    }


def hashes(found: Any) -> list[str]:
    """The models' hashes, the best one's last."""
    return [*(one["weights_sha256"] for one in found.results), found.best.weights_sha256]


# lbfgs: its shards are lost besides in a test below.
@pytest.mark.parametrize(
    "method", [*(pytest.param(one, marks=pytest.mark.slow) for one in ("gd", "lbfgs")), "rounds"]
)
def test_engines_routes_and_partitions_do_not_change_a_bit(spark: Any, tmp_path: Any, method: str) -> None:
    """A table without Spark; the table, and a Parquet folder of 7 files, on 1, 2 and 7 partitions."""
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({**{f"x{i}": X[:, i] for i in range(6)}, "y": Y})
    expected = hashes(nnspark.sweep(recipe_of(method), table, GRID, folds=3, progress=False))
    spark.createDataFrame(table).repartition(7).write.parquet(str(tmp_path / "rows"))
    frame = spark.read.parquet(str(tmp_path / "rows"))
    routes = {"gd": ((1, frame), (2, table)), "lbfgs": ((2, frame),), "rounds": ((7, frame),)}[method]
    for partitions, data in routes:
        recipe = recipe_of(method, partitions, "spark")
        assert hashes(nnspark.sweep(recipe, data, GRID, folds=3, progress=False)) == expected


@pytest.mark.parametrize("asked_for", [(3, -1), pytest.param((0, 1, 2), marks=pytest.mark.slow)])
def test_stratified_folds_of_a_frame_are_those_of_arrays(spark: Any, asked_for: tuple[int, ...]) -> None:
    """Cuts by class, found by passes over the executors' rows; weights and equal rows among them."""
    recipe = loads(
        '[data]\nsource = "memory"\nlabel = "y"\nweight = "w"\nscale = "minmax"\n'
        "split = {test = 0.2, folds = 4, stratify = true}\n[training]\nblock_rows = 16\nepochs = 2\n"
        'class_weight = "balanced"\n'
    )
    weight = np.arange(900) % 3 + 0.5
    rows = np.repeat(X[:300], 3, axis=0)
    target = np.repeat(Y[:300], 3)
    import pandas

    table = pandas.DataFrame({**{f"x{i}": rows[:, i] for i in range(6)}, "y": target, "w": weight})
    found = []
    for data in (table, spark.createDataFrame(table).repartition(5)):
        for fold in asked_for:
            split = {"test": 0.2, "folds": 4, "fold": fold, "stratify": True}
            asked = recipe.to_dict()
            asked["data"]["split"] = split
            asked["training"]["engine"] = "local" if data is table else "spark"
            model = nnspark.train(asked, data, progress=False)
            parts = [
                model.metrics.get(part, {}).get("num_samples") for part in ("train", "validation", "test")
            ]
            found.append((model.weights_sha256, parts))
    assert found[: len(asked_for)] == found[len(asked_for) :]
    assert sum(found[0][1]) == 900


def test_an_epoch_of_all_models_is_one_job(spark: Any) -> None:
    """12 models of 3 epochs take 3 jobs, and 2 for the last figures."""
    recipe = loads(json_recipe(recipe_of("gd", 2, "spark")))
    table = spark.createDataFrame([(*map(float, x), int(y)) for x, y in zip(X, Y, strict=True)],
                                  [*(f"x{i}" for i in range(6)), "y"])  # fmt: skip
    sc = spark.sparkContext
    with frame_shards(table, shared_recipe(with_folds(recipe))) as shards:
        folds = Folds(shards, with_folds(recipe))
        views = [folds.shards(fold).view for fold in range(3)]
        works = [
            ((i, fold), lambda member, fold=fold: train(recipe, views[fold](member)))
            for i in range(4)
            for fold in range(3)
        ]
        group = f"sweep {uuid.uuid4().hex}"
        sc.setJobGroup(group, group)
        try:
            members = list(Together(shards, 100).run(works))
        finally:
            sc.setLocalProperty("spark.jobGroup.id", None)
        assert [member.error for member in members] == [None] * 12
        assert len(sc.statusTracker().getJobIdsForGroup(group)) == 4 + 2


def json_recipe(table: dict[str, Any]) -> str:
    """A table of sections as TOML."""
    table = {**table, "data": {"source": "memory", **table["data"]}}
    lines = []
    for section, keys in table.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    return "\n".join(lines)


def with_folds(recipe: Any) -> Any:
    """The recipe with three folds."""
    table = recipe.to_dict()
    table["data"]["split"] |= {"folds": 3}
    from nnspark.recipe import of_table

    return of_table(table)


def test_lost_shards_are_laid_out_again(spark: Any, monkeypatch: Any) -> None:
    """Files deleted in mid-sweep: the same hashes."""
    import pandas

    from nnspark.engines import resident

    table = pandas.DataFrame({**{f"x{i}": X[:, i] for i in range(6)}, "y": Y})
    expected = hashes(nnspark.sweep(recipe_of("lbfgs"), table, GRID, folds=3, progress=False))
    from nnspark.runs.sweeps import models

    epochs, keep = [0], models.Keeper.remember

    def deleting(self: Any, rows: Any, progress: Any) -> None:
        keep(self, rows, progress)
        epochs[0] += len(rows)
        if epochs[0] in (5, 20):
            delete_shards()

    def delete_shards() -> None:
        import shutil

        for root in resident.local_roots():
            for folder in root.glob("nnspark/*/shard-0*"):
                shutil.rmtree(folder, ignore_errors=True)

    monkeypatch.setattr(models.Keeper, "remember", deleting)
    monkeypatch.setenv("SPARK_LOCAL_DIRS", local_directories(spark))
    frame = spark.createDataFrame(table).repartition(3)
    assert (
        hashes(nnspark.sweep(recipe_of("lbfgs", 2, "spark"), frame, GRID, folds=3, progress=False))
        == expected
    )
    assert epochs[0] >= 20


def local_directories(spark: Any) -> str:
    """Where the workers of this session write."""
    import os

    def home(rows: Any) -> Any:
        list(rows)
        yield os.environ.get("SPARK_LOCAL_DIRS", "")

    (found,) = set(spark.sparkContext.parallelize(range(2), 1).mapPartitions(home).collect())
    return str(found)
