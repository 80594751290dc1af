"""Tables people have, by a recipe and by the estimator: the weights of the same rows in a CSV file."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nnspark import recipe, train
from nnspark.engines.frames.read import read_frame
from nnspark.ml import MultilayerPerceptronClassifier

PROGRAMS = Path("/usr/lib/postgresql")
RECIPE = """
[data]
source = "spark"
label = "label"
scale = "standard"
[network]
hidden = [5]
[training]
epochs = 4
block_rows = 64
engine = "spark"
"""


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The JDBC URL of a PostgreSQL server that is there while the block runs; empty where there is none."""
    found = sorted(PROGRAMS.glob("*/bin/initdb"))
    if not found:
        yield ""
        return
    place, bin_ = folder / "postgres", found[-1].parent
    place.mkdir()
    as_other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_other:  # it refuses to run as root
        for above in (place, *place.parents):
            if above.stat().st_uid == 0 and above.is_relative_to("/tmp"):
                above.chmod(above.stat().st_mode | 0o011)
        shutil.chown(place, "postgres")
    made = [*as_other, bin_ / "initdb", "-A", "trust", "-U", "nnspark", "-D", place / "data"]
    subprocess.run(made, check=True, capture_output=True)
    port = str(20_000 + os.getpid() % 10_000)
    server = subprocess.Popen(
        [*as_other, bin_ / "postgres", "-D", place / "data", "-p", port, "-h", "127.0.0.1", "-k", ""],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        ready = [bin_ / "pg_isready", "-h", "127.0.0.1", "-p", port, "-q"]
        deadline = time.monotonic() + 120
        while subprocess.run(ready, check=False).returncode:
            assert time.monotonic() < deadline, "PostgreSQL did not start"
            time.sleep(0.2)
        yield f"jdbc:postgresql://127.0.0.1:{port}/postgres"
    finally:
        os.killpg(server.pid, signal.SIGINT)
        server.wait()


def settings_of(
    session: Any, rows: Any, folder: Path, on_store: str, url: str, *, delta: bool
) -> dict[str, list[str]]:
    """Write the rows as each kind of table; the overrides of a recipe that reads them."""
    rows.repartition(3).write.parquet(f"{on_store}/parquet")
    rows.write.partitionBy("label").parquet(f"{on_store}/parts")
    rows.write.partitionBy("label").parquet(f"{folder}/parts")
    rows.repartition(3).write.format("avro").save(f"{folder}/rows.avro")
    rows.createOrReplaceTempView("numbers")
    session.sql("CREATE OR REPLACE TEMP VIEW seen AS SELECT * FROM numbers WHERE a IS NOT NULL")
    found = {
        "Parquet on s3a": ['data.source="parquet"', f'data.path="{on_store}/parquet"'],
        "partitioned Parquet on s3a": ['data.format="parquet"', f'data.path="{on_store}/parts"'],
        "partitioned Parquet": ['data.format="parquet"', f'data.path="{folder}/parts"'],
        "Avro": ['data.format="avro"', f'data.path="{folder}/rows.avro"'],
        "a view": ['data.source="table"', 'data.table="seen"'],
        "a query": ['data.source="query"', 'data.query="SELECT * FROM numbers WHERE b = b"'],
    }
    if url:
        options = {"url": url, "user": "nnspark", "driver": "org.postgresql.Driver"}
        rows.write.format("jdbc").options(dbtable="numbers", **options).save()
        shown = ", ".join(f'{key} = "{value}"' for key, value in options.items())
        cut = 'partitionColumn = "label", lowerBound = "0", upperBound = "2", numPartitions = "2"'
        found["PostgreSQL by JDBC"] = [
            'data.format="jdbc"', f'data.options={{dbtable = "numbers", {cut}, {shown}}}'
        ]  # fmt: skip
    if delta:
        rows.union(rows.limit(20)).write.format("delta").save(f"{folder}/delta")  # version 0 has rows twice
        rows.write.format("delta").mode("overwrite").save(f"{folder}/delta")
        rows.write.format("delta").save(f"{on_store}/delta")
        session.sql(f"CREATE TABLE held USING delta LOCATION '{folder}/delta'")
        found["Delta"] = ['data.format="delta"', f'data.path="{folder}/delta"']
        found["Delta on s3a"] = ['data.format="delta"', f'data.path="{on_store}/delta"']
        found["Delta by its table's name"] = ['data.source="table"', 'data.table="held"']
    return found


def fitted(df: Any) -> bytes:
    """What the estimator learns of a DataFrame."""
    from pyspark.ml.feature import VectorAssembler

    wide = VectorAssembler(inputCols=list("abcd"), outputCol="features").transform(df)
    estimator = MultilayerPerceptronClassifier(layers=[4, 3, 2], maxIter=4, seed=5)
    weights: bytes = estimator.fit(wide).weights.toArray().tobytes()
    return weights


def check_tables(session: Any, folder: Path, on_store: str, csv: bytes, *, delta: bool) -> None:
    """Each kind of table gives the weights of the CSV file."""
    (folder / "rows.csv").write_bytes(csv)
    plain = ['data.source="csv"', f'data.path="{folder}/rows.csv"']
    wanted = train(recipe.loads(RECIPE, [*plain, 'training.engine="local"']), None).weights_sha256
    schema = "a DOUBLE, b DOUBLE, c DOUBLE, d DOUBLE, label INT"
    rows = session.read.csv(f"{folder}/rows.csv", header=True, schema=schema)
    learnt = fitted(rows)
    print(f"Spark {session.version}: the CSV file without Spark has {wanted}")
    with postgres(folder) as url:
        print("PostgreSQL" if url else "no PostgreSQL here")
        for name, overrides in settings_of(session, rows, folder, on_store, url, delta=delta).items():
            made = recipe.loads(RECIPE, overrides)
            model = train(made, None)
            assert model.weights_sha256 == wanted, name
            assert sum(model.metrics[part]["num_samples"] for part in ("train", "validation", "test")) == 500
            assert fitted(read_frame(session, made.data)) == learnt, name
            print(name, "has the bits of the CSV file", flush=True)
