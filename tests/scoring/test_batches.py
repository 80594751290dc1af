"""nnspark.scoring.batches: Arrow lists as arrays, answers as Spark's vectors."""

import numpy as np
import pyarrow as pa
import pytest

from nnspark.scoring.batches import usable_rows, vectors_of


def test_whole_rows_are_not_copied():
    """The features are the batch's own memory, of a slice the slice's."""
    values = np.arange(12.0)
    batch = pa.FixedSizeListArray.from_arrays(pa.array(values), 3).cast(pa.list_(pa.float64()))
    for start, rows in ((0, batch), (1, batch.slice(1, 2))):
        features, usable = usable_rows(rows, 3)
        assert usable.tolist() == [True] * len(rows)
        np.testing.assert_array_equal(features, values.reshape(-1, 3)[start : start + len(rows)])
        assert np.shares_memory(features, batch.flatten().to_numpy())


@pytest.mark.parametrize(
    "bad", [None, [], [1.0], [1.0, None], [np.nan, 1.0], [1.0, -np.inf], [1.0, 2.0, 3.0]]
)
def test_rows_that_cannot_be_used_are_left_out(bad):
    """First, last, in a slice; the others keep their values."""
    good = [[1.0, 2.0], [3.0, 4.0]]
    for at in range(3):
        rows = [*good[:at], bad, *good[at:]]
        batch = pa.array([[9.0, 9.0], *rows], pa.list_(pa.float64())).slice(1)
        features, usable = usable_rows(batch, 2)
        assert features.tolist() == good
        assert usable.tolist() == [row is not bad for row in rows]
    features, usable = usable_rows(pa.array([bad], pa.list_(pa.float64())), 2)
    assert (features.shape, usable.tolist()) == ((0, 2), [False])


def test_vectors_are_stored_as_spark_stores_them():
    """The very Arrow type, so that Spark's worker converts nothing; and the values."""
    from pyspark.ml.linalg import Vectors, VectorUDT
    from pyspark.sql.pandas.types import to_arrow_type

    rows = np.array([[0.25, -0.0], [1e-300, 7.0]])
    found = vectors_of(rows)
    assert found.type == to_arrow_type(VectorUDT())
    stored = [tuple(one.values()) for one in found.to_pylist()]
    assert [VectorUDT().deserialize(one) for one in stored] == [Vectors.dense(row) for row in rows]
    assert found.field("values").flatten().to_numpy().tobytes() == rows.tobytes()
    assert len(vectors_of(np.empty((0, 2)))) == 0
