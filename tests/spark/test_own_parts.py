"""Parts of the rows' own, by files or by a column: the same bits by every route, each row in its own part."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from spark.training import outcome, recipe_of

import nnspark
from nnspark.data.rows import PARTS
from nnspark.engines.frames import frame_shards
from nnspark.errors import CheckpointError, NNSparkError
from nnspark.evaluation.evaluate import evaluate_model
from nnspark.model import Model
from nnspark.recipe import Recipe, dumps, loads
from nnspark.runs.data import load_shards
from nnspark.training.loop import train

RECIPE = """
[data]
source = "parquet"
scale = "standard"
[network]
hidden = [3]
[training]
epochs = 1
block_rows = 16
class_weight = "balanced"
"""
COLUMN = 'data.split.column="part"'
SIZES = (60, 20, 13)


def made_rows() -> pd.DataFrame:
    """Rows of three parts, some of which stand in all of them, in no order."""
    rng = np.random.default_rng(8)
    part = np.repeat(PARTS, SIZES)
    rows = pd.DataFrame(rng.normal(size=(len(part), 3)).round(3), columns=["a", "b", "c"])
    rows["label"], rows["part"] = rng.integers(0, 3, len(part)), part
    rows.iloc[[0, 70, 90], :4] = rows.iloc[5, :4].to_numpy()
    rows["label"] = rows["label"].astype(int)
    return rows.sample(frac=1, random_state=1).reset_index(drop=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows in one file with the column, and in files of their parts; CSV cells have blanks around."""
    root = tmp_path_factory.mktemp("parts")
    rows = made_rows()
    rows.to_parquet(root / "all.parquet", index=False)
    rows.assign(part=" " + rows["part"]).to_csv(root / "all.csv", index=False)
    for part, own in rows.drop(columns="part").groupby(rows["part"]):
        for number, piece in enumerate(np.array_split(np.arange(len(own)), 2)):
            own.iloc[piece].to_parquet(root / f"{part} {number}.parquet", index=False)
            own.iloc[piece].to_csv(root / f"{part} {number}.csv", index=False)
    return root


def of_files(folder: Path, kind: str) -> tuple[str, ...]:
    """Options that name each part's files."""
    parts = (f'data.{part}=["{folder}/{part} 0.{kind}", "{folder}/{part} [1-9].{kind}"]' for part in PARTS)
    return f"data.source={kind}", *parts


def of_column(folder: Path, kind: str) -> tuple[str, ...]:
    """Options that name the column of one file."""
    return f"data.source={kind}", f"data.path={folder}/all.{kind}", COLUMN


def oracle(rows: pd.DataFrame) -> Any:
    """What training on the training rows alone ends at."""
    only = rows[rows["part"] == "train"].drop(columns="part")
    recipe = recipe_of("data.split={train = 1.0, validation = 0.0, test = 0.0}", text=RECIPE)
    return outcome(recipe, load_shards(recipe, None, only))


WAYS = [("csv", of_files), ("parquet", of_column)]  # each format and each way once
CROSSED = [pytest.param(*one, marks=pytest.mark.slow) for one in (("csv", of_column), ("parquet", of_files))]


@pytest.mark.parametrize(("kind", "way"), [*WAYS, *CROSSED])
def test_every_route_gives_the_same_bits(spark: Any, folder: Path, kind: str, way: Callable) -> None:
    """Files on the driver and on executors, and pandas; rows that are equal keep their own part."""
    memory = recipe_of(COLUMN, text=RECIPE)
    shards = load_shards(memory, None, made_rows())
    assert shards.plan.num_samples == SIZES
    fingerprint, wanted = shards.plan.fingerprint, outcome(memory, shards)
    assert wanted.sha256 == oracle(made_rows()).sha256
    recipe = recipe_of(*way(folder, kind), text=RECIPE)
    for session in (None, spark):
        shards = load_shards(recipe, session)
        assert shards.plan.num_samples == SIZES
        assert shards.plan.fingerprint == fingerprint
        assert outcome(recipe, shards) == wanted


@pytest.mark.parametrize("partitions", [*(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2)), 7])
def test_partitions_do_not_matter(spark: Any, partitions: int) -> None:
    """Of a DataFrame, and of its tasks."""
    recipe = recipe_of(COLUMN, text=RECIPE)
    wanted = outcome(recipe, load_shards(recipe, None, made_rows()))
    df = spark.createDataFrame(made_rows()).repartition(partitions)
    assert outcome(recipe, frame_shards(df, recipe, partitions=partitions)) == wanted


