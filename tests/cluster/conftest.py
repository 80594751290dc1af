"""One real cluster for all of these tests."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("psutil")
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from disasters import cluster as clusters


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: Any) -> Iterator[clusters.Cluster]:
    """A standalone master and two workers whose Python has neither NumPy nor nnspark."""
    with clusters.Cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running
