"""Master, workers and driver on hosts of their own, whose network is cut, slow, lossy or gone: equal bits.

All slow: a run waits for what Spark waits for before it takes a host for lost.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("psutil")
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import hosts as network
import psutil
from disasters import hosts

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(1800)]
if network.why_not():
    pytest.skip(network.why_not(), allow_module_level=True)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hosts.HostsCluster]:
    """Three workers, a master, and a place for the driver."""
    with hosts.HostsCluster(tmp_path_factory.mktemp("hosts")) as running:
        yield running


@pytest.mark.parametrize("name", hosts.TROUBLES)
def test_what_happens_between_hosts_changes_nothing(cluster: hosts.HostsCluster, name: str) -> None:
    """The weights, history and metrics of the engine without Spark, each epoch once."""
    outcome = hosts.trouble(cluster, cluster.folder, name)
    print(outcome.fault, outcome.notes)
    assert outcome.problems == []


def test_a_cluster_on_hosts_ends_with_its_owner(tmp_path: Path) -> None:
    """Killed, not asked: no process, no folder is left; of links and namespaces, tests/test_hosts.py."""
    cluster = hosts.HostsCluster(tmp_path)
    with subprocess.Popen(["sleep", "900"]) as owner:
        cluster.call("up", "--hosts", "3", "--owner", str(owner.pid))
        assert len(of(cluster)) >= 5  # master, workers, wire
        owner.kill()
    deadline = time.monotonic() + 30
    while of(cluster) or cluster.state.exists():
        assert time.monotonic() < deadline, of(cluster)
        time.sleep(0.1)


def of(cluster: hosts.HostsCluster) -> list[str]:
    """The processes that have the cluster's folder in their command."""
    commands = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    return [command for command in commands if str(cluster.state) in command]
