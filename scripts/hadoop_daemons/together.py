"""HDFS and YARN of one node in one JVM, for as long as a block runs: what a test can afford.

The classes are those that ``scripts/hadoop`` starts, a JVM each; here they are loaded and compiled once. Py4J
makes the daemons, and the JVM ends with the process that started it.
"""

import os
import subprocess
import time
from pathlib import Path
from typing import Any

from daemons import HOST
from py4j.java_gateway import GatewayParameters, JavaGateway

from hadoop_daemons import settings
from hadoop_daemons.jars import class_path
from hadoop_daemons.running import JVM, environment, of_tmp

__all__ = ["Together"]

SECONDS = 120  # until block and container can be had
PAGES = ("hdfs", "datanode", "cluster", "node", "static")  # of the web, left empty: to unpack them takes 2 s
GATEWAY = ("py4j.GatewayServer", "--die-on-broken-pipe", "0")


class Together:
    """A NameNode, a DataNode, a ResourceManager and a NodeManager whose files are in a folder.

    ``conf`` in the folder is a HADOOP_CONF_DIR, ``spark.conf`` Spark's properties.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> "Together":
        self.folder.mkdir(mode=0o700)
        settings.write(self.folder, 1)
        settings.write_spark(self.folder, 1)
        for page in PAGES:
            (self.folder / "conf/webapps" / page).mkdir(parents=True)
        (py4j,) = Path(os.environ["SPARK_HOME"], "jars").glob("py4j-*.jar")
        java = os.path.join(os.environ["JAVA_HOME"], "bin/java") if os.environ.get("JAVA_HOME") else "java"
        classes = os.pathsep.join([str(self.folder / "conf"), class_path(), str(py4j)])
        with (self.folder / "log").open("ab") as log:
            self._jvm = subprocess.Popen(
                [java, "-Xmx320m", *JVM, of_tmp(self.folder), "-cp", classes, *GATEWAY],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=self.folder,
                env=environment(HOST, self.folder), start_new_session=True,
            )  # fmt: skip
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        if hasattr(self, "_gateway"):
            self._gateway.close()
        try:
            self._jvm.communicate(timeout=SECONDS)  # its standard input's end is its own
        finally:
            self._jvm.kill()

    def put(self, local: Path, path: str) -> None:
        """Copy a file or a folder to HDFS."""
        self._files.copyFromLocalFile(self._path(str(local)), self._path(path))

    def get(self, path: str, local: Path) -> None:
        """Copy a file or a folder from HDFS."""
        self._files.copyToLocalFile(self._path(path), self._path(str(local)))

    def _start(self) -> None:
        """Make all four, and wait until they know each other."""
        assert self._jvm.stdout is not None
        port = self._jvm.stdout.readline()
        if not port:
            raise RuntimeError((self.folder / "log").read_text()[-4000:])
        self._gateway = JavaGateway(gateway_parameters=GatewayParameters(port=int(port)))
        java: Any = self._gateway.jvm
        hadoop = java.org.apache.hadoop
        hadoop.metrics2.lib.DefaultMetricsSystem.setMiniClusterMode(True)  # two daemons may have one name
        conf = hadoop.yarn.conf.YarnConfiguration(hadoop.hdfs.HdfsConfiguration())
        options = [*settings.of_data_node(self.folder), *settings.of_node_manager(self.folder, 0)[1]]
        for option in options[1::2]:
            conf.set(*option.split("=", 1))
        hdfs, yarn = hadoop.hdfs.server, hadoop.yarn.server
        none = self._gateway.new_array(java.String, 0)
        hdfs.namenode.NameNode.format(conf)
        names = hdfs.namenode.NameNode.createNameNode(none, conf)
        hdfs.datanode.DataNode.createDataNode(none, conf)
        resources, node = yarn.resourcemanager.ResourceManager(), yarn.nodemanager.NodeManager()
        end = hadoop.service.CompositeService.CompositeServiceShutdownHook(node)  # its containers go with it
        hadoop.util.ShutdownHookManager.get().addShutdownHook(end, 30)
        for daemon in (resources, node):
            daemon.init(conf)
            daemon.start()
        deadline = time.monotonic() + SECONDS
        while names.isInSafeMode() or not names.getNamesystem().getNumLiveDataNodes() or not (
            resources.getRMContext().getRMNodes().size()
        ):  # fmt: skip
            if time.monotonic() > deadline:
                raise TimeoutError((self.folder / "log").read_text()[-4000:])
            time.sleep(0.1)
        self._path, self._files = hadoop.fs.Path, hadoop.fs.FileSystem.get(conf)
