"""Run as a program: digits over Spark Connect, in all ways in; prints what came of it as one line of JSON.

A process of its own, since classic sessions and those of Spark Connect do not mix in one.
"""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyspark
from losses import executors, files, losses
from pyspark.sql import SparkSession
from pyspark.sql.connect.client.core import DefaultChannelBuilder
from shared import RECIPE, Kept, as_table, digits, recipes
from spark.training import Outcome, recipe_of, without_spark
from spark.training import outcome as outcome_of

import nnspark
from nnspark.data.dataset import make_dataset
from nnspark.engines import connect, connect_views
from nnspark.engines.frames import frame_shards
from nnspark.engines.layout import shards_in
from nnspark.engines.session import DEFAULTS
from nnspark.errors import DataError
from nnspark.ml import MultilayerPerceptronClassifier, SweepCrossValidator
from nnspark.net import weights
from nnspark.sources import load_table
from nnspark.sources.memory import read_memory

NOT_OF_THE_CLIENT = {
    "pyspark": ("core", "jars", "bin", "sbin", "python", "sql"),
    "pyspark/sql": ("classic",),
}


def open_session(master: str) -> Any:
    """A server in this process, and its client."""
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_TESTING": "1"}  # the latter for a free port
    settings = DEFAULTS | {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.log.level": "OFF",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
    }
    builder: Any = SparkSession.builder.remote(master)
    for key, value in settings.items():
        builder = builder.config(key, value)
    warnings.simplefilter("ignore")  # of settings that only a server's start can set, as this is
    return builder.getOrCreate()


def same_bits(frames: dict[str, Any], found: dict[str, Any], *, whole: bool) -> None:
    """All optimizers, once, or on 1, 2 and 7 partitions; rows in memory and in Parquet files."""
    asked = recipes()
    table = read_memory(as_table(), asked["gd"].data)
    for name, recipe in asked.items():
        found[f"local {name}"] = outcome_of(recipe, shards_in(None, make_dataset(table, recipe)))
    others = [name for name in asked if name != "rounds"]
    both = [
        (1, "memory", others),
        (2, "memory", ["rounds"]),
        (7, "memory", others),
        (7, "parquet", ["rounds"]),
    ]
    for partitions, source, names in [(2, "parquet", others), *(both if whole else both[-1:])]:
        with frame_shards(frames[source], asked[names[0]], partitions=partitions) as shards:
            for name in names:
                found[f"{name} {partitions}"] = outcome_of(asked[name], Kept(shards))
            found["directories"] = directories(shards)
    found["directories left"] = directories(shards)


def directories(shards: Any) -> int:
    """How many folders there are of a data set's shards; the executor is on this machine."""
    roots = shards.handles[0].home.split(",")
    data_set = shards.handles[0].data_set
    return sum(len(list(Path(root).glob(f"nnspark/{data_set}/*"))) for root in roots)


def sizes(session: Any, found: dict[str, Any]) -> None:
    """Values in pieces and sums that meet on the way; rows of the driver."""
    recipe = recipe_of("training.epochs=2")
    found["local sizes"] = without_spark(recipe)
    dataset = make_dataset(load_table(recipe.data), recipe)
    plain = connect_views.INLINE_BYTES, connect_views.PIECE_BYTES, connect.DIRECT_TASKS
    connect_views.INLINE_BYTES, connect_views.PIECE_BYTES, connect.DIRECT_TASKS = 100, 5_000, 1
    try:
        found["sizes 5"] = outcome_of(recipe, shards_in(session, dataset, partitions=5))
    finally:
        connect_views.INLINE_BYTES, connect_views.PIECE_BYTES, connect.DIRECT_TASKS = plain


def train(frames: dict[str, Any], found: dict[str, Any]) -> None:
    """Training and prediction of a DataFrame, and a source that is none."""
    table, features = as_table(), [f"x{i}" for i in range(64)]
    here, there = (nnspark.train(RECIPE, rows, progress=False) for rows in (table, frames["parquet"]))
    found["engine"] = there.metrics["spark"]["engine"]
    found["train"] = [one.weights_sha256 for one in (here, there)]
    answers = there.transform(frames["memory"]).toArrow().column("prediction")
    found["transform"] = [here.predict(table[features]).tolist(), answers.to_pylist()]
    try:
        nnspark.train({"data": {"source": "csv", "path": "/rows.csv"}, "training": {"engine": "spark"}})
    except DataError as error:
        found["refused"] = str(error)


