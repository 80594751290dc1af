"""nnspark.scoring.frame: the same bits for a row wherever it is, and the right columns of a DataFrame."""

import numpy as np
import pyarrow as pa
import pytest
from threadpoolctl import threadpool_limits

from nnspark.data.plan import Scaling
from nnspark.errors import DataError, ShapeError
from nnspark.model import Model
from nnspark.net.network import Network, predict
from nnspark.net.weights import init_weights
from nnspark.scoring import columns as feature_columns
from nnspark.scoring.frame import answer_columns, score

LOSSES = {"softmax": "cross_entropy", "sigmoid": "cross_entropy", "identity": "squared_error"}


def a_model(layers, *, output="softmax", task="classification", dtype="float64", names=None, **options):
    """A model with random weights."""
    columns = layers[0]
    weights = init_weights(layers, {"name": "glorot"}, seed=1, dtype=dtype)
    scaling = Scaling(np.full(columns, 0.5), np.full(columns, 2.0))
    if task == "classification":
        options.setdefault("classes", np.arange(max(layers[-1], 2)))
    return Model(
        Network(layers, "tanh", output, LOSSES[output]),
        weights,
        scaling,
        task,
        tuple(names or map(str, range(columns))),
        **options,
    )


def rows_of(count, columns, seed=0):
    """Random rows."""
    return np.random.default_rng(seed).normal(size=(count, columns))


