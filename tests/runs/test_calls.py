"""``nnspark.train``, ``nnspark.load`` and the model they give: every form of data, one hash."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import one_line_error
from sklearn.datasets import load_iris

import nnspark
from nnspark.engines.session import case_sensitive
from nnspark.errors import InternalError

X, Y = load_iris(return_X_y=True)
NAMES = ["sepal length", "sepal width", "petal length", "petal width"]
RECIPE = {
    "data": {"scale": "standard"},
    "network": {"hidden": [8]},
    "training": {"optimizer": "lbfgs", "epochs": 12, "l2": 0.1, "block_rows": 32},
    "report": {"html": False},
}


def table() -> Any:
    """The rows as a pandas DataFrame."""
    import pandas as pd

    return pd.DataFrame(X, columns=NAMES).assign(label=Y)


@pytest.fixture(scope="module")
def model() -> nnspark.Model:
    """Trained from a pandas table, without Spark, with a report."""
    return nnspark.train(RECIPE | {"report": {"html": True}}, table(), progress=False)


def test_the_model_knows_how_it_came_about(model: nnspark.Model) -> None:
    """History, metrics, hash, report; a frame of the history."""
    assert [row["epoch"] for row in model.history] == list(range(1, len(model.history) + 1))
    assert model.metrics["weights_sha256"] == model.weights_sha256
    assert model.metrics["test"]["accuracy"] > 0.9
    assert list(model.history_frame()["cost"]) == [row["cost"] for row in model.history]
    assert "<iframe srcdoc=" in model.report()._repr_html_()


def test_a_frame_of_the_history_without_pandas_is_one_line(
    model: nnspark.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can be used instead; all else needs NumPy alone."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(nnspark.NNSparkError, match=r"pip install pandas, or use history, one dict an epoch$"):
        model.history_frame()


def test_predictions_are_those_of_the_labels(model: nnspark.Model) -> None:
    """From arrays; probabilities add up to one; figures of labelled rows."""
    right = (model.predict(X) == Y).mean()
    assert right > 0.85
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)
    assert model.evaluate(table())["accuracy"] == pytest.approx(right, abs=1e-12)


def test_every_form_of_data_gives_one_hash(spark: Any, tmp_path: Path) -> None:
    """pandas, Arrow, a DataFrame from memory, shuffled and read back, a run directory of a file; a job's."""
    import pyarrow as pa

    few = RECIPE | {"training": RECIPE["training"] | {"epochs": 3}}
    rows = table()
    rows.to_parquet(tmp_path / "rows.parquet")
    frame = spark.createDataFrame(rows)
    frame.repartition(3).write.parquet(str(tmp_path / "written"))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        '[data]\nsource = "parquet"\npath = "rows.parquet"\nscale = "standard"\n[network]\nhidden = [8]\n'
        '[training]\noptimizer = "lbfgs"\nepochs = 3\nl2 = 0.1\nblock_rows = 32\nengine = "local"\n'
        "[report]\nhtml = false\n"
    )
    given = (
        rows,
        pa.Table.from_pandas(rows),
        frame,
        frame.orderBy("petal width").repartition(7),
        spark.read.parquet(str(tmp_path / "written")),
    )
    hashes = [nnspark.train(few, data, progress=False).weights_sha256 for data in given]
    hashes.append(nnspark.train(recipe, progress=False).weights_sha256)
    here = few | {"training": few["training"] | {"engine": "local"}}
    hashes.append(nnspark.train(here, frame, progress=False).weights_sha256)
    assert len(set(hashes)) == 1


def test_the_order_of_features_is_part_of_the_model() -> None:
    """Initial weights are drawn by position; ``data.columns`` fixes an order, whatever the table's."""
    mixed = table()[[*reversed(NAMES), "label"]]
    given = nnspark.train(RECIPE, table(), progress=False)
    other = nnspark.train(RECIPE, mixed, progress=False)
    assert other.feature_names == tuple(reversed(NAMES))
    assert other.weights_sha256 != given.weights_sha256
    said = RECIPE | {"data": RECIPE["data"] | {"columns": NAMES}}
    assert nnspark.train(said, mixed, progress=False).weights_sha256 == given.weights_sha256


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_arrays_of_either_type_give_the_hash_of_their_values(dtype: str) -> None:
    """As float64 numbers: a float32 array is the same rows as its values in a table."""
    import pandas as pd

    features = X.astype(dtype)
    by_array = nnspark.train(RECIPE, (features, Y), progress=False)
    by_table = nnspark.train(
        RECIPE, pd.DataFrame(features, columns=list("0123")).assign(label=Y), progress=False
    )
    assert by_array.weights_sha256 == by_table.weights_sha256


