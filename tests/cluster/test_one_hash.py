"""One recipe, one hash: every way to start it and every place of its rows, that can be had on one machine.

Ways whose daemons or jars are not there are left out, and said; `-s` prints the table.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("psutil")
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import hosts as network
from disasters import cluster as clusters
from disasters import hosts, runs, yarn
from disasters.drivers import in_peace
from hadoop_daemons import jars as hadoop_jars
from stores.jars import jars, spark_for_delta
from stores.s3 import Store

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(3600)]
AS_DELTA = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
spark.read.parquet(sys.argv[1]).write.format("delta").save(sys.argv[2])
"""


def hash_of(run: Path) -> str:
    """Of a run's weights."""
    return str(json.loads((run / "metrics.json").read_text())["weights_sha256"])


def on_a_cluster(kind: Callable[[Path], Any]) -> Callable[[Path, list[str]], Iterator[tuple[str, str]]]:
    """A run on a standalone cluster of that kind."""

    def run(folder: Path, settings: list[str]) -> Iterator[tuple[str, str]]:
        with kind(folder) as cluster:
            log = folder / "log"
            assert cluster.submit(folder / "run", log, settings).wait(900) == 0, log.read_text()[-3000:]
        yield "", hash_of(folder / "run")

    return run


def on_three_hosts(folder: Path, settings: list[str]) -> Iterator[tuple[str, str]]:
    """A standalone cluster with an address for each."""
    if network.why_not():
        yield f": {network.why_not()}", ""
        return
    yield from on_a_cluster(hosts.HostsCluster)(folder, settings)


def on_yarn(folder: Path, settings: list[str]) -> Iterator[tuple[str, str]]:
    """Client and cluster mode; rows and run on HDFS."""
    if shutil.which("mvn") is None and not hadoop_jars.is_there():
        yield ": no Hadoop, and no Maven to fetch it", ""
        return
    with yarn.Hadoop(folder) as hadoop:
        for mode in ("client", "cluster"):
            log = folder / f"{mode}.log"
            process = hadoop.run(f"hdfs:///runs/{mode}", log, settings, mode=mode)
            assert process.wait(900) == 0, log.read_text()[-3000:]
            yield f", {mode} mode", hash_of(hadoop.copy(f"/runs/{mode}", folder / mode))


def on_a_store(folder: Path, settings: list[str]) -> Iterator[tuple[str, str]]:
    """Rows and run on s3a."""
    if "MOTO_PYTHON" not in os.environ and find_spec("moto") is None:
        yield ": no server, pip install 'nnspark[stores]'", ""
        return
    with Store(folder, jars()) as store:
        for path in sorted((folder.parent / "digits").glob("*.parquet")):
            store.put(f"digits/{path.name}", path.read_bytes())
        own = [*settings, f'data.path="{store.uri("digits")}"']
        words = ("train", str(runs.RECIPE), "--out", store.uri("run"))
        store.call(*words, *(part for one in own for part in ("--set", one)))
        yield "", str(json.loads(store.read("run/metrics.json"))["weights_sha256"])


def from_delta(folder: Path, settings: list[str]) -> Iterator[tuple[str, str]]:
    """Rows from Delta, on the Spark that there is a Delta for."""
    older, packages = spark_for_delta(), ",".join(map(str, sorted(jars().glob("*.jar"))))
    path = os.pathsep.join(filter(None, [older.get("PYTHONPATH"), str(ROOT), os.environ.get("PYTHONPATH")]))
    arguments = [
        *("--master", "local[2]", "--conf", f"spark.jars={packages}"),
        *("--conf", "spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension"),
        *("--conf", "spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog"),
    ]
    environment = {
        **os.environ, **older, "PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": " ".join([*arguments, "pyspark-shell"]),
    }  # fmt: skip
    own = [*settings, 'data.source="spark"', 'data.format="delta"', f'data.path="{folder / "delta"}"']
    train = ["-m", "nnspark", "train", runs.RECIPE, "--out", folder / "run"]
    for command in (
        ["-c", AS_DELTA, folder.parent / "digits", folder / "delta"],
        [*train, *(part for one in own for part in ("--set", one))],
    ):
        done = subprocess.run(
            [sys.executable, *command], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
    yield "", hash_of(folder / "run")


def on_spark_here(folder: Path, settings: list[str]) -> Iterator[tuple[str, str]]:
    """Local mode."""
    words = [part for one in settings for part in ("--set", one)]
    command = [
        sys.executable,
        "-m",
        "nnspark",
        "train",
        str(runs.RECIPE),
        "--out",
        str(folder / "run"),
        *words,
    ]
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": "--master local[2] pyspark-shell",
    }  # fmt: skip
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    yield "", hash_of(folder / "run")


WAYS: dict[str, Callable[[Path, list[str]], Iterator[tuple[str, str]]]] = {
    "Spark in local mode": on_spark_here,
    "standalone": on_a_cluster(clusters.Cluster),
    "standalone on three hosts": on_three_hosts,
    "YARN and HDFS": on_yarn,
    "rows and run on s3a": on_a_store,
    "rows from Delta": from_delta,
}


@pytest.mark.parametrize("way", WAYS)
def test_one_recipe_has_one_hash(tmp_path: Path, way: str) -> None:
    """That of the engine without Spark: digits from Parquet, gradient descent, 40 epochs."""
    rows = runs.as_parquet(tmp_path)
    folder = tmp_path / "way"
    folder.mkdir()
    expected = hash_of(in_peace("gd", tmp_path, *rows))
    for which, found in WAYS[way](folder, runs.settings_of("gd", *rows)):
        if not found:
            pytest.skip(f"{way}{which}")
        print(f"{way}{which}: {found}")
        assert found == expected