@pytest.mark.parametrize("everywhere", [pytest.param(True, marks=pytest.mark.slow), False])
def test_each_part_is_evaluated_by_itself(spark: Any, folder: Path, everywhere: bool) -> None:
    """``--part`` has the rows of the part, or all of them, by every route; rows without the column too.

    On Spark each part by one of the two ways in turn, or ``everywhere`` by both.
    """
    recipe = recipe_of(*of_files(folder, "csv"), text=RECIPE)
    with load_shards(recipe, None) as shards:
        trained = train(recipe, shards)
        model = Model.of(shards.plan, trained.network, trained.theta, dumps(recipe))
    by_column = replace(recipe, data=recipe_of(*of_column(folder, "parquet"), text=RECIPE).data)
    ways = [loads(model.recipe), by_column]
    for number, (part, size) in enumerate((*zip(PARTS, SIZES, strict=True), ("all", sum(SIZES)))):
        on_spark = ways if everywhere else ways[number % 2 :][:1]
        runs = [*((one, None) for one in ways), *((one, spark) for one in on_spark)]
        found = [evaluate_model(model, one, part=part, session=session) for one, session in runs]
        assert {figures["num_samples"] for figures in found} == {size}
        assert found[1:] == found[:-1]
    for rows in (made_rows(), made_rows().drop(columns="part")):
        assert evaluate_model(model, by_column, part="all", data=rows)["num_samples"] == sum(SIZES)
        df = spark.createDataFrame(rows)
        assert evaluate_model(model, by_column, part="all", data=df)["num_samples"] == sum(SIZES)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_another_value_is_refused_with_its_row(spark: Any, tmp_path: Path, kind: str) -> None:
    """In the same words on both routes, as other values that cannot be used are."""
    rows = made_rows()
    rows.loc[[3, 7], "part"] = "dev"
    file = tmp_path / f"rows.{kind}"
    rows.to_csv(file, index=False) if kind == "csv" else rows.to_parquet(file, index=False)
    recipe = recipe_of(f"data.source={kind}", f"data.path={file}", COLUMN, text=RECIPE)
    found = set()
    for session in (None, spark):
        with pytest.raises(NNSparkError) as caught:
            load_shards(recipe, session)
        found.add(str(caught.value))
    (message,) = found
    place = f"{file} line 5" if kind == "csv" else f"{file} row 3 (counted from 0)"
    assert f"2 rows have another; the first is 'dev' at {place}" in message


def test_a_file_of_two_parts_is_refused_alike(spark: Any, folder: Path) -> None:
    """What is tested on must not have been trained on."""
    options = [*of_files(folder, "csv")[:-1], f'data.test="{folder}/*n 1.csv"']
    for session in (None, spark):
        with pytest.raises(NNSparkError, match=r"is named by data\.train and data\.test"):
            load_shards(recipe_of(*options, text=RECIPE), session)


def test_a_run_goes_on_with_the_same_parts_only(tmp_path: Path) -> None:
    """The fingerprint has the parts in it: rows that change theirs are other data."""
    table = {"data": {"split": {"column": "part"}}, "training": {"epochs": 2}}
    nnspark.train(table, made_rows(), out=str(tmp_path / "run"), progress=False)
    moved = made_rows()
    moved.loc[moved.index[moved["part"] == "train"][0], "part"] = "test"
    moved.loc[moved.index[moved["part"] == "test"][3], "part"] = "train"
    longer = {**table, "training": {"epochs": 3}}
    with pytest.raises(CheckpointError, match="the data differ"):
        nnspark.train(longer, moved, out=str(tmp_path / "run"), resume=True, progress=False)
    nnspark.train(longer, made_rows(), out=str(tmp_path / "run"), resume=True, progress=False)


REFUSED = {
    ('data.split={column = "part", train = 0.8}',): "data.split.train: expected no fraction",
    (COLUMN, "data.split.folds=3"): "data.split.folds: expected 0 with data.split.column",
    ("data.test=a.parquet",): "data.train: expected the paths of the training rows, with data.test",
    ("data.train=a", "data.path=b"): "data.path: expected none with data.train",
    ("data.train=a", COLUMN): "data.split.column: expected none with data.train",
    ("data.train=a", "data.source=npz"): "data.train: expected none with data.source = 'npz'",
    (COLUMN, "data.source=libsvm"): "whose columns have no names",
    ("data.train=a", "stopping.patience=3"): "data.validation: expected paths of rows to stop on",
    ('data.path=["a", ""]',): "data.path: expected paths that are not empty, got ['a', '']",
    ('data.train=["a"]', 'data.test=[""]'): "data.test: expected paths that are not empty, got ['']",
}


@pytest.mark.parametrize(("options", "words"), REFUSED.items(), ids=lambda one: str(one)[:40])
def test_keys_that_do_not_go_together_are_refused(options: tuple[str, ...], words: str) -> None:
    """Before anything is read."""
    with pytest.raises(NNSparkError) as caught:
        recipe_of(*options, text=RECIPE)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "more", [{"stopping": {"patience": 2}}, {"prediction": {"calibration": "temperature"}}], ids=str
)
def test_where_no_row_validates_the_advice_is_of_parts(more: dict[str, Any]) -> None:
    """A fraction would be refused beside them."""
    rows = made_rows().replace({"part": {"validation": "test"}})
    table = {"data": {"split": {"column": "part"}}, "training": {"engine": "local"}, **more}
    with pytest.raises(NNSparkError, match="there are: give some the part 'validation', or ") as caught:
        nnspark.train(table, rows, progress=False)
    assert "data.split.validation" not in str(caught.value)


def test_a_resolved_recipe_reads_as_itself() -> None:
    """Fractions of 0 stand for none."""
    recipe: Recipe = recipe_of(COLUMN, text=RECIPE)
    assert loads(dumps(recipe)) == recipe
    assert (recipe.data.split.train, recipe.data.split.column) == (0.0, "part")


def test_rows_in_memory_are_not_parted_by_files() -> None:
    """Nor have arrays columns of names."""
    X, y = np.zeros((4, 2)), np.arange(4) % 2
    with pytest.raises(NNSparkError, match=r"data\.train names files, but rows were given"):
        nnspark.train({"data": {"source": "csv", "train": "a.csv"}, "training": {"engine": "local"}}, (X, y))
    with pytest.raises(NNSparkError, match="pass the rows as a pandas or Arrow table"):
        nnspark.train({"data": {"split": {"column": "part"}}}, (X, y))
