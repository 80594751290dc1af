"""Class data sharing for the JVMs that tests start: what they load is read from one archive, parsed once.

A JVM that starts Spark spends 5 of its 14 seconds of processor time on reading classes. The archive is made
by the process that starts the others (pytest-xdist's controller) and kept in the temporary directory; one
process by itself uses what is there. Java takes no archive with a folder of files on the class path, so
Spark's configuration is named to Log4j instead of standing there. Without an archive all is as it was.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
OPTIONS = ("SPARK_SUBMIT_OPTS", "SPARK_DAEMON_JAVA_OPTS")
A_JOB = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
rows = spark.range(0, 100, 1, 2).selectExpr("id", "cast(id as double) x")
rows.mapInArrow(lambda batches: batches, "id long, x double").repartition(2, "id").persist().count()
spark.sparkContext.parallelize(range(4), 2).map(abs).treeAggregate(0, max, max)
spark.stop()
"""


def share_classes(*, make: bool) -> None:
    """Have the JVMs of this process and of those it starts use the archive; ``make`` it if there is none."""
    archive = _archive()
    if archive is None or (not archive.exists() and not (make and _make(archive))):
        return
    os.environ["SPARK_CONF_DIR"] = str(archive.with_suffix(".no-folder"))
    log4j = f"-Dlog4j2.configurationFile={(ROOT / 'conf/log4j2.properties').as_uri()}"
    for name in OPTIONS:
        more = f"-XX:SharedArchiveFile={archive} -Xlog:disable {log4j}"
        os.environ[name] = f"{os.environ.get(name, '')} {more}".strip()


def _archive() -> Path | None:
    """Where the archive of this Java, this Spark and these options is, or would be."""
    java = str(Path(os.environ["JAVA_HOME"]) / "bin/java") if os.environ.get("JAVA_HOME") else "java"
    try:
        import pyspark

        version = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60).stderr
    except (ImportError, OSError, subprocess.SubprocessError):
        return None
    key = [version, pyspark.__version__, pyspark.__file__, os.environ.get(OPTIONS[0], "")]
    name = hashlib.sha256("\n".join(key).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"nnspark-tests-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"spark-{name}.jsa"


def _make(archive: Path) -> bool:
    """Run a small job whose JVM writes the archive; whether it did."""
    unfinished = archive.with_suffix(f".{os.getpid()}")
    env = os.environ | {
        "SPARK_CONF_DIR": str(archive.with_suffix(".no-folder")),
        OPTIONS[0]: f"{os.environ.get(OPTIONS[0], '')} -XX:ArchiveClassesAtExit={unfinished}",
        "PYSPARK_PYTHON": sys.executable,
    }
    try:
        subprocess.run([sys.executable, "-c", A_JOB], env=env, capture_output=True, timeout=300, check=True)
        unfinished.replace(archive)
    except (OSError, subprocess.SubprocessError):
        unfinished.unlink(missing_ok=True)
        return False
    return True
