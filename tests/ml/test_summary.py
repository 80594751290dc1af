"""Summaries of nnspark.ml's models: whose figures they are, and rows that can have none."""

import math
import re
import shutil

import pytest
from pyspark.ml.linalg import Vectors
from pyspark.sql import functions as F

from nnspark.errors import DataError
from nnspark.ml import MultilayerPerceptronClassifier, MultilayerPerceptronRegressor, SweepCrossValidator

KINDS = {
    "classifier": (MultilayerPerceptronClassifier, [2, 3, 7], "accuracy"),
    "regressor": (MultilayerPerceptronRegressor, [2, 3, 1], "r2"),
}
LABELLED, WEIGHTED = (
    "every row needs a finite label, but {} none in column 'label'",
    "but {} another in column 'w'",
)


@pytest.fixture(scope="module")
def rows(spark):
    """Sixty rows of seven labels, with weights; 8 of them have the label 6."""
    made = [(float(n % 7), 1.0 + n % 2, Vectors.dense([n % 7, n % 3])) for n in range(60)]
    return spark.createDataFrame(made, ["label", "w", "features"]).coalesce(1).persist()


@pytest.fixture(scope="module")
def fitted(rows):
    """A classifier and a regressor of them."""
    return {
        name: kind(layers=layers, maxIter=2, seed=1, weightCol="w").fit(rows)
        for name, (kind, layers, _) in KINDS.items()
    }


@pytest.mark.parametrize(("other", "named"), [(None, "NoneType"), ([1.0], "list")])
@pytest.mark.parametrize("name", KINDS)
def test_what_is_no_dataframe_is_refused(fitted, name, other, named):
    """With what it is, by a fit and by an evaluation."""
    said = re.escape(f"expected a Spark DataFrame, got {named}: spark.createDataFrame(rows) makes one")
    with pytest.raises(DataError, match=said):
        fitted[name].evaluate(other)
    with pytest.raises(DataError, match=said):
        KINDS[name][0](layers=KINDS[name][1]).fit(other)


@pytest.mark.parametrize("name", KINDS)
def test_figures_of_a_session_that_has_stopped_are_refused(monkeypatch, fitted, rows, name):
    """In words; the history stays."""
    summary = KINDS[name][0](layers=KINDS[name][1], maxIter=2, seed=1).fit(rows).summary
    monkeypatch.setattr("nnspark.ml.labelled.has_stopped", lambda session: True)
    with pytest.raises(RuntimeError, match="the Spark session of these rows has stopped"):
        getattr(summary, KINDS[name][2])
    assert len(summary.objectiveHistory) == 3


@pytest.mark.parametrize(
    ("twin", "said"), [("label", "has 2 columns called 'label'"), ("Label", "columns 'label' and 'Label'")]
)
def test_a_label_of_which_there_are_two_is_refused(rows, twin, said):
    """Before Spark is asked which one is meant."""
    with pytest.raises(DataError, match=said):
        MultilayerPerceptronClassifier(layers=[2, 7]).fit(rows.select("*", F.col("w").alias(twin)))


@pytest.mark.parametrize("name", KINDS)
def test_nothing_is_asked_of_a_session_that_has_stopped(monkeypatch, fitted, rows, name):
    """A fit, answers, an evaluation: one line each."""
    monkeypatch.setattr("nnspark.engines.frames.read.has_stopped", lambda session: True)
    said = "the Spark session of this DataFrame has stopped; read the data in a live one"
    for work in (KINDS[name][0](layers=KINDS[name][1]).fit, fitted[name].transform, fitted[name].evaluate):
        with pytest.raises(DataError, match=said):
            work(rows)


@pytest.mark.parametrize("label", [1e4, 1e9, 1e300])
@pytest.mark.parametrize("engine", ["local", "spark"])
def test_a_label_that_can_be_no_class_is_refused(spark, engine, label):
    """By its column and value, before there is a list of all classes below it."""
    made = [(float(n % 3), Vectors.dense([n])) for n in range(9)] + [(label, Vectors.dense([1.0]))]
    df = spark.createDataFrame(made, ["label", "features"])
    said = f"must hold whole numbers from 0 to 9999, but 1 of 10 rows do not, such as {label:g};"
    with pytest.raises(DataError, match=re.escape(said)):
        MultilayerPerceptronClassifier(hiddenLayers=[2], engine=engine).fit(df)
    with pytest.raises(DataError, match="expected at most 10000 classes, got 10001 of column 'label'"):
        MultilayerPerceptronClassifier(layers=[1, 10_001], engine=engine).fit(df)