def test_answers_are_the_same_by_every_route(spark: Any, model: nnspark.Model) -> None:
    """NumPy alone, ``transform``, a function of columns, SQL with columns and with an array: bit for bit."""
    from pyspark.sql import functions as F

    frame = spark.createDataFrame(table()).withColumn("id", F.monotonically_increasing_id()).orderBy("id")
    expected = [int(one) for one in model.predict(X)]
    shares = model.predict_proba(X)
    done = model.transform(frame.repartition(3)).orderBy("id").toPandas()
    assert done["prediction"].tolist() == expected
    np.testing.assert_array_equal(done[[f"probability_{c}" for c in range(3)]].to_numpy(), shares)
    model.register(spark, "species")
    frame.createOrReplaceTempView("flowers")
    columns = ", ".join(f"`{name}`" for name in NAMES)
    query = f"SELECT id, species({columns}) a, species(array({columns})) b FROM flowers ORDER BY id"
    found = spark.sql(query).toPandas()
    assert found["a"].tolist() == found["b"].tolist() == expected
    by_column = frame.select("id", model.as_udf()(*NAMES).alias("a")).orderBy("id").toPandas()
    assert by_column["a"].tolist() == expected


def test_rows_that_cannot_be_predicted_have_no_answer(spark: Any, model: nnspark.Model) -> None:
    """Null, NaN; the others have theirs."""
    rows = [(5.1, 3.5, 1.4, 0.2), (5.1, None, 1.4, 0.2), (5.1, float("nan"), 1.4, 0.2)]
    frame = spark.createDataFrame(rows, ", ".join(f"`{name}` double" for name in NAMES))
    found = [row["prediction"] for row in model.transform(frame.coalesce(1)).collect()]
    assert found == [0, None, None]


def test_a_kept_run_is_loaded_whole_and_goes_on(tmp_path: Path) -> None:
    """A directory as a job leaves it; more epochs resume it; a file holds the model alone."""
    out = tmp_path / "run"
    seen: list[int] = []
    short = RECIPE | {"training": RECIPE["training"] | {"epochs": 5}}
    nnspark.train(
        short, table(), out=str(out), on_epoch=lambda row: seen.append(row["epoch"]), progress=False
    )
    assert seen == [1, 2, 3, 4, 5]
    resumed = nnspark.train(RECIPE, table(), out=str(out), resume=True, progress=False)
    whole = nnspark.train(RECIPE, table(), progress=False)
    assert resumed.weights_sha256 == whole.weights_sha256
    loaded = nnspark.load(str(out))
    assert loaded.history == resumed.history
    assert json.loads((out / "metrics.json").read_text()) == loaded.metrics
    loaded.save(tmp_path / "model.safetensors")
    alone = nnspark.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(alone.predict(X), whole.predict(X))
    with pytest.raises(nnspark.ModelError, match="there is no report"):
        alone.report()


def test_errors_of_a_kept_run_speak_of_arguments(tmp_path: Path) -> None:
    """Not of flags of the command line: a directory that is full, another run's, or a file."""
    out = tmp_path / "run"
    nnspark.train(RECIPE, table(), out=str(out), progress=False)
    other = RECIPE | {"training": RECIPE["training"] | {"l2": 0.2}}
    (tmp_path / "file").write_text("")
    for recipe, place, options, said in (
        (
            RECIPE,
            out,
            {},
            "pass resume=True to go on with the run in it, overwrite=True to replace it, or anot",
        ),
        (other, out, {"resume": True}, r"training\.l2 was 0.1 and is 0.2 now"),
        (RECIPE, tmp_path / "file", {}, "pass out= a directory that can be written to"),
    ):
        with pytest.raises(nnspark.CheckpointError, match=said) as caught:
            nnspark.train(recipe, table(), out=str(place), progress=False, **options)
        assert "--" not in str(caught.value)


