"""Run as a program where there is no Java and of pyspark the client alone: train and predict on a server.

Arguments: the server, and the folder of rows.parquet. Prints one line of JSON.
"""

import json
import shutil
import sys

from pyspark.sql import SparkSession
from pyspark.util import is_remote_only

import nnspark
from nnspark.ml import MultilayerPerceptronClassifier
from nnspark.net import weights

RECIPE = {
    "data": {"scale": "standard"},
    "training": {"epochs": 3, "block_rows": 100},
    "report": {"html": False},
}


def main(server: str, folder: str) -> None:
    """What came of it, and what there is to do it with."""
    session = SparkSession.builder.remote(server).getOrCreate()
    rows = session.read.parquet(f"{folder}/rows.parquet")
    model = nnspark.train(RECIPE, rows, progress=False)
    answers = model.transform(rows).select("prediction").toArrow().column("prediction")
    vectors = rows.selectExpr(f"array({', '.join(f'x{i}' for i in range(64))}) features", "label")
    estimator = MultilayerPerceptronClassifier(hiddenLayers=[12], maxIter=4, seed=7, engine="spark")
    fitted = estimator.fit(vectors)
    found = {
        "alone": is_remote_only() and shutil.which("java") is None and "py4j" not in sys.modules,
        "train": model.weights_sha256,
        "transform": sorted(answers.to_pylist()),
        "ml": weights.sha256(fitted.model.weights),
        "ml rows": fitted.transform(vectors).count(),
    }
    session.stop()
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
