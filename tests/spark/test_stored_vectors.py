"""VectorAssembler columns from Parquet: jobs, transform and SQL have the answers of NumPy, bit for bit."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from jobs.loading import call, finished_run

import nnspark
from nnspark.scoring.function import COLUMNAR

WIDTH, ROWS = 8, 60
INSIDE = [f"v[{at}]" for at in range(WIDTH)]
CASES = {
    "alone": 'exclude = ["row", "city", "x"]',
    "beside text": 'exclude = ["row"]\ncategorical = "auto"\nmissing = {fill = "median", indicator = true}',
}


def made_rows() -> pd.DataFrame:
    """What is in the vectors, mostly zeros in every other row; a city and a number with holes; a label."""
    rng = np.random.default_rng(2)
    inside = rng.normal(size=(ROWS, WIDTH)).round(3)
    inside[::2, 3:] = 0.0
    city = rng.choice(["Rome", "Ulm", None], ROWS)
    x = np.where(rng.random(ROWS) < 0.2, np.nan, rng.normal(size=ROWS))
    rows = pd.DataFrame(inside, columns=INSIDE).assign(city=city, x=x, row=range(ROWS))
    return rows.assign(label=(inside[:, 0] + inside[:, 1] > 0).astype(int))


def store(spark: Any, rows: pd.DataFrame, path: Path) -> Path:
    """Write rows as Spark does; the vectors are dense and sparse, whichever is shorter."""
    from pyspark.ml.feature import VectorAssembler

    plain = rows.rename(columns={name: f"i{at}" for at, name in enumerate(INSIDE)})
    frame = spark.createDataFrame(plain).replace(float("nan"), None, subset=["x"])
    inputs = [f"i{at}" for at in range(WIDTH)]
    frame = VectorAssembler(inputCols=inputs, outputCol="v").transform(frame).drop(*inputs)
    frame.select("v", "city", "x", "row", "label").repartition(2).write.parquet(str(path))
    return path


@pytest.mark.parametrize("case", CASES)
def test_stored_vectors_have_numpys_answers_everywhere(spark: Any, tmp_path: Path, case: str) -> None:
    """The jobs predict and evaluate, transform and the SQL function; a city that training did not have."""
    from pyspark.ml.functions import vector_to_array
    from pyspark.sql import functions as F

    spark.conf.unset(COLUMNAR)  # as_udf sets it, transform does without
    rows = made_rows()
    path = store(spark, rows, tmp_path / "rows")
    stored = [one for part in path.glob("*.parquet") for one in pq.read_table(part)["v"].to_pylist()]
    assert {vector["type"] for vector in stored} == {0, 1}  # sparse and dense
    text = f'[data]\nsource = "parquet"\npath = "{path}"\nscale = "standard"\n{CASES[case]}\n'
    run = finished_run(tmp_path / "run", text + '[training]\nengine = "local"\nepochs = 5\n')
    model = nnspark.load(str(run))
    reported = json.loads((run / "metrics.json").read_text())
    for engine in ("local", "spark"):
        out = tmp_path / f"{engine}.json"
        call("evaluate", run, "--set", f"training.engine={engine}", "--out", out)
        found = json.loads(out.read_text())
        assert {name: found[name] for name in reported["test"]} == reported["test"]

    new = rows.assign(city=rows.city.where(rows.index % 9 != 0, "Atlantis"))
    asked = store(spark, new, tmp_path / "new")
    inside = new[INSIDE].to_numpy() if case == "alone" else new[[*INSIDE, "city", "x"]]
    expected, labels = model.predict_proba(inside), model.predict(inside).tolist()
    call("predict", run, asked, "--out", tmp_path / "out.parquet")
    frame = spark.read.parquet(str(asked))
    for answers in (
        pq.read_table(tmp_path / "out.parquet").to_pandas(),
        model.transform(frame.repartition(3)).toPandas(),
    ):
        answers = answers.sort_values("row")
        np.testing.assert_array_equal(answers.filter(like="probability_").to_numpy(), expected)
        assert answers.prediction.tolist() == labels
    array = vector_to_array("v")
    columns = [array] if case == "alone" else [*(array[at] for at in range(WIDTH)), F.col("city"), F.col("x")]
    answered = frame.select("row", model.as_udf()(*columns).alias("p")).toPandas()
    assert answered.sort_values("row").p.tolist() == labels
    spark.conf.unset(COLUMNAR)
    model.register(spark, "answer_of_stored")
    frame.createOrReplaceTempView("stored")
    spark.udf.register("numbers", lambda vector: vector.toArray().tolist(), "array<double>")
    words = "numbers(v)" if case == "alone" else ", ".join(f"numbers(v)[{at}]" for at in range(WIDTH))
    words += "" if case == "alone" else ", city, x"
    answered = spark.sql(f"select row, answer_of_stored({words}) p from stored").toPandas()
    assert answered.sort_values("row").p.tolist() == labels