def test_what_looks_like_a_flag_in_a_name_is_left_alone(tmp_path: Path) -> None:
    """The directory is called as it is called."""
    out = tmp_path / "a--out" / "--resume"
    out.mkdir(parents=True)
    (out / "file").write_text("")
    with pytest.raises(nnspark.CheckpointError, match=r"a--out/--resume is not empty: pass resume=True"):
        nnspark.train(RECIPE, table(), out=str(out), progress=False)


def test_a_stream_is_refused_in_one_line(spark: Any, model: nnspark.Model, tmp_path: Path) -> None:
    """To train on and to evaluate at; with Spark and without."""
    table().to_parquet(tmp_path / "rows.parquet")
    schema = spark.read.parquet(str(tmp_path)).schema
    stream = spark.readStream.schema(schema).parquet(str(tmp_path))
    here = RECIPE | {"training": RECIPE["training"] | {"engine": "local"}}
    for ask in (
        lambda: nnspark.train(RECIPE, stream, progress=False),
        lambda: nnspark.train(here, stream, progress=False),
        lambda: model.evaluate(stream),
    ):
        with pytest.raises(nnspark.DataError) as caught:
            ask()
        assert str(caught.value) == (
            "expected rows that are there, got a streaming DataFrame: train and evaluate on a static read of "
            "its source (spark.read); transform works on streams"
        )
    assert model.transform(stream).isStreaming


def test_a_callback_that_raises_ends_the_training() -> None:
    """With what it raised."""

    def stop(row: Any) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        nnspark.train(RECIPE, (X, Y), on_epoch=stop, progress=False)


@pytest.mark.parametrize(
    ("recipe", "data", "said"),
    [
        (RECIPE, (X,), "expected (X, y) or (X, y, weight)"),
        (RECIPE, 3, "expected (X, y) or (X, y, weight)"),
        (RECIPE, (X, Y[:-1]), "149"),
        (RECIPE | {"training": {"epoch": 3}}, (X, Y), "did you mean 'training.epochs'"),
        (RECIPE | {"training": {"optimizer": "newton"}}, (X, Y), "training.optimizer"),
        ({"training": {}}, None, "data.source is missing"),
        ("digitz", None, "did you mean 'digits'"),
        (None, (X, Y), "expected a recipe"),
        ({"training": 5}, (X, Y), "expected a recipe"),
        ({"training": {5: 1}}, (X, Y), "unknown recipe key 'training.5'"),
        (RECIPE, ([[1.0], [1.0, 2.0]], [0, 1]), "X has rows of different lengths"),
        (RECIPE, (np.ma.masked_array(X, X > 7), Y), "X has a masked value in row"),
        (
            RECIPE,
            table().astype({"label": object}).replace({"label": {2: "two"}}),
            "neither numbers nor text",
        ),
        (
            RECIPE,
            table().set_axis([NAMES[0], NAMES[0], *NAMES[2:], "label"], axis=1),
            "2 columns",
        ),
        (RECIPE, table().iloc[:0], "the table has no rows"),
    ],
)
def test_bad_input_is_one_line(recipe: Any, data: Any, said: str) -> None:
    """What was expected, what came, what to do."""
    with pytest.raises(nnspark.NNSparkError) as caught:
        nnspark.train(recipe, data, progress=False)
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_tables_columns_are_found_by_name(model: nnspark.Model) -> None:
    """In any order, beside others, of pandas and of Arrow; as ``transform`` does."""
    import pyarrow as pa

    right = model.predict_proba(X)
    mixed = table()[["label", *reversed(NAMES)]]
    np.testing.assert_array_equal(model.predict_proba(mixed), right)
    np.testing.assert_array_equal(model.predict_proba(pa.Table.from_pandas(mixed)), right)
    unnamed = nnspark.train(RECIPE, (X, Y), progress=False)
    np.testing.assert_array_equal(unnamed.predict(table()[NAMES]), unnamed.predict(X))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (table().rename(columns={NAMES[1]: "other"}), "first 'sepal width'"),
        ([[5.1, float("nan"), 1.4, 0.2]], "row 0 has nan in feature 'sepal width'"),
        ([[5.1, 3.5, 1.4, float("inf")]], "row 0 has inf in feature 'petal width'"),
        (np.ma.masked_array(X, X > 7), "has a masked value"),
        (X[:, :3], "the model takes 4 features but the rows have shape (150, 3)"),
        (np.array([["a", "b", "c", "d"]]), "must hold numbers"),
        (np.array([["a", "b", "c", "d"]], dtype=object), "must hold numbers"),
    ],
)
def test_rows_that_cannot_be_predicted_are_refused(model: nnspark.Model, rows: Any, said: str) -> None:
    """In one line, never answered with a class."""
    for ask in (model.predict, model.predict_proba):
        with pytest.raises(nnspark.DataError) as caught:
            ask(rows)
        assert said in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1


