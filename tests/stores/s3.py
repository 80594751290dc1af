"""An S3-compatible server behind a proxy that can make requests fail, and what Spark needs to reach it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from stores.proxy import Proxy

ROOT = Path(__file__).parents[2]
BUCKET = "runs"
DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.databricks.delta.snapshotPartitions": "2",  # of its 50 tasks a table of two files needs no more
}
FOR_DELTA = "4.2.0"  # the newest Spark that there is a Delta for, see pom.xml


class Store:
    """moto's server with one bucket, for as long as the block runs."""

    def __init__(self, folder: Path, jars: Path) -> None:
        self.folder, self.jars = folder, jars
        self.settings = folder / "spark.conf"

    def __enter__(self) -> "Store":
        port = _free_port()
        program = [os.environ.get("MOTO_PYTHON", sys.executable), "-m", "moto.server", "-p", str(port)]
        self._log = (self.folder / "server.log").open("ab")
        self._server = subprocess.Popen(program, stdout=self._log, stderr=self._log, start_new_session=True)
        self._direct = f"http://127.0.0.1:{port}/{BUCKET}"
        self._wait()
        self.proxy = Proxy(port)
        lines = self.properties()
        own = (ROOT / "conf/spark-local.conf").read_text()
        self.settings.write_text(own + "".join(f"\n{key} {value}" for key, value in lines.items()) + "\n")
        return self

    def __exit__(self, *error: object) -> None:
        self.proxy.shutdown()
        self.proxy.server_close()
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()
        self._log.close()

    def properties(self) -> dict[str, str]:
        """What Spark has to be told."""
        return (DELTA if has_delta() else {}) | {
            "spark.jars": ",".join(map(str, sorted(self.jars.glob("*.jar")))),
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.master": "local[2,4]",
            "spark.sql.shuffle.partitions": "2",
            "spark.hadoop.fs.s3a.endpoint": f"http://127.0.0.1:{self.proxy.server_port}",
            "spark.hadoop.fs.s3a.endpoint.region": "us-east-1",
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.access.key": "test",
            "spark.hadoop.fs.s3a.secret.key": "test",
        }

    def session(self) -> Any:
        """A session of this process, which has none, that reaches it."""
        from pyspark.sql import SparkSession

        from nnspark.engines.session import DEFAULTS

        builder = SparkSession.builder.appName("nnspark tests")
        for key, value in {**DEFAULTS, "spark.log.level": "OFF", **self.properties()}.items():
            builder = builder.config(key, value)
        return builder.getOrCreate()

    def uri(self, name: str) -> str:
        """Where it is for Spark."""
        return f"s3a://{BUCKET}/{name}"

    def read(self, name: str) -> bytes:
        """An object, past Spark and the proxy."""
        asked = urllib.request.Request(f"{self._direct}/{name}", headers={"Authorization": "AWS test:test"})
        with urllib.request.urlopen(asked) as answer:  # moto looks whether there is a name, not at whose
            content: bytes = answer.read()
        return content

    def put(self, name: str, content: bytes) -> None:
        """Make an object."""
        kind = {"Content-Type": "application/octet-stream"}  # urllib's own, a form, has moto look for fields
        place = f"{self._direct}/{name}"
        urllib.request.urlopen(urllib.request.Request(place, content, kind, method="PUT")).close()

    def start(self, *words: str, log: Path | None = None) -> subprocess.Popen[bytes]:
        """``nnspark`` with these words, in a process group of its own."""
        command = [sys.executable, "-m", "nnspark", "--properties-file", str(self.settings), *words]
        with (log or self.folder / "driver.log").open("ab") as file:
            return subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file,
                start_new_session=True, env=self._environment(),
            )  # fmt: skip

    def call(self, *words: str) -> str:
        """The same to its end; what it prints, but for a failure."""
        process = self.start(*words)
        printed, _ = process.communicate()
        log = (self.folder / "driver.log").read_text()
        assert process.returncode == 0, log[-3000:]
        return printed.decode()

    def _environment(self) -> dict[str, Any]:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return {**os.environ, "PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable}

    def _wait(self) -> None:
        deadline = time.monotonic() + 900
        while True:
            try:
                urllib.request.urlopen(urllib.request.Request(self._direct, method="PUT")).close()
                return
            except OSError:
                if time.monotonic() > deadline or self._server.poll() is not None:
                    raise
                time.sleep(0.2)


def has_delta() -> bool:
    """Whether this Spark is one that pom.xml's Delta is for."""
    from pyspark import __version__

    return __version__.split(".")[:2] == FOR_DELTA.split(".")[:2]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
