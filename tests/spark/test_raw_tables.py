"""Text, booleans, dates and holes: the same bits by every route, in training and in prediction."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers import outcome as result_of
from jobs.loading import call, read_parts
from raw_tables import made_rows
from spark.training import Outcome, outcome, recipe_of

import nnspark
from nnspark.data.dataset import make_dataset
from nnspark.data.plan import Plan
from nnspark.engines.base import Shards
from nnspark.engines.frames import frame_shards
from nnspark.engines.layout import make_shards
from nnspark.errors import NNSparkError
from nnspark.recipe import Recipe
from nnspark.runs.data import load_shards
from nnspark.sources import load_table
from nnspark.sources.memory import read_memory

TEXT = """
[data]
source = "parquet"
categorical = {columns = "auto", least = 12, hash = {zip = 8}}
missing = {fill = "median", indicator = true}
dates = ["day"]
scale = "standard"
[network]
hidden = [4]
[training]
epochs = 1
block_rows = 100
learning_rate = 0.5
"""
MEAN = ("data.missing=mean", "data.split.stratify=true")
PLAIN = (
    'data.categorical=["city", "flag", "zip"]', "data.missing=-1.5", 'data.exclude=["day"]', "data.dates=[]"
)  # fmt: skip
NUMBERS = (
    "data.categorical=[]", "data.dates=[]", 'data.exclude=["city", "day", "flag"]', "data.missing=median"
)  # fmt: skip
RECIPES = {"median": (), "mean": MEAN, "constant": PLAIN, "numbers alone": NUMBERS}
REFUSED = (
    ((*PLAIN, "data.missing=error"), ("'age'", "data.missing")),
    (
        ("data.categorical=[]", "data.dates=[]"),
        ("'city'", "'day'", 'data.categorical = "auto"', "data.dates"),
    ),
    (('data.categorical=["town"]',), ("data.categorical", "'town'")),
    (('data.categorical=["label"]',), ("data.categorical", "'label'", "no feature")),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows as one file and, mixed, as seven, of either format."""
    root = tmp_path_factory.mktemp("raw")
    rows = made_rows()
    rows.to_csv(root / "one.csv", index=False)
    rows.to_parquet(root / "one.parquet", index=False)
    mixed = rows.sample(frac=1, random_state=3)
    for ending in ("csv", "parquet"):
        (root / f"many.{ending}").mkdir()
    for number, part in enumerate(np.array_split(np.arange(len(mixed)), 7)):
        piece = mixed.iloc[part]
        piece.to_csv(root / "many.csv" / f"part-{number}.csv", index=False)
        piece.to_parquet(root / "many.parquet" / f"part-{number}.parquet", index=False)
    return root


def of_arrays(spark: Any, recipe: Recipe, folder: Path) -> Shards:
    """An array of objects, whose columns have numbers for names."""
    rows = made_rows().drop(columns=list(recipe.data.exclude))
    X, names = rows.drop(columns="label").to_numpy(object), list(rows.columns[:-1])
    table = pa.table({name: pa.array(X[:, at].tolist()) for at, name in enumerate(names)})
    return on_driver(table.append_column("label", pa.array(rows.label)), without_exclude(recipe))


def without_exclude(recipe: Recipe) -> Recipe:
    """The columns are left out already."""
    return recipe_of("data.exclude=[]", text=nnspark.recipe.dumps(recipe))


def on_driver(rows: Any, recipe: Recipe) -> Shards:
    """Rows in memory, without Spark."""
    return make_shards(make_dataset(read_memory(rows, recipe.data), recipe), None)


def of_file(name: str, engine: str) -> Callable[[Any, Recipe, Path], Shards]:
    """A file or folder, read on the driver or by executors."""

    def route(spark: Any, recipe: Recipe, folder: Path) -> Shards:
        source = name.rpartition(".")[2]
        text = nnspark.recipe.dumps(recipe)
        recipe = recipe_of(f"data.source={source}", f"data.path={folder / name}", text=text)
        if engine == "driver":
            return make_shards(make_dataset(load_table(recipe.data), recipe), None)
        return load_shards(recipe, spark)

    return route


def of_frame(partitions: int) -> Callable[[Any, Recipe, Path], Shards]:
    """A DataFrame of rows in memory."""

    def route(spark: Any, recipe: Recipe, folder: Path) -> Shards:
        frame = spark.createDataFrame(pa.Table.from_pandas(made_rows(), preserve_index=False))
        return frame_shards(frame.repartition(partitions), recipe)

    return route