def test_a_model_file_with_a_flipped_bit_is_refused(model: nnspark.Model, tmp_path: Path) -> None:
    """Wherever it is: weights, scaling, header."""
    content = model.to_bytes()
    for at in (-3, -10, -100, -200, 60, len(content) // 2):
        changed = bytearray(content)
        changed[at] ^= 0x40
        (tmp_path / "m.safetensors").write_bytes(changed)
        with pytest.raises(nnspark.ModelError):
            nnspark.load(tmp_path / "m.safetensors")


def test_a_model_that_cannot_be_written_is_one_line(model: nnspark.Model, tmp_path: Path) -> None:
    """A directory that is not there, or that is in the file's place; what is no path."""
    for path in (tmp_path / "none" / "m.safetensors", tmp_path, "a\0b", "a" * 300):
        with one_line_error("cannot write the model to", kind=nnspark.ModelError):
            model.save(path)
    for what in (None, 5, b"m.safetensors"):
        with one_line_error("path: expected that of a file", f"got {what!r}", kind=nnspark.ModelError):
            model.save(what)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["a\0b", "a" * 5000, "\ud800", "\ud800.safetensors"])
def test_what_no_path_can_be_is_one_line(path: str) -> None:
    """As a file that is not there is."""
    with one_line_error("cannot be read: ", kind=nnspark.ModelError):
        nnspark.load(path)


def test_what_is_no_session_is_refused(model: nnspark.Model) -> None:
    """By ``register``, before anything is looked up."""
    with one_line_error("session: expected a SparkSession", "got 5", kind=nnspark.ModelError):
        model.register(5, "species")  # type: ignore[arg-type]


def test_numpys_numbers_and_tuples_are_values_of_a_recipe(model: nnspark.Model) -> None:
    """As those of a search over parameters are; labels of an object array are text."""
    recipe = RECIPE | {"training": RECIPE["training"] | {"epochs": np.int64(12)}, "network": {"hidden": (8,)}}
    assert nnspark.train(recipe, table(), progress=False).weights_sha256 == model.weights_sha256
    words = np.array(["a", "b", "c"])[Y]
    hashes = {
        nnspark.train(RECIPE, (X, labels), progress=False).weights_sha256
        for labels in (words, words.astype(object), words.tolist())
    }
    assert len(hashes) == 1


def test_spark_is_used_for_sparks_rows_and_memory_for_others(spark: Any, model: nnspark.Model) -> None:
    """The other way round is one line; so are two columns of a name."""
    frame = spark.createDataFrame(table())
    for ask, said in (
        (lambda: model.predict(frame), "use transform"),
        (lambda: model.transform(table()), "expected a Spark DataFrame"),
        (lambda: model.transform(frame.select("*", frame["sepal width"])), "2 columns called 'sepal width'"),
        (lambda: model.evaluate(None), "expected labelled rows"),
    ):
        with pytest.raises(nnspark.DataError, match=said):
            ask()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("'5.1', 3.5D, 1.4D, 0.2D", "DataError: argument 1 of the model must be a number, but is string;"),
        ("array('5.1', '3.5', '1.4', '0.2')", "DataError: the model takes an array of numbers, but got list"),
        ("5.1D, 3.5D", "ShapeError: the model takes 4 features or one array of them, got 2 columns"),
    ],
)
def test_arguments_that_are_no_features_are_one_line_under_sparks(
    spark: Any, model: nnspark.Model, arguments: str, said: str
) -> None:
    """The query is the user's, so the exception is Spark's; it quotes the error without our stack."""
    model.register(spark, "species")
    with pytest.raises(Exception, match=said) as caught:
        spark.sql(f"SELECT species({arguments})").collect()
    sparks, ours = str(caught.value).splitlines()
    assert "exception was thrown from the Python worker" in sparks
    assert ours.startswith(f"nnspark.errors.{said}")


