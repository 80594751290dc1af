"""One store for all of these tests."""

import importlib.util
import os
import sys
from collections.abc import Iterator

import pytest
from stores.jars import jars
from stores.s3 import Store


@pytest.fixture(scope="session")
def server() -> str:
    """The Python that has moto's server, this one or another."""
    if "MOTO_PYTHON" not in os.environ and importlib.util.find_spec("moto") is None:
        pytest.skip("needs moto's server: pip install 'nnspark[stores]'")
    return os.environ.get("MOTO_PYTHON", sys.executable)


@pytest.fixture(scope="session")
def store(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An S3-compatible server with a bucket, and Spark's settings for it."""
    with Store(tmp_path_factory.mktemp("store"), jars()) as running:
        yield running
