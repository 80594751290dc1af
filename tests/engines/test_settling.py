"""Worker processes: what PySpark's collector has to look at after each task."""

import pytest

pytest.importorskip("pyspark")


def test_imported_modules_are_set_aside_from_a_workers_garbage(spark):
    """After the first task, and again after what PySpark imports then; not over and over."""
    from nnspark.engines import settling

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
