"""Over Spark Connect: the bits of the engine without Spark, by every way in; and nothing is left there."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
MISSING = [name for name in ("grpc", "grpc_status", "zstandard") if find_spec(name) is None]
LONG = 1_500  # seconds, on a machine that is busy
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"no {', '.join(MISSING)}: pip install 'nnspark[connect]'"),
    pytest.mark.timeout(LONG),
]


def run(folder: Path, *options: str) -> dict[str, Any]:
    """What the program with a server and a client found."""
    command = [sys.executable, str(TESTS / "connect/over_connect.py"), str(folder), *options]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]),
    }
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONG, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run for many claims, as it takes seconds to start."""
    return run(tmp_path_factory.mktemp("connect"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The run that takes longer."""
    return run(tmp_path_factory.mktemp("connect"), "whole")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The run on a server of two executors."""
    return run(tmp_path_factory.mktemp("connect"), "cluster")


@pytest.mark.parametrize("name", ["gd 2", "adam 2", "lbfgs 2", "rounds 7"])
def test_rows_on_a_server_do_not_change_a_bit(found: dict[str, Any], name: str) -> None:
    """Weights and history are those of the engine without Spark."""
    assert found[name] == found[f"local {name.partition(' ')[0]}"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gd 1", "adam 1", "lbfgs 1", "rounds 2", "gd 7", "adam 7", "lbfgs 7"])
def test_partitions_do_not_change_a_bit(whole: dict[str, Any], name: str) -> None:
    """Any number of them, of rows in memory and in Parquet files."""
    assert whole[name] == whole[f"local {name.partition(' ')[0]}"]


def test_lost_shards_are_rebuilt_and_do_not_change_a_bit(found: dict[str, Any]) -> None:
    """Shards deleted before an evaluation, all or some."""
    assert found["gd lost"] == found["local gd"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gd", "crowd"])
def test_a_killed_executor_does_not_change_a_bit(cluster: dict[str, Any], name: str) -> None:
    """Two executors; what one of them held is made again in the middle of an evaluation."""
    assert cluster[f"{name} homes"] == 2
    assert cluster[f"{name} killed"] == cluster[f"local {name}"]


@pytest.mark.parametrize("name", ["adam files", "adam moved"])
def test_shards_in_files_do_not_change_a_bit(found: dict[str, Any], name: str) -> None:
    """Where the server keeps no DataFrame, and where it loses its shards for good."""
    assert found[name] == found["local adam"]


def test_files_are_written_where_they_are_wanted_and_then_deleted(found: dict[str, Any]) -> None:
    """In the folder that recipe or session name; without one, that is refused in a line that says it."""
    assert found["packed"] >= 3
    assert found["files left"] == []
    assert "spark.scratch" in found["kept nowhere"]
    assert len(found["kept nowhere"].splitlines()) == 1


def test_large_values_and_many_tasks_do_not_change_a_bit(found: dict[str, Any]) -> None:
    """Rows of the driver; weights that travel in pieces; reports that are merged before they meet here."""
    assert found["sizes 5"] == found["local sizes"]


@pytest.mark.parametrize("way", ["train", "transform"])
def test_training_and_prediction_give_what_they_give_without_spark(found: dict[str, Any], way: str) -> None:
    """nnspark.train and a model's transform of a DataFrame."""
    here, there = found[way]
    assert there == here
    assert found["engine"] == "connect"


@pytest.mark.slow
@pytest.mark.parametrize(
    "way",
    [
        *("evaluate", "sweep", "own parts", "functions"),
        *("ml", "ml transform", "ml summary", "ml cross-validation", "ml folds that a column names"),
    ],
)
def test_every_way_in_gives_what_it_gives_without_spark(whole: dict[str, Any], way: str) -> None:
    """A model's evaluate, register and as_udf, nnspark.sweep with folds, and Spark ML's estimators."""
    here, there = whole[way]
    assert there == here


@pytest.mark.slow
def test_a_client_without_java_trains_and_predicts(whole: dict[str, Any]) -> None:
    """With pyspark-client's modules alone, whose server has all of Spark's."""
    client = whole["client"]
    assert client["alone"]
    assert client["train"] == whole["train"][0]
    assert client["transform"] == sorted(whole["transform"][0])
    assert client["ml"] == whole["ml"][0]
    assert client["ml rows"] == 1_797


def test_nothing_is_left_on_the_server(found: dict[str, Any]) -> None:
    """The files of closed shards, and views."""
    assert found["directories"] > 0
    assert found["directories left"] == 0
    assert found["views left"] == []


def test_files_are_given_as_dataframes(found: dict[str, Any]) -> None:
    """A source that executors read is refused in one line that says what to do."""
    assert "give the rows as a DataFrame" in found["refused"]
    assert len(found["refused"].splitlines()) == 1