@pytest.mark.parametrize("name", ["mod", "Pow", "distinct", "", "my fn", "a.b", "2x", "naïve", "x\n", None])
def test_a_name_that_sql_would_not_call_the_model_by_is_refused(
    spark: Any, model: nnspark.Model, name: Any
) -> None:
    """Spark's own functions come first, and say nothing."""
    said = "Spark's own" if name in ("mod", "Pow", "distinct") else "expected letters, digits and underscores"
    with one_line_error(said, repr(name), kind=nnspark.ModelError):
        model.register(spark, name)


@pytest.mark.parametrize("kept", [False, True])
def test_an_interrupt_says_what_is_kept(kept: bool, tmp_path: Path, capfd: Any) -> None:
    """Without a run directory, no checkpoint is spoken of."""

    def stop(row: Any) -> None:
        raise KeyboardInterrupt

    out = str(tmp_path / "run") if kept else ""
    with pytest.raises(KeyboardInterrupt):
        nnspark.train(RECIPE, (X, Y), out=out, on_epoch=stop, progress=False)
    said = capfd.readouterr().err
    assert "interrupted after epoch 1: " in said
    assert ("writing the checkpoint" in said, "nothing is kept" in said) == (kept, not kept)


def test_a_softmax_of_one_target_is_refused() -> None:
    """It is 1, whatever the row; of two targets it is shares."""
    recipe = {"data": {"task": "regression"}, "network": {"output": "softmax"}, "training": {"epochs": 1}}
    with one_line_error("network.output", "'softmax'", "always 1", kind=nnspark.RecipeError):
        nnspark.train(recipe, (X, X[:, 0]), progress=False)
    shares = X[:, :2] / X[:, :2].sum(axis=1, keepdims=True)
    assert nnspark.train(recipe, (X, shares), progress=False).network.output == "softmax"


def test_a_vector_is_an_array_first(spark: Any, model: nnspark.Model) -> None:
    """What the refusal of a vector says to do gives the answer."""
    from pyspark.ml.functions import vector_to_array
    from pyspark.ml.linalg import Vectors

    frame = spark.createDataFrame([(Vectors.dense(X[0]),)], ["features"])
    with pytest.raises(Exception, match=r"DataError: the model takes 4 .*give it vector_to_array\(column\)"):
        frame.select(model.as_udf()("features")).collect()
    row = frame.select(model.as_udf()(vector_to_array("features"))).first()
    assert row[0] == model.predict(X[:1])[0]


def test_a_function_of_columns_is_called_predict(spark: Any, model: nnspark.Model) -> None:
    """In the names of columns and in plans."""
    frame = spark.createDataFrame(table())
    assert frame.select(model.as_udf()(*NAMES)).columns == [f"predict({', '.join(NAMES)})"]


def test_features_that_differ_only_in_case_are_refused(spark: Any, model: nnspark.Model) -> None:
    """In one line, where Spark does not tell them apart; other columns pass, whatever their names."""
    frame = spark.createDataFrame(table())
    twin = frame.withColumn("b", frame["label"]).withColumnRenamed("b", "PETAL width")
    with pytest.raises(nnspark.DataError, match="'petal width' and 'PETAL width', which differ only in case"):
        model.transform(twin)
    others = frame.select("*", frame["label"].alias("Label"), frame["label"], frame["label"].alias("odd `n."))
    found = model.transform(others)
    assert found.columns[:8] == others.columns
    assert [row[8] for row in found.collect()] == [int(one) for one in model.predict(X)]
    with pytest.raises(nnspark.DataError, match="already has a column 'Prediction'"):
        model.transform(frame.withColumnRenamed("label", "Prediction"))
    with case_sensitive(spark):
        assert [row["prediction"] for row in model.transform(twin).collect()] == [
            row[8] for row in found.collect()
        ]


def test_a_failed_job_of_a_run_in_memory_sends_nobody_to_a_file(spark: Any) -> None:
    """There is none, and nothing to resume."""
    from pyspark.sql import functions as F

    fails = F.udf(lambda value: 1 / 0, "double")
    frame = spark.createDataFrame(table()).withColumn("petal width", fails("petal width"))
    with pytest.raises(nnspark.SparkJobError) as caught:
        nnspark.train(RECIPE, frame, progress=False)
    assert str(caught.value) == (
        "a Spark job failed: ZeroDivisionError: division by zero; put that right and train again"
    )


