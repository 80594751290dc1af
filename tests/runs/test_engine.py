"""Engine "auto": a line that says what it chose and why, and the bits of either engine."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from helpers import make_recipe
from pyarrow import parquet

import nnspark
from nnspark.engines import local, quicker
from nnspark.runs import engine
from nnspark.runs.data import load_shards
from nnspark.runs.engine import with_engine
from nnspark.training.loop import train

RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(200, 5)), RNG.integers(0, 3, 200)
TABLE = pa.table({**{f"x{at}": column for at, column in enumerate(X.T)}, "label": Y})
AUTO = {"training": {"engine": "auto", "epochs": 3, "block_rows": 32}, "report": {"html": False}}


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    """A line is said once a process."""
    monkeypatch.setattr(quicker, "_said", set())


def no_spark(monkeypatch):
    """As in a plain program, whatever other tests have started in this process."""
    monkeypatch.setattr(engine, "active_session", lambda: None)
    monkeypatch.setattr(engine, "_spark_is_set_up", lambda: False)


def test_rows_that_are_here_stay_here_and_the_recipe_says_so(capsys, monkeypatch):
    """Without a session, as in a plain program; a second run says nothing new."""
    no_spark(monkeypatch)
    chosen, _ = (nnspark.train(AUTO, (X, Y), progress=False) for _ in range(2))
    own = {**AUTO, "training": {**AUTO["training"], "engine": "local"}}
    assert chosen.weights_sha256 == nnspark.train(own, (X, Y), progress=False).weights_sha256
    assert 'engine = "local"' in chosen.recipe
    assert capsys.readouterr().err.count("engine local, about ") == 1


def test_files_and_folders_elsewhere_are_sparks(monkeypatch):
    """A run directory at a URI, files that only Hadoop reaches, tables of a catalog; no session is opened."""
    no_spark(monkeypatch)
    asked = make_recipe("training.engine=auto")
    for recipe, out in (
        (asked, "hdfs://here/run"),
        (make_recipe("training.engine=auto", "data.path=hdfs://here/rows.csv", source="csv"), ""),
        (make_recipe("training.engine=auto", "data.table=rows", source="table"), ""),
    ):
        assert with_engine(recipe, out=out).recipe.training.engine == "spark"
    assert with_engine(asked, (X, Y)).recipe.training.engine == "local"


def test_spark_is_not_started_for_rows_that_no_cluster_is_quicker_with(monkeypatch):
    """Under spark-submit: 200 rows are not worth a session; as many blocks, again and again, are."""
    monkeypatch.setattr(engine, "active_session", lambda: None)
    monkeypatch.setattr(engine, "_spark_is_set_up", lambda: True)
    monkeypatch.setattr(engine, "open_session", None)
    chosen = with_engine(make_recipe("training.engine=auto"), (X, Y))
    assert chosen.recipe.training.engine == "local"
    with pytest.raises(TypeError, match="NoneType"):
        with_engine(
            make_recipe("training.engine=auto", "training.epochs=100000", "training.block_rows=1"), (X, Y)
        )


def test_a_file_that_does_not_tell_its_rows_is_sparks_and_one_that_is_not_there_is_refused(
    tmp_path: Path, monkeypatch
):
    """No Parquet file; no file."""
    no_spark(monkeypatch)
    monkeypatch.setattr(engine, "is_certainly_local", lambda path: True)
    asked = make_recipe("training.engine=auto", f"data.path={tmp_path / 'rows'}", source="parquet")
    with pytest.raises(nnspark.DataError, match="rows"):
        with_engine(asked)
    (tmp_path / "rows").write_bytes(b"PAR1 but no more than that PAR1")
    assert with_engine(asked).recipe.training.engine == "spark"
    parquet.write_table(TABLE, tmp_path / "rows")
    assert with_engine(asked).recipe.training.engine == "local"


def test_a_dataframe_has_the_same_bits_wherever_it_is_trained_on(spark, tmp_path, capsys, monkeypatch):
    """Few rows come to the driver by Arrow; with no room for them there, they are Spark's."""
    parquet.write_table(TABLE, tmp_path / "rows.parquet")
    df = spark.read.parquet(str(tmp_path / "rows.parquet")).repartition(3)
    here = nnspark.train(AUTO, df, progress=False)
    monkeypatch.setattr(quicker, "memory_left", lambda: 0)
    there = nnspark.train(AUTO, df, progress=False)
    assert [one.metrics["spark"]["engine"] for one in (here, there)] == ["local", "spark"]
    assert here.weights_sha256 == there.weights_sha256
    said = capsys.readouterr().err
    assert "engine local, about" in said
    assert "engine spark: the rows would take" in said
    monkeypatch.setattr(engine, "collectable", lambda session: 100)
    assert with_engine(make_recipe("training.engine=auto"), df).recipe.training.engine == "spark"
    assert "by Spark's estimate" in capsys.readouterr().err


def test_a_recipes_threads_compute_and_change_no_bit(monkeypatch):
    """As many shares of the blocks as threads; 0 is as many as there are cores."""
    monkeypatch.setattr(local, "THREAD_BYTES", 1)
    monkeypatch.setattr(local, "cores", lambda: 5)
    found = {}
    for threads in (1, 2, 3, 0):
        recipe = make_recipe(
            f"training.threads={threads}", "training.epochs=3", "training.block_rows=16", source="memory"
        )
        with load_shards(recipe, None, TABLE) as shards:
            found[len(shards.blocks)] = train(recipe, shards).theta.tobytes()
    assert list(found) == [1, 2, 3, 5]
    assert len(set(found.values())) == 1
