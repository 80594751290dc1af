"""Several paths and patterns: the same rows and the same refusals on the driver and on executors."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from spark.training import outcome, recipe_of

from nnspark.errors import NNSparkError
from nnspark.runs.data import load_shards

RECIPE = """
[data]
source = "csv"
scale = "standard"
[network]
hidden = [3]
[training]
epochs = 1
block_rows = 16
"""
ROWS = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each format's rows in one file, and in 2025-01-1?/part-*, one with its columns in another order."""
    root = tmp_path_factory.mktemp("paths")
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(ROWS, 3)).round(3), rng.integers(0, 2, ROWS)
    for kind in ("csv", "libsvm", "parquet"):
        write(root / f"one.{kind}", X, y)
        for number, rows in enumerate(np.array_split(np.arange(ROWS), 4)):
            day = root / kind / f"2025-01-1{number // 2}"
            day.mkdir(parents=True, exist_ok=True)
            write(day / f"part-{number}[x].{kind}", X[rows], y[rows], order=(1, 0) if number == 3 else (0, 1))
            (day / f"_part-{number}.{kind}").write_text("no data")
    return root


def write(file: Path, X: Any, y: Any, order: tuple[int, int] = (0, 1)) -> None:
    """Rows in the format of a file's name."""
    if file.suffix == ".csv":
        lines = (f"{a},{b},{c},{label}\n" for (a, b, c), label in zip(X, y, strict=True))
        file.write_text("a,b,c,label\n" + "".join(lines))
    elif file.suffix == ".libsvm":
        lines = (f"{label} 1:{a} 2:{b} 3:{c}\n" for (a, b, c), label in zip(X, y, strict=True))
        file.write_text("".join(lines))
    else:
        columns = [("a", X[:, 0]), ("b", X[:, 1])]
        parquet.write_table(
            pa.table(dict([columns[at] for at in order] + [("c", X[:, 2]), ("label", y)])), file
        )


def refusals_of(spark: Any, *options: str) -> set[str]:
    """What the driver's reader and the executors' say."""
    found = set()
    for session in (None, spark):
        with pytest.raises(NNSparkError) as caught:
            load_shards(recipe_of(*options, text=RECIPE), session)
        found.add(str(caught.value))
    return found


PATTERNS = {
    "glob": '"{root}/{kind}/2025-*/part-*.{kind}"',
    "list": '["{root}/{kind}/2025-01-11", "file://{root}/{kind}/2025-01-1[!1]/p*"]',
    "braces": '"{root}/{kind}/2025-01-1{{0,1}}/part-?[[]x].{kind}"',
}


@pytest.mark.parametrize(("kind", "named"), [("csv", "braces"), ("libsvm", "glob"), ("parquet", "list")])
def test_files_of_patterns_give_the_bits_of_one_file(spark: Any, folder: Path, kind: str, named: str) -> None:
    """On the driver and on executors; each row counts once, and names with brackets are themselves."""
    pattern = PATTERNS[named].format(root=folder, kind=kind)
    whole = recipe_of(f"data.source={kind}", f"data.path={folder}/one.{kind}", text=RECIPE)
    parts = recipe_of(f"data.source={kind}", f"data.path={pattern}", text=RECIPE)
    wanted = outcome(whole, load_shards(whole, None))
    for session in (None, spark):
        shards = load_shards(parts, session)
        assert sum(shards.plan.num_samples) == ROWS
        assert outcome(parts, shards) == wanted


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ('"{root}/csv/2026-*/part-*.csv"', "names no file"),
        ('["{root}/one.csv", "{root}/csv/2025-01-10", "{root}/csv/*/part-1*"]', "named by data.path twice"),
        ('["{root}/one.csv", "{root}/two.csv"]', "does not exist"),
        ('["{root}/csv", "{root}/one.csv"]', "must hold data files only, but has the folder '2025-01-10'"),
        ('"{root}/**/part-0.csv"', "** stands for no folders here"),
        ("[]", "data.path is empty"),
    ],
)
def test_paths_are_refused_alike(spark: Any, folder: Path, path: str, words: str) -> None:
    """A pattern of nothing, a file named twice, one that is not there, a folder in a folder."""
    (message,) = refusals_of(spark, f"data.path={path.format(root=folder)}")
    assert words in message
    assert "\n" not in message


def test_files_of_other_columns_are_refused_alike(spark: Any, folder: Path, tmp_path: Path) -> None:
    """As in one folder: a CSV file has the first one's header."""
    (tmp_path / "other.csv").write_text("a,c,b,label\n1,2,3,0\n")
    path = f'["{folder}/one.csv", "{tmp_path}/other.csv"]'
    for message in refusals_of(spark, f"data.path={path}"):
        assert "expected the same header as" in message


def test_patterns_are_looked_for_beside_the_recipe(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a plain path is."""
    from nnspark.recipe import read

    (folder / "recipe.toml").write_text(RECIPE + "[spark]\n")
    recipe = read(folder / "recipe.toml", ['data.path=["csv/*/part-*", "one.csv", "nowhere*"]'])
    assert recipe.data.path == [f"{folder}/csv/*/part-*", f"{folder}/one.csv", "nowhere*"]


def test_one_path_is_asked_of_sources_that_take_one() -> None:
    """By the recipe's check."""
    with pytest.raises(NNSparkError, match=r"data\.path: expected one path with data.source = 'npz'"):
        recipe_of("data.source=npz", 'data.path=["a.npz", "b.npz"]', text=RECIPE)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_much_in_files_of_a_pattern_counts_each_row_once(spark: Any, tmp_path: Path) -> None:
    """120 MB of seven files: several bins a task, of training rows and of the test's own file."""
    rng = np.random.default_rng(4)
    rows, width = 150_000, 100
    X = rng.normal(size=(rows, width))
    columns = {f"x{at}": X[:, at] for at in range(width)} | {"label": (X[:, 0] > 0).astype(int)}
    table = pa.table(columns)
    edges = np.linspace(0, rows, 8).astype(int)
    for number, (start, stop) in enumerate(pairwise(edges)):
        parquet.write_table(table.slice(start, stop - start), tmp_path / f"part-{number}.parquet")
    recipe = recipe_of(
        "data.source=parquet",
        f'data.train="{tmp_path}/part-[0-5].parquet"',
        f'data.test="{tmp_path}/part-6.parquet"',
        "training.epochs=1",
        "training.block_rows=1024",
        "spark.partitions=2",
        text=RECIPE,
    )
    shards = load_shards(recipe, spark)
    assert len(shards.handles) > 2
    assert shards.plan.num_samples == (edges[6], 0, rows - edges[6])
    assert outcome(recipe, shards) == outcome(recipe, load_shards(recipe, None))