@pytest.mark.parametrize("out", [5, b"bytes", ["runs/one"], "a\0b"])
def test_a_place_that_is_no_path_is_refused(out: Any) -> None:
    """As it came, by ``train`` and ``sweep``."""
    with pytest.raises(nnspark.RecipeError, match=r"^out: expected a path or Hadoop URI .* got ") as caught:
        nnspark.train(RECIPE, (X, Y), out=out, progress=False)
    assert repr(out) in str(caught.value)
    with pytest.raises(nnspark.RecipeError, match=r"^out: expected a path"):
        nnspark.sweep(RECIPE, (X, Y), {"training.l2": [0.1]}, out=out, progress=False)


def test_a_callback_that_cannot_be_called_is_refused_before_training() -> None:
    """It was a TypeError after the first epoch."""
    with pytest.raises(nnspark.RecipeError, match=r"^on_epoch: expected a function .* got 5$"):
        nnspark.train(RECIPE, (X, Y), on_epoch=5, progress=False)  # type: ignore[arg-type]


def test_only_a_run_that_is_kept_can_go_on(tmp_path: Path) -> None:
    """What sends to --resume says resume=True where there is a run directory, else to train again."""

    def lose(row: Any) -> None:
        raise InternalError("shards [1] were lost 9 times in one evaluation; go on with --resume")

    recipe = RECIPE | {"training": {"epochs": 2}}
    with pytest.raises(InternalError, match=r"evaluation; train again$"):
        nnspark.train(recipe, (X, Y), on_epoch=lose, progress=False)
    with pytest.raises(InternalError, match=r"evaluation; go on with resume=True$"):
        nnspark.train(recipe, (X, Y), out=str(tmp_path / "run"), on_epoch=lose, progress=False)


def test_a_divergence_prints_nothing_but_its_error(recwarn: pytest.WarningsRecorder) -> None:
    """No warning of NumPy's before it."""
    steep = RECIPE | {"training": {"optimizer": "gd", "learning_rate": 1e200, "epochs": 5}}
    with pytest.raises(nnspark.DivergedError):
        nnspark.train(steep, (X, Y), progress=False)
    assert not [one for one in recwarn if issubclass(one.category, RuntimeWarning)]


def test_loading_and_predicting_need_numpy_alone(model: nnspark.Model, tmp_path: Path) -> None:
    """No Spark, no pandas, no scikit-learn, no Arrow is imported."""
    model.save(tmp_path / "m.safetensors")
    script = (
        "import sys, nnspark\n"
        f"m = nnspark.load({str(tmp_path / 'm.safetensors')!r})\n"
        "m.predict([[5.1, 3.5, 1.4, 0.2]])\n"
        "print([n for n in ('pyspark', 'py4j', 'pandas', 'sklearn', 'scipy', 'pyarrow') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_public_names_are_there() -> None:
    """Each can be imported, and dir() lists them."""
    assert set(nnspark.__all__) <= set(dir(nnspark))
    for name in nnspark.__all__:
        assert getattr(nnspark, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'tain'"):
        _ = nnspark.tain


def test_a_threshold_is_set_without_training_again(model: nnspark.Model) -> None:
    """On a copy, whose probabilities are the same; refused where there are not two classes."""
    two = nnspark.train(RECIPE, (X[:100], np.array(["a", "b"])[Y[:100]]), progress=False)
    p = two.predict_proba(X)[:, 1]
    threshold = float(np.quantile(p, 0.9))
    moved = two.with_threshold(threshold)
    np.testing.assert_array_equal(moved.predict(X), np.where(p >= threshold, "b", "a"))
    np.testing.assert_array_equal(moved.predict_proba(X)[:, 1], p)
    assert moved.with_threshold(0.5).to_bytes() == two.to_bytes() != moved.to_bytes()
    assert moved.history == two.history
    with one_line_error("two classes", kind=nnspark.ModelError):
        model.with_threshold(0.3)
    with one_line_error("from 0 to 1", "1.5", kind=nnspark.ModelError):
        two.with_threshold(1.5)