@pytest.mark.parametrize("engine", ["local", "spark"])
def test_files_that_are_gone_are_one_line(spark, rows, tmp_path, engine):
    """In a fit, in a cross-validation, and in a summary of what was there before."""
    rows.write.parquet(str(tmp_path / "rows"))
    stored = spark.read.parquet(str(tmp_path / "rows"))
    estimator = MultilayerPerceptronClassifier(layers=[2, 3, 7], maxIter=1, engine=engine)
    summary = estimator.fit(stored).summary
    shutil.rmtree(tmp_path / "rows")
    search = SweepCrossValidator(
        estimator=estimator, estimatorParamMaps=[{}], evaluator="accuracy", numFolds=2
    )
    for ask in (lambda: summary.accuracy, lambda: estimator.fit(stored), lambda: search.fit(stored)):
        with pytest.raises(DataError, match=r"^cannot read file:\S*/rows/part-\S*: .*$"):
            ask()


def figure(fitted, name, df):
    """One of a model's figures of labelled rows."""
    return getattr(fitted[name].evaluate(df), KINDS[name][2])


def test_a_training_summary_plans_predictions_when_asked_by_the_params_of_then(rows, fitted, monkeypatch):
    """Iterations and costs of many models cost Spark nothing; a Param that is set later changes no figure."""
    model = fitted["classifier"].copy()
    with monkeypatch.context() as planned:
        planned.setattr(type(model), "transform", None)
        summary = model.summary
        assert len(summary.objectiveHistory) == summary.totalIterations + 1
    accuracy = model.evaluate(rows).accuracy
    model.setPredictionCol("renamed")
    assert "prediction" in summary.predictions.columns
    assert summary.accuracy == accuracy


def test_the_lists_of_a_summary_are_its_own(fitted):
    """What one does with them changes no other summary."""
    fitted["classifier"].summary.history.clear()
    fitted["classifier"].summary.objectiveHistory.clear()
    assert fitted["classifier"].summary.totalIterations == 2
    assert len(fitted["classifier"].summary.objectiveHistory) == 3


def test_figures_need_no_prediction_column(rows, fitted):
    """As in Spark's summaries."""
    model = fitted["classifier"].copy()
    accuracy = model.evaluate(rows).accuracy
    assert model.setPredictionCol("").evaluate(rows).accuracy == accuracy


def test_the_share_of_variance_explained_of_labels_far_from_0(rows, fitted):
    """A billion away: scikit-learn's of labels near it; of constant labels there is none."""
    from sklearn.metrics import r2_score

    near = [(row.label, row.prediction, row.w) for row in fitted["regressor"].transform(rows).collect()]
    labels, predictions, weights = zip(*near, strict=True)
    expected = r2_score(labels, predictions, sample_weight=weights)
    summary = fitted["regressor"].evaluate(rows)
    assert summary.r2 == pytest.approx(expected, rel=1e-12)
    far = fitted["regressor"].evaluate(rows)
    far.predictions = far.predictions.withColumns({x: F.col(x) + 1e9 for x in ("label", "prediction")})
    assert far.r2 == pytest.approx(expected, rel=1e-6)
    assert figure(fitted, "regressor", rows.withColumn("label", F.lit(1.0))) == -math.inf


@pytest.mark.parametrize(
    ("column", "expression", "said"),
    [
        ("label", "if(label > 5, null, label)", LABELLED.format("8 rows have")),
        ("label", "if(label > 5, double('nan'), label)", LABELLED.format("8 rows have")),
        ("label", "if(label > 5, -double('inf'), label)", LABELLED.format("8 rows have")),
        ("w", "if(label > 5, double('nan'), w)", WEIGHTED.format("8 rows have")),
        ("w", "if(label > 5, -1.0, w)", WEIGHTED.format("8 rows have")),
        ("w", "if(label > 5, null, w)", WEIGHTED.format("8 rows have")),
        ("w", "0.0", "there is no row with weight"),
        ("label", "cast(label as string)", "column 'label' must hold numbers, but is string"),
        ("label", "", "there is no column 'label'"),
        ("w", "", "there is no column 'w'"),
    ],
)
@pytest.mark.parametrize("name", KINDS)
def test_rows_that_cannot_be_judged_are_refused_in_a_line(rows, fitted, name, column, expression, said):
    """Columns at once, values with the first figure: nulls were left out of sums and counted as rows."""
    df = rows.withColumn(column, F.expr(expression)) if expression else rows.drop(column)
    with pytest.raises(DataError, match=re.escape(said)) as refused:
        figure(fitted, name, df)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("name", KINDS)
def test_no_rows_have_no_figures(rows, fitted, name):
    """A line, not a division by zero."""
    with pytest.raises(DataError, match="there is no row with weight"):
        figure(fitted, name, rows.limit(0))


def test_a_label_whose_rows_have_no_weight_has_rates_of_0(rows, fitted):
    """As where none is there."""
    summary = fitted["classifier"].evaluate(rows.withColumn("w", F.expr("if(label = 6, 0.0, w)")))
    assert summary.recallByLabel[6] == summary.precisionByLabel[6] == 0.0
