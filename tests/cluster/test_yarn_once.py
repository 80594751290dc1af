"""The run on Apache Hadoop's own YARN and HDFS that the fast suite has; test_yarn.py has the slow ones."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("psutil")
pytest.importorskip("pyspark")
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from disasters import runs
from hadoop_daemons import jars
from hadoop_daemons.together import Together

from nnspark import recipe
from nnspark.runs.run import run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hadoop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Together:
    """A node of HDFS and YARN; skips the test where there is no Hadoop and Maven cannot fetch it."""
    import pyspark

    monkeypatch.setenv("SPARK_HOME", str(Path(pyspark.__file__).parent))
    if shutil.which("mvn") is None and not jars.is_there():
        pytest.skip("Apache Hadoop is not there, and no Maven to fetch it: apt-get install maven")
    try:
        jars.class_path()
    except SystemExit as reason:
        if "could not fetch" in str(reason):
            pytest.skip(str(reason))
        pytest.fail(str(reason))
    return Together(tmp_path / "hadoop")


def submit(hadoop: Together, settings: list[str], out: str) -> None:
    """jobs/train.py on YARN, in client mode; its containers have this Python and what it imports.

    Classes of the executor's JVM are read from the archive that those of tests share, see class_data.py: it
    has to have the class path of a driver first.
    """
    found = Path(os.environ["SPARK_HOME"], "jars")
    first = [os.environ.get("SPARK_CONF_DIR", ROOT / "conf"), *found.glob("slf4j-api-*.jar"), found / "*"]
    classes = os.pathsep.join(map(str, first))
    command = [
        *(Path(os.environ["SPARK_HOME"], "bin/spark-submit"), "--deploy-mode", "client"),
        *("--properties-file", hadoop.folder / "spark.conf"),
        *("--conf", f"spark.pyspark.python={sys.executable}"),
        *("--conf", f"spark.executor.extraClassPath={classes}"),
        *("--conf", f"spark.executor.extraJavaOptions={os.environ.get('SPARK_SUBMIT_OPTS', '')}"),
        *(ROOT / "jobs/train.py", runs.RECIPE, "--out", out),
        *(part for one in settings for part in ("--set", one)),
    ]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYSPARK_")}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    own = {"HADOOP_CONF_DIR": str(hadoop.folder / "conf"), "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": path}
    done = subprocess.run(command, env=environment | own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.endswith(f"{out}/metrics.json\n")


@pytest.mark.cluster
@pytest.mark.timeout(900)
def test_yarn_and_hdfs_give_the_weights_of_the_engine_without_spark(hadoop: Together, tmp_path: Path) -> None:
    """Weights, history and metrics; rows, checkpoints and the rest of the run directory on hdfs://."""
    rows, epochs = runs.as_parquet(tmp_path), "training.epochs=3"
    settings = runs.settings_of("gd", *rows, epochs)
    alone = recipe.read(str(runs.RECIPE), [*settings, 'training.engine="local"'])
    run(alone, str(tmp_path / "peace"), title="without Spark")
    with hadoop:
        hadoop.put(tmp_path / "digits", "/digits")
        submit(hadoop, [*settings, 'data.path="hdfs:///digits"'], "hdfs:///run")
        hadoop.get("/run", tmp_path / "run")
    assert runs.compare(tmp_path / "run", tmp_path / "peace") == []
    assert runs.saved_epoch(tmp_path / "run") == 3