@pytest.mark.parametrize("layers", [(64, 25, 10), (453, 425, 3), (300, 257), (50, 1), (31, 7, 1), (4, 3)])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_row_has_the_same_bits_wherever_it_is(layers, dtype):
    """Alone, among others, at any position of a product, in pieces of any size."""
    model = a_model(layers, output="softmax" if layers[-1] > 1 else "sigmoid", dtype=dtype)
    X = rows_of(1700, layers[0])
    whole, rng = model.outputs(X), np.random.default_rng(1)
    order = rng.permutation(len(X))
    assert np.array_equal(model.outputs(X[order]), whole[order])
    for size in (1, 2, 7, 333, 767, 769):
        assert np.array_equal(model.outputs(X[-size:]), whole[-size:])
    assert np.array_equal(model.outputs(np.repeat(X[:1], 768, axis=0)), np.repeat(whole[:1], 768, axis=0))
    plain = predict(model.network, model.weights, model.scaling.apply(X))
    np.testing.assert_allclose(whole, plain, rtol=2e-4 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_predictions_do_not_depend_on_the_threads_of_blas(dtype):
    """One thread or two: outputs, probabilities and answers of 1,500 rows of 784 features."""
    model, X = a_model((784, 100, 10), dtype=dtype), rows_of(1500, 784)
    found = set()
    for threads in (1, 2):
        with threadpool_limits(threads):
            outputs = [model.outputs(X), model.predict_proba(X), *model.answers(X)]
            found.add(b"".join(array.tobytes() for array in outputs))
    assert len(found) == 1


@pytest.mark.parametrize(
    "model",
    [
        a_model((5, 3), classes=np.array(["a", "b", "c"])),
        a_model((5, 4, 3), output="sigmoid", classes=np.array([1, 2, 10])),
        a_model((5, 1), output="sigmoid"),
        a_model((5, 2), output="sigmoid", task="multilabel"),
        a_model(
            (5, 1), output="identity", task="regression", target_scaling=Scaling(np.ones(1), np.full(1, 9.0))
        ),
        a_model((5, 2), output="identity", task="regression"),
    ],
    ids=["classes", "sigmoids", "two classes", "multilabel", "regression", "two targets"],
)
def test_answers_are_what_the_model_says(model):
    """Predictions equal Model.predict, probabilities equal Model.predict_proba, one column each."""
    X = rows_of(50, 5)
    columns = dict(zip([name for name, _ in answer_columns(model)], model.answers(X), strict=True))
    predicted = [column for name, column in columns.items() if name.startswith("prediction")]
    np.testing.assert_allclose(
        np.column_stack(predicted), np.reshape(model.predict(X), (50, -1)), rtol=1e-12
    ) if model.classes is None else np.testing.assert_array_equal(predicted[0], model.predict(X))
    shares = [column for name, column in columns.items() if name.startswith("probability")]
    if model.task == "classification":
        np.testing.assert_allclose(np.column_stack(shares), model.predict_proba(X), rtol=1e-12)
    if model.task == "multilabel":
        np.testing.assert_allclose(np.column_stack(shares), model.outputs(X), rtol=1e-12)
    assert len(columns) == len(predicted) + len(shares)


def scored(frame, model, **options):
    """The rows of a scored frame, after its check."""
    features = feature_columns.choose_features(frame, model, where="rows", **options)
    result = score(frame, model, features)
    rows = result.frame.collect()
    assert result.check("rows") == len(rows)
    return rows


def test_partitions_and_order_do_not_change_a_bit(spark):
    """The same 3,000 rows in 1 and 5 partitions, in another order."""
    model = a_model((12, 33, 3))
    X = rows_of(3000, 12)
    columns = {"id": np.arange(3000)} | {f"f{at}": X[:, at] for at in range(12)}
    frame = spark.createDataFrame(pa.table(columns))
    named = a_model((12, 33, 3), names=[f"f{i}" for i in range(12)])
    one = scored(frame.coalesce(1), named)
    many = sorted(scored(frame.repartition(5, "f3"), named), key=lambda row: row["id"])
    assert one == many
    np.testing.assert_array_equal([row["prediction"] for row in one], model.predict(X))
    assert one[0].asDict().keys() >= {"id", "f0", "prediction", "probability_0", "probability_2"}


def test_executors_predict_with_one_thread_of_blas_whatever_they_are_given(spark, monkeypatch):
    """Two threads in the environment, as with spark.task.cpus = 2: the bits of this process."""
    monkeypatch.setitem(spark.sparkContext.environment, "OMP_NUM_THREADS", "2")
    model, X = a_model((784, 100, 10), dtype="float32"), rows_of(1500, 784)
    frame = spark.createDataFrame([(row.tolist(),) for row in X[:768]], "x array<double>").coalesce(1)
    found = np.array([row[2:] for row in scored(frame, model)])
    expected = np.column_stack(model.answers(X[:768])[1:])
    assert sorted(found.tolist()) == sorted(expected.tolist())


def test_vectors_arrays_and_numbers_give_the_same_answers(spark):
    """One vector column, one array, a number and an array, plain numbers by name in another order."""
    from pyspark.ml.linalg import Vectors

    X = rows_of(4, 3)
    data = [(Vectors.dense(x), x.tolist(), x[:2].tolist(), *x.tolist(), "keep") for x in X]
    frame = spark.createDataFrame(data, ["v", "arr", "two", "a", "b", "c", "label"])
    expected = a_model((3, 2)).predict(X).tolist()
    for columns, names in [
        (["v", "label"], None),
        (["label", "arr"], None),
        (["label", "c", "b", "a"], "abc"),
        (["c", "two"], ["two[0]", "two[1]", "c"]),
    ]:
        found = scored(frame.select(columns), a_model((3, 2), names=names))
        assert [row["prediction"] for row in found] == expected


@pytest.mark.parametrize(
    ("columns", "names", "kind", "said"),
    [
        ("id double, x double, z double", "xy", DataError, "lacks 1 of the 2 feature columns, first 'y'"),
        (
            "v array<double>, z int",
            "xy",
            DataError,
            r"it has 'v', 'z'; if 'v' holds them all, name it: columns=\[",
        ),
        ("x double, y date", "xy", DataError, "column 'y' of rows must hold numbers, but is date"),
        ("x double, y string", "xy", DataError, "'y' of rows must hold numbers, but is string; cast it"),
        ("x double, y array<string>", "xy", DataError, "'y' of rows must hold numbers, but is array<string>"),
        ("x double, y double, w double", None, ShapeError, "2 features by position, but rows has 3 columns"),
        ("x double, y double, prediction int", "xy", DataError, "already has a column 'prediction'"),
    ],
)
def test_columns_that_do_not_fit_are_refused(spark, columns, names, kind, said):
    """Before any job."""
    with pytest.raises(kind, match=said):
        scored(spark.createDataFrame([], columns), a_model((2, 2), names=names))


def test_rows_that_cannot_be_predicted_are_counted_by_column(spark):
    """Null, NaN, infinite, and an array of another length; the first column in the model's order is named."""
    nan, inf = float("nan"), float("inf")
    data = [(1.0, 1.0), (None, 2.0), (3.0, nan), (nan, 1.0), (5.0, -inf), (-inf, 1.0)]
    frame = spark.createDataFrame(data, "x double, y double")
    with pytest.raises(
        DataError, match=r"column .y. must hold a finite number, but 2 of 6 rows.*1 other column"
    ):
        scored(frame, a_model((2, 2), names="yx"))
    arrays = spark.createDataFrame([([1.0, 2.0],), ([1.0],), (None,), ([1.0, None],)], "v array<double>")
    with pytest.raises(DataError, match="column 'v' must hold 2 finite numbers, but 3 of 4 rows"):
        scored(arrays, a_model((2, 2)))
    with pytest.raises(DataError, match="must hold 3 finite numbers, but 1 of 1 rows have 2; give rows of 3"):
        scored(arrays.limit(1), a_model((3, 2)))


def test_vectors_that_come_from_parquet_are_scored(spark, tmp_path):
    """Dense and sparse ones as features; and beside features that are plain numbers, one of them null."""
    from pyspark.ml.linalg import Vectors

    X = rows_of(4, 3)
    rows = [(Vectors.dense(x), Vectors.sparse(3, [0, 1, 2], x), *x.tolist()) for x in X]
    spark.createDataFrame(rows, ["dense", "sparse", *"abc"]).coalesce(1).write.parquet(str(tmp_path / "rows"))
    stored = spark.read.parquet(str(tmp_path / "rows"))
    expected = a_model((3, 2)).predict(X).tolist()
    for columns in (["dense"], ["sparse", "a"], ["dense", *"abc"]):
        names = "abc" if len(columns) > 2 else None
        assert [
            row["prediction"] for row in scored(stored.select(columns), a_model((3, 2), names=names))
        ] == (expected)
    nothing = stored.selectExpr("if(a > 1e9, dense, null) dense", "a")
    with pytest.raises(DataError, match="column 'dense' must hold 3 finite numbers, but 4 of 4 rows"):
        scored(nothing, a_model((3, 2)))


def test_every_kind_of_vector_is_an_array(spark):
    """Dense and sparse, Spark's new and its old ones; nulls pass the filter that reads them."""
    from pyspark.ml.linalg import Vectors
    from pyspark.mllib.linalg import Vectors as OldVectors
    from pyspark.sql import functions as F

    from nnspark.engines.vectors import is_read, values_of

    for kind in (Vectors, OldVectors):
        rows = [(kind.dense(1.0, -2.0),), (kind.sparse(2, [1], [3.0]),), (None,)]
        vectors = spark.createDataFrame(rows, ["v"]).coalesce(1)
        found = vectors.where(is_read(F.col("v"))).select(values_of(F.col("v")).alias("a")).collect()
        assert [row["a"] for row in found] == [[1.0, -2.0], [0.0, 3.0], None]


def test_a_scaling_is_left_out_only_where_it_changes_no_bit():
    """Zero and one; not -0.0, which takes the sign from a -0.0, nor anything else."""
    zero, one = np.zeros(2), np.ones(2)
    assert Scaling(zero, one).is_none
    values = np.array([[-0.0, 0.1], [np.nextafter(0, 1), -1e300]])
    assert Scaling(zero, one).apply(values).tobytes() == values.tobytes()
    assert Scaling(-zero, one).apply(values).tobytes() != values.tobytes()
    for other in (Scaling(-zero, one), Scaling(np.array([0.0, 1e-300]), one), Scaling(zero, one * 2)):
        assert not other.is_none
