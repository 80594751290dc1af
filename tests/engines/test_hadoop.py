"""Hadoop's client where ``hdfs:///`` names no host: HDFS's own classes, and no daemon."""

from collections.abc import Iterator
from typing import Any

import pytest

from nnspark.engines.hadoop import Hadoop

NOBODY = "hdfs://127.0.0.1:1"  # nobody listens there
SETTINGS = {"fs.defaultFS": NOBODY, "ipc.client.connect.max.retries": "0"}


@pytest.fixture
def on_a_cluster(spark: Any) -> Iterator[Hadoop]:
    """The client of a machine whose own file system is HDFS."""
    conf = spark.sparkContext._jsc.hadoopConfiguration()
    before = {key: conf.get(key) for key in SETTINGS}
    for key, value in SETTINGS.items():
        conf.set(key, value)
    yield Hadoop(spark.sparkContext)
    for key, value in before.items():
        conf.set(key, value) if value is not None else conf.unset(key)


@pytest.mark.parametrize("root", ["hdfs://", NOBODY])
def test_the_file_system_says_which_host_a_rename_is_on(on_a_cluster: Hadoop, root: str) -> None:
    """It is asked, and nobody answers; of paths as they stand Hadoop says that they lack a host."""
    with pytest.raises(Exception, match="Connection refused") as caught:
        on_a_cluster.rename_over(on_a_cluster.path(f"{root}/run/.new"), on_a_cluster.path(f"{root}/run/file"))
    assert "no host" not in str(caught.value)
