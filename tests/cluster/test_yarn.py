"""Apache Hadoop's own HDFS and YARN on loopback: rows and run directory on hdfs://, the same bits.

All slow: the daemons alone take longer to start than a test of the fast suite may.
"""

import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("psutil")
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from disasters import yarn
from hadoop_daemons import jars

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(2400)]


@pytest.fixture(scope="module")
def hadoop(tmp_path_factory: Any) -> Iterator[yarn.Hadoop]:
    """A NameNode, two DataNodes, a ResourceManager, two NodeManagers, and the digits in HDFS."""
    if shutil.which("mvn") is None and not jars.is_there():
        pytest.skip("Apache Hadoop is not there, and no Maven to fetch it")
    with yarn.Hadoop(tmp_path_factory.mktemp("hadoop")) as running:
        yield running


@pytest.mark.parametrize("mode", ["client", "cluster"])
def test_yarn_gives_the_weights_of_the_engine_without_spark(hadoop: Any, tmp_path: Path, mode: str) -> None:
    """Weights, history and metrics; the containers' Python has neither NumPy nor nnspark."""
    problems, _ = yarn.train(hadoop, tmp_path, rng=random.Random(mode), mode=mode)
    assert problems == []


def test_a_killed_application_master_is_started_again_and_goes_on(hadoop: Any, tmp_path: Path) -> None:
    """In cluster mode the driver dies with it; the next attempt resumes by itself."""
    problems, _ = yarn.train(
        hadoop, tmp_path, rng=random.Random(1), faults=[yarn.kill_the_application_master]
    )
    assert problems == []


def test_a_lost_node_changes_nothing(hadoop: Any, tmp_path: Path) -> None:
    """A NodeManager killed with its containers, the driver's perhaps, twice."""
    problems, _ = yarn.train(hadoop, tmp_path, rng=random.Random(2), faults=[yarn.lose_a_node] * 2)
    assert problems == []


@pytest.mark.parametrize("moment", yarn.MOMENTS)
def test_a_name_node_restarted_in_a_checkpoint_is_waited_for(
    hadoop: Any, tmp_path: Path, moment: str
) -> None:
    """Before the file is written, before it is renamed, and after."""
    problems, _ = yarn.train(
        hadoop, tmp_path, rng=random.Random(moment), faults=[yarn.restart_the_name_node], moment=moment
    )
    assert problems == []


def test_a_killed_data_node_changes_nothing(hadoop: Any, tmp_path: Path) -> None:
    """Checkpoints go to the other one; last, since it stays away."""
    problems, _ = yarn.train(hadoop, tmp_path, rng=random.Random(3), faults=[yarn.lose_a_data_node])
    assert problems == []
