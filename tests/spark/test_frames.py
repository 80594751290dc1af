"""DataFrames read by executors give the blocks that arrays give, and name the values they refuse."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from spark.training import Outcome, outcome, recipe_of, without_spark

from nnspark.data.dataset import make_dataset
from nnspark.engines.frames import frame_shards, read_frame
from nnspark.engines.frames.locate import quiet_analysis
from nnspark.engines.layout import make_shards
from nnspark.errors import DataError
from nnspark.runs.data import load_shards
from nnspark.sources import load_table

FRAME = """
[data]
source = "parquet"
scale = "standard"
[training]
epochs = 1
block_rows = 200
learning_rate = 0.5
"""
ROWS = 3_000


def made_rows() -> pd.DataFrame:
    """Three classes, six features of very different scales, some rows repeated."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(ROWS, 6)) * [1, 1e-3, 1e4, 1, 5, 0]
    label = (X[:, 0] > 0).astype(int) + (X[:, 3] > 0.5)
    rows = pd.DataFrame(X, columns=[f"x{i}" for i in range(6)]).assign(label=label, w=rng.uniform(0, 2, ROWS))
    return pd.concat([rows, rows.iloc[:50]], ignore_index=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same rows as one Parquet file, 17 files, CSV, and wide columns, in different orders."""
    root = tmp_path_factory.mktemp("frames")
    rows = made_rows()
    rows.to_parquet(root / "one.parquet", index=False)
    mixed = rows.sample(frac=1, random_state=3)
    (root / "many").mkdir()
    for number, part in enumerate(np.array_split(np.arange(len(mixed)), 17)):
        mixed.iloc[part].to_parquet(root / "many" / f"part-{number:02}.parquet", index=False)
    mixed.to_csv(root / "rows.csv", index=False)
    return root


def on_frames(spark: Any, folder: Path, *overrides: str) -> Outcome:
    """Train on the executors' reading of the files."""
    recipe = recipe_of(*overrides, text=FRAME)
    return outcome(recipe, load_shards(recipe, spark))


FILES = {
    "one.parquet": ("data.columns=['x0','x1','x2','x3','x4','x5']",),
    "many": ("data.columns=['x0','x1','x2','x3','x4','x5']",),
    "rows.csv": ("data.source=csv", "data.columns=['x0','x1','x2','x3','x4','x5']"),
}
OPTIONS = {
    "plain": (),
    "float32": ('training.dtype="float32"',),
    "stratified, minmax": ("data.split.stratify=true", 'data.scale="minmax"'),
    "weighted, balanced": ("data.weight=w", "training.class_weight=balanced"),
    "no split": ("data.split={train=1.0,validation=0.0,test=0.0}",),
}


# test_same_bits.py has float32, test_sizes.py no split; what is plain is in the test of wide columns below,
# and of seven files in test_raw_tables.py.
LONG = ("plain", "float32", "no split")
CELLS = [
    pytest.param(options, marks=[pytest.mark.slow] if name in LONG else [], id=name)
    for name, options in OPTIONS.items()
]


@pytest.mark.parametrize("options", CELLS)
def test_files_and_partitions_do_not_change_a_bit(spark: Any, folder: Path, options: tuple[str, ...]) -> None:
    """One file, 17 files and CSV, on 1, 3 and 7 partitions, agree with the engine without Spark."""
    expected = without_spark(
        recipe_of(f"data.path={folder / 'one.parquet'}", *FILES["one.parquet"], *options, text=FRAME)
    )
    for partitions, (file, source) in zip((1, 3, 7), FILES.items(), strict=True):
        where = (f"data.path={folder / file}", f"spark.partitions={partitions}", *source, *options)
        assert on_frames(spark, folder, *where) == expected, file


# Vectors: tests/ml/test_fetching.py has those of files, by both engines.
@pytest.mark.parametrize("task", [pytest.param("vector", marks=pytest.mark.slow), "array", "regression"])
def test_wide_columns_and_targets_agree_with_arrays(
    spark: Any, folder: Path, task: str, tmp_path: Path
) -> None:
    """A vector column, an array column, and two regression targets."""
    from pyspark.ml.feature import VectorAssembler
    from pyspark.sql import functions as F

    names = [f"x{i}" for i in range(6)]
    df = spark.read.parquet(str(folder / "one.parquet"))
    options = ["data.split.test=0.0", "data.split.train=0.9"]
    if task == "regression":
        df = df.select(*names[2:], "x0", "x1")
        options += [
            "data.task=regression",
            "data.label=['x0','x1']",
            "data.target_scale=standard",
            "training.learning_rate=0.1",
        ]
    elif task == "vector":
        df = VectorAssembler(inputCols=names, outputCol="features").transform(df).select("features", "label")
    else:
        df = df.select(F.array(*names).alias("pixels"), "label")
    df.write.parquet(str(tmp_path / "wide"))
    options.append(f"data.path={tmp_path / 'wide'}")
    assert on_frames(spark, tmp_path, *options) == without_spark(recipe_of(*options, text=FRAME))


@pytest.mark.slow  # by an estimator: tests/ml/test_classifier.py::test_40_rows_in_50_partitions_train
def test_more_partitions_than_rows(spark: Any) -> None:
    """spark.range(0, 40, 1, 50): 40 rows in 50 partitions give what 1 partition gives."""
    from pyspark.sql import functions as F

    def frame(partitions: int) -> Any:
        numbers = spark.range(0, 40, 1, partitions)
        return numbers.select(F.col("id").cast("double").alias("x"), (F.col("id") % 2).alias("label"))

    recipe = recipe_of('data.scale="standard"', text=FRAME)
    one, many = (outcome(recipe, frame_shards(frame(n), recipe, partitions=n)) for n in (1, 50))
    assert one == many


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("one repeated row", lambda d: d.iloc[[0] * 2000].assign(label=[0, 1] * 1000)),
        pytest.param(  # features that are equal are below, a column of zeros is among them
            "all-zero features",
            lambda d: d.assign(**{f"x{i}": 0.0 for i in range(6)}),
            marks=pytest.mark.slow,
        ),
        ("equal features, other labels", lambda d: pd.concat([d, d.assign(label=(d["label"] + 1) % 3)])),
    ],
    ids=["one row", "zeros", "labels"],
)
def test_degenerate_rows_train_to_the_same_bits(
    spark: Any, tmp_path: Path, name: str, make: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    """Repeated rows, zero features, and equal features with different labels."""
    make(made_rows().drop(columns="w")).to_parquet(tmp_path / "rows.parquet", index=False)
    options = (f"data.path={tmp_path / 'rows.parquet'}", "data.split={train=1.0,validation=0.0,test=0.0}")
    assert on_frames(spark, tmp_path, *options) == without_spark(recipe_of(*options, text=FRAME))


BAD = {
    "null": (
        lambda d: d.assign(x3=d["x3"].where(d.index != 7)),
        r"'x3' is null in 1 rows.*/rows\.parquet row 7 \(counted from 0\)",
    ),
    "nan": (
        lambda d: d.assign(x3=np.where(d.index == 11, np.inf, d["x3"])),
        r"'x3' is NaN or infinite 1.*/rows\.parquet row 11 ",
    ),
    "label": (
        lambda d: d.assign(label=d["label"].astype(float).where(d.index != 3)),
        r"needs a label, but 1 row has none in column 'label'; the first is at .*/rows\.parquet row 3 ",
    ),
    "one class": (lambda d: d.assign(label=1), "only one class, 1"),
    "fraction": (lambda d: d.assign(label=d["label"] + 0.5), "not a whole number"),
    "text": (lambda d: d.assign(x1="a"), "'x1' is string, not a number"),
    "weight": (
        lambda d: d.assign(w=-d["w"]),
        r"weights must be .* but \d+ rows have another in column 'w'; .*/rows\.parquet row 0 ",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_unusable_values_are_refused_by_name(spark: Any, tmp_path: Path, kind: str) -> None:
    """Column and count, and the first file and row where the source tells."""
    make, message = BAD[kind]
    make(made_rows()).to_parquet(tmp_path / "rows.parquet", index=False)
    recipe = recipe_of(f"data.path={tmp_path / 'rows.parquet'}", "data.weight=w", text=FRAME)
    with pytest.raises(DataError, match=message):
        load_shards(recipe, spark)


@pytest.mark.parametrize(
    ("line", "why"),
    [("1,2,3,4,5,6,0,1,99", ""), ("1,2", ""), ("1,2,oops,4,5,6,0,1", ", column 'x2' is 'oops'")],
    ids=["long", "short", "text"],
)
def test_a_csv_record_that_does_not_fit_is_named_by_line(
    spark: Any, folder: Path, tmp_path: Path, line: str, why: str
) -> None:
    """File, line and text of the first such record, and the cell that is no number."""
    lines = (folder / "rows.csv").read_text().splitlines()
    lines[1234] = line
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
    recipe = recipe_of(f"data.path={tmp_path / 'rows.csv'}", "data.source=csv", text=FRAME)
    with pytest.raises(DataError, match=rf"rows\.csv line 1235{why}: '{line}'"):
        load_shards(recipe, spark)


def test_a_missing_or_truncated_file_is_one_line(spark: Any, folder: Path, tmp_path: Path) -> None:
    """Spark's errors become a DataError that names the path."""
    data = recipe_of(f"data.path={tmp_path / 'nothing'}", text=FRAME).data
    with pytest.raises(DataError, match="nothing"):
        read_frame(spark, data)
    whole = (folder / "one.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    recipe = recipe_of(f"data.path={tmp_path / 'cut.parquet'}", text=FRAME)
    with pytest.raises(DataError, match=r"cut\.parquet"):
        load_shards(recipe, spark)


def test_a_truncated_file_among_others_is_named(spark: Any, folder: Path, tmp_path: Path) -> None:
    """Not only the folder that it is in."""
    whole = (folder / "one.parquet").read_bytes()
    for name, content in (("good", whole), ("cut", whole[: len(whole) // 2])):
        (tmp_path / f"{name}.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"cannot read \S*cut\.parquet: "):
        load_shards(recipe_of(f"data.path={tmp_path}", text=FRAME), spark)


def test_rows_of_weight_zero_are_not_there(spark: Any, tmp_path: Path) -> None:
    """Weight 0 equals absence, bit for bit."""
    rows = made_rows()
    rows["w"] = np.where(np.arange(len(rows)) % 3 == 0, 0.0, 1.0)
    rows.to_parquet(tmp_path / "zero.parquet", index=False)
    rows[rows["w"] > 0].to_parquet(tmp_path / "absent.parquet", index=False)
    outcomes = [
        on_frames(spark, tmp_path, f"data.path={tmp_path / name}", "data.weight=w")
        for name in ("zero.parquet", "absent.parquet")
    ]
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    "options",
    [
        ("data.weight=w", "data.split.stratify=true"),
        *(
            pytest.param(options, marks=pytest.mark.slow)
            for options in ((), ("data.weight=w",), ("data.split.stratify=true",))
        ),
    ],
)
@pytest.mark.parametrize("partitions", [pytest.param(1, marks=pytest.mark.slow), 7])
def test_validation_rows_named_by_a_column_are_those_of_arrays(
    spark: Any, folder: Path, options: tuple[str, ...], partitions: int
) -> None:
    """On some partitions only, and all rows of others; null means not."""
    from pyspark.sql import functions as F

    columns = [f"x{i}" for i in range(6)]
    recipe = recipe_of(f"data.path={folder / 'one.parquet'}", f"data.columns={columns}", *options, text=FRAME)
    table = load_table(recipe.data)
    given = np.where(table.features[:, 1] > 1e-3, 1, -1).astype(np.int8)
    expected = outcome(recipe, make_shards(make_dataset(table, recipe, given=given), None))
    df = spark.read.parquet(str(folder / "one.parquet")).withColumn("v", F.expr("x1 > 1e-3 or null"))
    ordered = df.repartitionByRange(partitions, "x1")
    assert outcome(recipe, frame_shards(ordered, recipe, given_by="v")) == expected


@pytest.mark.parametrize("route", ["executors", "driver"])
def test_more_labels_than_classes_can_be_are_refused_alike(
    spark: Any, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    """One more than the limit; exactly so many train."""
    from nnspark.data import classes
    from nnspark.sources.memory import read_memory

    monkeypatch.setattr(classes, "MOST_CLASSES", 20)
    for labels, refused in ((21, True), (20, False)):
        frame = spark.range(200).selectExpr("double(id) x", f"id % {labels} label")
        data = frame if route == "executors" else read_memory(frame.toArrow(), recipe_of().data)
        session = spark if route == "executors" else None
        if refused:
            with pytest.raises(DataError, match="there are more than 20 different labels"):
                load_shards(recipe_of(), session, data)
        else:
            load_shards(recipe_of(), session, data).close()


def test_looking_for_a_columns_place_leaves_pysparks_logger_what_it_is() -> None:
    """Who asks for it first makes it: of a plain one PySpark's errors were TypeErrors ever after."""
    from pyspark.logger import PySparkLogger

    name = "DataFrameQueryContextLogger"
    known = logging.root.manager.loggerDict.pop(name, None)
    try:
        with quiet_analysis():
            assert logging.getLogger(name).disabled
        assert isinstance(logging.getLogger(name), PySparkLogger)
        assert not logging.getLogger(name).disabled
    finally:
        if known is not None:
            logging.root.manager.loggerDict[name] = known