def others(session: Any, frames: dict[str, Any], found: dict[str, Any]) -> None:
    """Evaluation, a sweep, rows with parts of their own, and the model as a function."""
    table, features = as_table(), [f"x{i}" for i in range(64)]
    model = nnspark.train(RECIPE, table, progress=False)
    found["evaluate"] = [model.evaluate(rows) for rows in (table, frames["parquet"])]
    grid: Any = {"training.l2": [0.1, 1.0]}
    swept = [
        nnspark.sweep(RECIPE, rows, grid=grid, folds=2, progress=False) for rows in (table, frames["parquet"])
    ]
    found["sweep"] = [[one["weights_sha256"] for one in each.results] for each in swept]
    parted = table.assign(part=[("train", "validation", "test")[row % 7 % 3] for row in range(len(table))])
    own = RECIPE | {"data": {"scale": "standard", "split": {"column": "part"}}}
    trained = [nnspark.train(own, one, progress=False) for one in (parted, session.createDataFrame(parted))]
    found["own parts"] = [one.weights_sha256 for one in trained]
    model.register(session, "digit_of")
    frames["memory"].createOrReplaceTempView("digit_rows")
    said = session.sql(f"SELECT digit_of({', '.join(features)}) FROM digit_rows").toArrow()
    asked = frames["memory"].select(model.as_udf()(*features)).toArrow()
    session.catalog.dropTempView("digit_rows")
    here = model.predict(table[features]).tolist()
    found["functions"] = [[here, here], [one.column(0).to_pylist() for one in (said, asked)]]


def estimators(session: Any, found: dict[str, Any]) -> None:
    """Spark ML's: fit, transform, summaries, cross-validation in one pass."""
    X, y = digits()
    vectors = session.createDataFrame(pa.table({"features": X.tolist(), "label": y.astype(float)}))
    here, there = (
        MultilayerPerceptronClassifier(hiddenLayers=[12], maxIter=4, seed=7, engine=engine)
        for engine in ("local", "spark")
    )
    models = [one.fit(vectors) for one in (here, there)]
    found["ml"] = [weights.sha256(model.model.weights) for model in models]
    counted = [model.transform(vectors).groupBy("prediction").count().toPandas() for model in models]
    found["ml transform"] = [sorted(one.values.tolist()) for one in counted]
    found["ml summary"] = [
        [model.summary.objectiveHistory, model.summary.accuracy, model.evaluate(vectors).accuracy]
        for model in models
    ]
    found["ml cross-validation"] = [
        SweepCrossValidator(
            estimator=one,
            estimatorParamMaps=[{one.maxIter: 2}, {one.maxIter: 3}],
            evaluator="accuracy",
            numFolds=2,
        )
        .fit(vectors)
        .avgMetrics
        for one in (here, there)
    ]
    named = pa.table(
        {"features": X.tolist(), "label": y.astype(float), "part": [row**2 % 7 % 3 for row in range(len(y))]}
    )
    folds = [
        SweepCrossValidator(
            estimator=one.copy({one.maxIter: 2}),
            estimatorParamMaps=[{}],
            evaluator="accuracy",
            foldCol="part",
            collectSubModels=True,
        ).fit(session.createDataFrame(named))
        for one in (here, there)
    ]
    found["ml folds that a column names"] = [
        [one.avgMetrics, *(weights.sha256(model.model.weights) for (model,) in one.subModels)]
        for one in folds
    ]


def client_alone(folder: str, found: dict[str, Any]) -> None:
    """A client with the modules of pyspark-client alone, without Java: no core, no jars, no py4j."""
    home, whole = Path(folder) / "client", Path(pyspark.__file__).parents[1]
    for package, absent in NOT_OF_THE_CLIENT.items():
        (home / package).mkdir(parents=True)
        for file in (whole / package).iterdir():
            if file.name not in absent:
                (home / package / file.name).symlink_to(file)
    (home / "py4j.py").write_text("raise ImportError('pyspark-client comes without py4j')")
    server = f"sc://localhost:{DefaultChannelBuilder.default_port()}"  # a token goes to localhost without TLS
    environment = {
        "PATH": str(home),
        "PYTHONPATH": os.pathsep.join([str(home), *sys.path[1:]]),
        "SPARK_CONNECT_AUTHENTICATE_TOKEN": os.environ["SPARK_CONNECT_AUTHENTICATE_TOKEN"],
    }
    program = Path(__file__).with_name("client_alone.py")
    done = subprocess.run(
        [sys.executable, str(program), server, folder], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{program.name}: {done.stderr}")
    found["client"] = json.loads(done.stdout.splitlines()[-1])


def main(folder: str, part: str) -> None:
    """What takes seconds; "whole", all of it; "cluster", on executors of their own."""
    session = open_session("local-cluster[2,1,1024]" if part == "cluster" else "local[2,4]")
    as_table().to_parquet(f"{folder}/rows.parquet")
    pd.concat([as_table(), as_table().iloc[[7] * 4_000]]).to_parquet(f"{folder}/crowd.parquet")
    frames = {
        "memory": session.createDataFrame(as_table()),
        **{
            name: session.read.parquet(f"{folder}/{file}.parquet")
            for name, file in {"parquet": "rows", "crowd": "crowd"}.items()
        },
    }
    found: dict[str, Any] = {}
    if part == "cluster":
        executors(frames, found)
    else:
        same_bits(frames, found, whole=part == "whole")
        losses(frames, found)
        files(session, frames, folder, found)
        sizes(session, found)
        train(frames, found)
    if part == "whole":
        others(session, frames, found)
        estimators(session, found)
        client_alone(folder, found)
    found["views left"] = [table.name for table in session.catalog.listTables()]
    print(json.dumps({name: list(one) if isinstance(one, Outcome) else one for name, one in found.items()}))
    session.stop()


if __name__ == "__main__":
    main(sys.argv[1], "".join(sys.argv[2:]))
