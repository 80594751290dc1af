"""BLAS has one thread wherever bits are promised, and as many as before once it is over."""

import sys
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from nnspark.net import blas
from nnspark.net.blas import one_blas_thread


def threads():
    """How many threads NumPy's BLAS may use."""
    np.zeros((2, 2)) @ np.zeros((2, 2))
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture
def two_threads():
    """BLAS with two threads."""
    with threadpool_limits(2):
        if threads() != {2}:
            pytest.skip("this BLAS has one thread")
        yield


@pytest.mark.usefixtures("two_threads")
def test_a_block_has_one_thread_and_gives_back_the_others():
    """Also one inside another, and one that is left by an error."""
    with one_blas_thread():
        with pytest.raises(ValueError, match="over"), one_blas_thread():
            raise ValueError("over")
        assert threads() == {1}
    assert threads() == {2}


@pytest.mark.usefixtures("two_threads")
def test_a_thread_that_ends_its_block_leaves_that_of_another_alone():
    """Two of Python's threads predict at once."""

    def other():
        with one_blas_thread():
            found.append(threads())

    found = []
    with one_blas_thread():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        found.append(threads())
    assert found == [{1}, {1}]


@pytest.mark.usefixtures("two_threads")
def test_without_threadpoolctl_things_stay_as_they_are(monkeypatch):
    """An executor may lack it."""
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    blas._controller.cache_clear()
    with one_blas_thread():
        pass
    blas._controller.cache_clear()