ROUTES: dict[str, Callable[[Any, Recipe, Path], Shards]] = {
    "array": of_arrays,
    "CSV on the driver": of_file("many.csv", "driver"),
    "Parquet on the driver": of_file("many.parquet", "driver"),
    "CSV": of_file("one.csv", "executors"),
    "seven CSV files": of_file("many.csv", "executors"),
    "seven Parquet files": of_file("many.parquet", "executors"),
    "1 partition": of_frame(1),
    "2 partitions": of_frame(2),
    "7 partitions": of_frame(7),
}
FOUND: dict[tuple[str, ...], tuple[Outcome, Plan]] = {}


def taken(recipe: Recipe, shards: Shards) -> tuple[Outcome, Any]:
    """What must not depend on the route."""
    plan = shards.plan
    return outcome(recipe, shards), (plan.encoding, plan.feature_names, plan.fingerprint, plan.hints)


ALIKE = ("CSV", "1 partition", "2 partitions")  # what seven of each do as well: slow
FEW = (*ALIKE, "seven CSV files", "7 partitions")  # by every recipe in the slow tests
MEDIANS = ("numbers alone", "seven Parquet files")  # of columns that "median" has too


def is_long(name: str, route: str) -> bool:
    """Whether another cell goes the same way."""
    return route in (ALIKE if name == "median" else FEW) or (name, route) == MEDIANS


CELLS = [
    pytest.param(name, route, marks=[pytest.mark.slow] if is_long(name, route) else [])
    for name in RECIPES
    for route in ROUTES
]


@pytest.mark.parametrize(("name", "route"), CELLS)
def test_every_route_learns_and_trains_the_same(spark: Any, folder: Path, name: str, route: str) -> None:
    """Categories, fills, feature names, fingerprint, weights and history of pandas' rows without Spark."""
    recipe = recipe_of(*RECIPES[name], text=TEXT)
    if name not in FOUND:
        FOUND[name] = taken(recipe, on_driver(made_rows(), recipe))
    assert taken(recipe, ROUTES[route](spark, recipe, folder)) == FOUND[name]


