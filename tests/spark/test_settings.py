"""Whatever the session is set to, one recipe gives one hash: the user's settings are the user's."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from spark.training import Outcome, recipe_of, without_spark

from nnspark.errors import NNSparkError
from nnspark.runs.data import load_shards

TESTS = Path(__file__).parents[1]
RECIPE = """
[data]
source = "parquet"
scale = "standard"
[training]
epochs = 3
block_rows = 100
dtype = "float32"
"""
SETTINGS: dict[str, dict[str, str]] = {
    "two cores a task": {"spark.task.cpus": "2"},
    "no worker reuse": {"spark.python.worker.reuse": "false"},
    "TCP": {"spark.python.unix.domain.socket.enabled": "false"},
    "Arrow batches of 7 rows": {"spark.sql.execution.arrow.maxRecordsPerBatch": "7"},
    "Arrow batches of a million": {"spark.sql.execution.arrow.maxRecordsPerBatch": "1000000"},
    "adaptive execution": {"spark.sql.adaptive.enabled": "true"},
    "no adaptive execution": {"spark.sql.adaptive.enabled": "false"},
    "1 shuffle partition": {"spark.sql.shuffle.partitions": "1"},
    "500 shuffle partitions": {"spark.sql.shuffle.partitions": "500"},
    "encrypted files": {"spark.io.encryption.enabled": "true"},
    "Kryo": {"spark.serializer": "org.apache.spark.serializer.KryoSerializer"},
    "ANSI": {"spark.sql.ansi.enabled": "true"},
    "no ANSI": {"spark.sql.ansi.enabled": "false"},
    "another time zone": {"spark.sql.session.timeZone": "Asia/Kathmandu"},
    "case sensitive": {"spark.sql.caseSensitive": "true"},
    "4 BLAS threads": {
        "spark.executorEnv.OPENBLAS_NUM_THREADS": "4",
        "spark.executorEnv.OMP_NUM_THREADS": "4",
    },
    "limited Python memory": {"spark.executor.pyspark.memory": "1g"},
    "speculation": {"spark.speculation": "true"},
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """Rows in two files, the recipe that reads them, and what it gives without Spark."""
    import pandas as pd
    from sklearn.datasets import load_digits

    folder = tmp_path_factory.mktemp("settings")
    (folder / "rows").mkdir()
    X, y = load_digits(return_X_y=True)
    rows = pd.DataFrame(X, columns=[f"x{i}" for i in range(64)]).assign(label=y)
    rows[:1_000].to_parquet(folder / "rows/a.parquet")
    rows[1_000:].to_parquet(folder / "rows/b.parquet")
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.replace('"parquet"', f'"parquet"\npath = "{folder / "rows"}"'))
    return recipe, without_spark(recipe_of(text=recipe.read_text()))


def test_workers_that_do_not_live_on_are_refused_in_one_line(spark: Any) -> None:
    """spark.python.use.daemon=false, before a job is started, for files and for rows of the driver."""
    conf = spark.sparkContext.getConf().set("spark.python.use.daemon", "false")
    session: Any = SimpleNamespace(sparkContext=SimpleNamespace(getConf=lambda: conf))
    with pytest.raises(NNSparkError, match=r"^spark\.python\.use\.daemon is false.*leave the setting out$"):
        load_shards(recipe_of(), session)
    with pytest.raises(NNSparkError, match=r"^spark\.python\.use\.daemon is false"):
        load_shards(recipe_of("data.path=/nothing", text=RECIPE), session)


def test_what_spark_does_not_like_of_a_setting_is_said_in_one_line() -> None:
    """Not the call in which it was said, nor that Java may be missing."""
    settings = {"spark.network.timeout": "30s", "spark.network.timeoutInterval": "60s"}
    program = "from nnspark.engines.session import open_session; open_session('refused')"
    options = [part for item in settings.items() for part in ("--conf", "=".join(item))]
    environment = {
        **os.environ,
        "PYSPARK_SUBMIT_ARGS": shlex.join(["--master", "local[1]", *options, "pyspark-shell"]),
    }
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    (said,) = (line for line in done.stderr.splitlines() if "NNSparkError" in line)
    assert re.search(r"Spark did not start: .*spark\.network\.timeoutInterval should be less than", said)
    assert "Java 17" not in said


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_changes_nothing(setting: str, expected: tuple[Path, Outcome], tmp_path: Path) -> None:
    """In a session of its own."""
    recipe, outcome = expected
    dirs = f"{tmp_path / 'one'},{tmp_path / 'two'}"
    settings = {"spark.local.dir": dirs} | SETTINGS[setting]
    command = [
        sys.executable,
        str(TESTS / "spark/train_with.py"),
        "local[2]",
        json.dumps(settings),
        str(recipe),
    ]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert Outcome(*json.loads(done.stdout.splitlines()[-1])) == outcome
