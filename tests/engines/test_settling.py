"""Worker processes: what PySpark's collector has to look at after each task."""

import sys

import pytest

from nnspark.engines import settling
from nnspark.errors import NNSparkError

pytest.importorskip("pyspark")


def test_blas_of_several_threads_is_refused_where_nothing_can_change_that(monkeypatch):
    """Spark tells a task's BLAS to have as many threads as the task has cores, and those give other bits."""
    monkeypatch.setattr(settling, "_settled", False)
    monkeypatch.setattr(settling, "_end_quietly", lambda: None)
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with pytest.raises(NNSparkError, match=r"BLAS has 2 threads.*spark.executorEnv.OMP_NUM_THREADS=1"):
        settling.settle_worker()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    settling.settle_worker()
    assert settling._settled


def test_imported_modules_are_set_aside_from_a_workers_garbage(spark):
    """After the first task, and again after what PySpark imports then; not over and over."""
    most = settling.LOOSE

    def look(batches):
        import gc
        import os

        import pyarrow as pa

        from nnspark.engines import settling

        for _ in batches:
            pass
        settling.settle_task()
        columns = {"pid": [os.getpid()], "loose": [len(gc.get_objects())], "times": [settling._times]}
        yield pa.RecordBatch.from_pydict(columns)

    seen = {}
    for _ in range(6):
        for row in spark.range(0, 2, 1, 2).mapInArrow(look, "pid long, loose long, times long").collect():
            assert row.loose < most
            seen.setdefault(row.pid, []).append(row.times)
    assert all(times[-1] <= settling.MOST_TIMES for times in seen.values())
    assert any(len(set(times[-2:])) == 1 for times in seen.values() if len(times) > 1)
