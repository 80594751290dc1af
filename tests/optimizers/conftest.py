"""One BLAS thread for the costs in plain NumPy and for the peers."""

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="package")
def one_blas_thread() -> Iterator[None]:
    """Two that share a processor with other tests wait for each other, ten times as long as they compute."""
    with threadpool_limits(1):
        yield
