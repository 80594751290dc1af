"""HDFS and YARN of scripts/hadoop: its daemons, containers and files, and jobs on it."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from disasters.cluster import Cluster, command_of
from disasters.runs import RECIPE, ROOT, as_parquet
from disasters.webhdfs import WebHdfs

__all__ = ["ROWS", "Hadoop"]

ROWS = "/data/digits"


class Hadoop(Cluster):
    """HDFS and YARN in a folder, with the rows in HDFS; the nodes have a Python without NumPy."""

    program = ROOT / "scripts/hadoop"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.environment["HADOOP_STATE"] = str(self.state)

    def __enter__(self) -> "Hadoop":
        self.call("up")
        as_parquet(self.folder)
        self.files.put(self.folder / "digits", ROWS)
        return self

    def run(
        self, out: str, log: Path, settings: list[str], *, mode: str = "cluster", attempts: int = 2,
        pausing: Sequence[str | Path] = (),
    ) -> subprocess.Popen[bytes]:  # fmt: skip
        """Start a training job on the rows in HDFS; ``pausing`` are the arguments of ``pausing_train``."""
        of_client = ("--conf", f"spark.pyspark.driver.python={ROOT / '.venv/bin/python'}")
        job = (ROOT / "jobs/train.py",)
        recipe = RECIPE if mode == "client" else RECIPE.name
        program = (Path(__file__).with_name("pausing_train.py"), *pausing, *job) if pausing else job
        command = [
            *(self.program, "submit", "--deploy-mode", mode, *(of_client if mode == "client" else ())),
            *("--conf", f"spark.yarn.maxAppAttempts={attempts}", "--files", RECIPE),
            *(*program, recipe, "--out", out, "--resume"),
        ]
        return self.start(command, log, [*settings, f'data.path="hdfs://{ROWS}"'])

    @property
    def files(self) -> WebHdfs:
        """What is in HDFS."""
        return WebHdfs(self._about()["web"])

    def copy(self, path: str, local: Path) -> Path:
        """Copy a folder to this machine, by Hadoop's client: it passes over a DataNode that is gone."""
        self.call("fs", "-get", path, str(local))
        return local

    def daemons(self, kind: str) -> list[str]:
        """Names of the daemons of a kind, such as nodemanager."""
        return [str(one["name"]) for one in self._started() if str(one["name"]).startswith(kind)]

    def containers(self, program: str) -> list[psutil.Process]:
        """The JVMs in containers that run a program."""
        found = []
        for one in self._started():
            if str(one["name"]).startswith("nodemanager") and psutil.pid_exists(int(str(one["pid"]))):
                found += psutil.Process(int(str(one["pid"]))).children(recursive=True)
        return [one for one in found if is_java(one) and program in command_of(one)]

    def _about(self) -> dict[str, Any]:
        about: dict[str, Any] = json.loads((self.state / "processes.json").read_text())
        return about


def is_java(process: psutil.Process) -> bool:
    """Whether a process is a JVM, not the shell that started it."""
    try:
        return bool(process.name() == "java")
    except psutil.Error:
        return False