# A DataFrame of 2 partitions: what one of 7 does.
@pytest.mark.parametrize(
    "route",
    [
        *(name for name in ROUTES if name not in ("array", *ALIKE)),
        pytest.param("2 partitions", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(("options", "words"), REFUSED)
def test_every_route_refuses_the_same(
    spark: Any, folder: Path, options: tuple[str, ...], words: tuple[str, ...], route: str
) -> None:
    """In one line with the key to set."""
    recipe = recipe_of(*options, text=TEXT)
    found, said = result_of(ROUTES[route], spark, recipe, folder, kind=NNSparkError)
    assert found is None
    assert all(word in said for word in words), said


AWKWARD = pd.DataFrame(
    {
        "city": [
            " Rome",
            "Rome",
            "",
            "  ",
            None,
            "true",
            "True",
            "1.0",
            "1",
            "01",
            'a "b"',
            "a, b",
            "Zürich",
        ],
        "flag": [True, False, None, True, True, False, None, True, False, True, True, False, True],
        "x": [1.0, np.nan, 2.5, -3.0, 0.1, 1e100, 7, 8, 9, 10, 11, 12, 13],
        "label": [0, 1] * 6 + [0],
    }
)


# Each fill is learned of each format in the test of all routes; here, each once.
@pytest.mark.parametrize(
    ("source", "fill"),
    [
        *(("csv", "mean"), ("parquet", "median")),
        *(pytest.param(*pair, marks=pytest.mark.slow) for pair in (("csv", "median"), ("parquet", "mean"))),
    ],
)
def test_awkward_texts_are_one_category_everywhere(
    spark: Any, tmp_path: Path, source: str, fill: str
) -> None:
    """Blanks, empty text, booleans and whole numbers as they are spelled here and there, quotes, commas."""
    rows = AWKWARD.astype({"flag": "boolean"})
    options = (
        'data.categorical="auto"', "data.dates=[]", f"data.missing={fill}", f"data.source={source}",
        f"data.path={tmp_path / 'rows'}", "data.split={train = 1.0, validation = 0.0, test = 0.0}",
    )  # fmt: skip
    recipe = recipe_of(*options, text=TEXT)
    (rows.to_csv if source == "csv" else rows.to_parquet)(tmp_path / "rows", index=False)
    expected = taken(recipe, on_driver(rows, recipe))
    encoding = expected[1][0]
    assert encoding.columns[0].categories == ("01", "1", "Rome", "Zürich", 'a "b"', "a, b", "true")
    assert encoding.columns[1].categories == ("false", "true")
    assert taken(recipe, make_shards(make_dataset(load_table(recipe.data), recipe), None)) == expected
    assert taken(recipe, load_shards(recipe, spark)) == expected
    if source == "parquet":
        frame = spark.createDataFrame(pa.Table.from_pandas(rows, preserve_index=False))
        assert taken(recipe, frame_shards(frame, recipe)) == expected


@pytest.fixture(scope="module")
def model() -> nnspark.Model:
    """Trained without Spark."""
    return nnspark.train(
        recipe_of("training.engine=local", "training.epochs=20", text=TEXT), made_rows(), progress=False
    )


@pytest.fixture(scope="module")
def new_rows() -> pd.DataFrame:
    """Rows with a city and a zip that training did not have, and holes in every column."""
    rows = made_rows(80, seed=5).drop(columns="label")
    rows.loc[3, "city"], rows.loc[4, "zip"] = "Atlantis", 999_999
    rows.loc[5] = [np.nan, None, True, np.nan, None, 7]
    rows["flag"] = rows["flag"].astype("boolean")
    rows.loc[6, "flag"] = pd.NA
    return rows


def test_rows_in_memory_of_every_kind_have_the_same_answers(model: Any, new_rows: pd.DataFrame) -> None:
    """pandas, Arrow, dicts, columns and an array of objects; a saved model too."""
    expected = model.predict_proba(new_rows)
    records = [
        {name: None if pd.isna(value) else value for name, value in row.items()}
        for row in new_rows.to_dict("records")
    ]
    kinds = [
        pa.Table.from_pandas(new_rows, preserve_index=False),
        records,
        [{key: value for key, value in row.items() if value is not None} for row in records],
        {name: new_rows[name].tolist() for name in reversed(list(new_rows))},
        new_rows.astype(object).to_numpy(),
        new_rows[list(reversed(list(new_rows)))],
    ]
    for rows in kinds:
        np.testing.assert_array_equal(model.predict_proba(rows), expected)
    assert not np.array_equal(expected[3], model.predict_proba(new_rows.assign(city="Paris"))[3])


def test_spark_has_the_answers_of_numpy(
    spark: Any, model: Any, new_rows: pd.DataFrame, tmp_path: Path
) -> None:
    """transform, the SQL function and the job, of Parquet and of CSV: bit for bit."""
    model.save(tmp_path / "model.safetensors")
    expected, labels = model.predict_proba(new_rows), model.predict(new_rows).tolist()
    table = pa.Table.from_pandas(new_rows.assign(row=range(80)), preserve_index=False)
    frame = spark.createDataFrame(table).repartition(3)
    found = model.transform(frame).toPandas().sort_values("row")
    np.testing.assert_array_equal(found.filter(like="probability_").to_numpy(), expected)
    model.register(spark, "raw_model")
    frame.createOrReplaceTempView("raw_rows")
    asked = spark.sql("SELECT row, raw_model(age, city, flag, height, day, zip) AS p FROM raw_rows")
    assert asked.toPandas().sort_values("row").p.tolist() == labels
    pq.write_table(table, tmp_path / "rows.parquet")
    new_rows.assign(row=range(80)).to_csv(tmp_path / "rows.csv", index=False)
    for source in ("rows.parquet", "rows.csv"):
        out = tmp_path / f"out-{source}"
        call("predict", tmp_path / "model.safetensors", tmp_path / source, "--out", out)
        if source.endswith("csv"):
            header, lines = read_parts(out)
            found = pd.DataFrame(lines, columns=header).astype({"row": int}).sort_values("row")
        else:
            found = pq.read_table(out).to_pandas().sort_values("row")
        shares = found.filter(like="probability_").to_numpy(dtype=float)
        np.testing.assert_array_equal(shares, expected)


def test_an_evaluation_by_spark_is_that_without(spark: Any, model: Any, folder: Path) -> None:
    """All rows, and the test part of the split that the recipe makes; of one format the training part too."""
    expected = model.evaluate(made_rows())
    frame = spark.createDataFrame(pa.Table.from_pandas(made_rows(), preserve_index=False))
    assert model.evaluate(frame.repartition(3), spark) == expected
    from nnspark.evaluation.evaluate import evaluate_model

    for part in ("test", "train"):
        figures = []
        for source in ("one.csv", "one.parquet") if part == "test" else ("one.parquet",):
            path = (f"data.path={folder / source}", f"data.source={source[4:]}")
            recipe = recipe_of(*path, text=model.recipe)
            figures += [evaluate_model(model, recipe, part=part, session=s) for s in (None, spark)]
        assert all(one == figures[0] for one in figures)
        if part == "test":
            assert figures[0]["loss"] == model.metrics["test"]["loss"]


def test_bad_rows_are_errors_or_nulls(spark: Any, model: Any, new_rows: pd.DataFrame, tmp_path: Path) -> None:
    """Text for a number and a day that is none: the job names the column, or leaves the answers out."""
    model.save(tmp_path / "model.safetensors")
    rows = new_rows.assign(row=range(80)).astype({"age": object})
    rows.loc[2, "age"], rows.loc[9, "day"] = "old", "someday"
    rows.to_csv(tmp_path / "rows.csv", index=False)
    job = ("predict", tmp_path / "model.safetensors", tmp_path / "rows.csv", "--out", tmp_path / "out")
    with pytest.raises(NNSparkError, match=r"'age' .* 1 of 80 rows .*'old'"):
        call(*job)
    assert not (tmp_path / "out").exists()
    new_rows.assign(row=range(80), day="2024-1-6").to_csv(tmp_path / "days.csv", index=False)
    with pytest.raises(NNSparkError, match=r"'day' must hold a date .* 80 of 80 rows .*'2024-1-6'"):
        call(*job[:2], tmp_path / "days.csv", *job[3:])
    call(*job, "--on-bad-row", "null")
    header, lines = read_parts(tmp_path / "out")
    found = pd.DataFrame(lines, columns=header).set_index("row")
    assert sorted(found.index[found.prediction == ""].astype(int)) == [2, 9]
    kinds = "age double, city string, flag boolean, height double, day date, zip int"
    frame = spark.createDataFrame([(age, "Rome", True, 1.0, None, 3) for age in (float("inf"), 2.0)], kinds)
    assert [row.prediction is None for row in model.transform(frame).collect()] == [True, False]
    with pytest.raises(Exception, match=r"1 of a batch of .* rows cannot be predicted"):
        model.transform(frame, on_bad_row="error").collect()
    with pytest.raises(NNSparkError, match="on_bad_row"):
        model.transform(frame, on_bad_row="drop")


@pytest.mark.parametrize("target", ["label", "label2"])
def test_log_targets_and_hints_are_alike_by_every_route(spark: Any, tmp_path: Path, target: str) -> None:
    """Scaling, weights, history and what is said of ids and magnitudes; a target of -1 is refused by each."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"id": rng.permutation(300), "name": [f"row {at}" for at in range(300)]})
    rows = rows.assign(x=rng.normal(size=300) / 1e4, y=rng.normal(size=300) * 50)
    rows["label"] = np.expm1(rows.y.abs() / 50) - 0.5
    rows["label2"] = rows.label.where(rows.index != 7, -1.0)
    other = {"label": "label2", "label2": "label"}[target]
    options = (
        "data.task=regression", "data.target_scale=log", f"data.label={target}", f'data.exclude=["{other}"]',
        "data.categorical=auto", "data.missing=mean", "data.dates=[]", "data.scale=none", "data.source=csv",
        f"data.path={tmp_path / 'rows.csv'}",
    )  # fmt: skip
    recipe = recipe_of(*options, text=TEXT)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    frame = spark.createDataFrame(pa.Table.from_pandas(rows, preserve_index=False)).repartition(3)
    routes: list[Callable[[], Shards]] = [
        lambda: on_driver(rows, recipe),
        lambda: make_shards(make_dataset(load_table(recipe.data), recipe), None),
        lambda: load_shards(recipe, spark),
        lambda: frame_shards(frame, recipe),
    ]
    if target == "label2":
        for route in routes:
            _, said = result_of(route, kind=NNSparkError)
            assert "above -1" in said
            assert "1 row has another" in said
        return
    found = [taken(recipe, route()) for route in routes]
    assert all(one == found[0] for one in found)
    said = found[0][1][3]
    assert [word in line for word, line in zip(("'name'", "'id'", "'x'"), said, strict=True)] == [True] * 3
