"""The daemons' configuration: which addresses, how little memory, how soon one that is gone is missed."""

import os
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from daemons import HOST, ROOT, free_port, host_of

__all__ = ["NODES", "of_data_node", "of_node_manager", "write", "write_spark"]

NODES = 2  # with a DataNode and a NodeManager each
NODE_MB = 6144  # what a node gives away; containers take what they need and no more
LOGGING = """log4j.rootLogger=INFO,err
log4j.logger.org.apache.hadoop.util.NativeCodeLoader=ERROR
log4j.appender.err=org.apache.log4j.ConsoleAppender
log4j.appender.err.target=System.err
log4j.appender.err.layout=org.apache.log4j.PatternLayout
log4j.appender.err.layout.ConversionPattern=%d{HH:mm:ss,SSS} %p %c{1}: %m%n
"""
SMALL = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"  # of JVMs that live for a minute
SCHEDULER = "yarn.scheduler.capacity.root"


def write(state: Path, nodes: int = NODES) -> dict[str, str]:
    """Write Hadoop's files into the folder conf of the state folder; the addresses to ask for state."""
    hdfs, names, resources = (f"{HOST}:{free_port()}" for _ in range(3))
    kinds = ("", "scheduler.", "resource-tracker.", "admin.")
    yarn = {f"yarn.resourcemanager.{kind}address": f"{HOST}:{free_port()}" for kind in kinds}
    files: dict[str, dict[str, object]] = {
        "core-site.xml": {"fs.defaultFS": f"hdfs://{hdfs}", "hadoop.tmp.dir": state / "tmp"},
        "hdfs-site.xml": {
            "dfs.namenode.http-address": names,
            "dfs.namenode.name.dir": f"file://{state}/namenode/names",
            "dfs.namenode.safemode.extension": 0,  # milliseconds after all blocks are found
            "dfs.namenode.heartbeat.recheck-interval": 5000,  # a DataNode is dead after 20 s, not 10 minutes
            "dfs.heartbeat.interval": 1,
            "dfs.replication": nodes,
        },
        "yarn-site.xml": yarn
        | {
            "yarn.resourcemanager.hostname": HOST,
            "yarn.resourcemanager.webapp.address": resources,
            "yarn.resourcemanager.am.max-attempts": 10,  # at most; an application asks for fewer
            "yarn.nm.liveness-monitor.expiry-interval-ms": 60_000,  # not 10 minutes
            "yarn.scheduler.minimum-allocation-mb": 128,
            "yarn.nodemanager.resource.memory-mb": NODE_MB,
            "yarn.nodemanager.vmem-check-enabled": "false",  # a JVM maps more than it uses
            "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": 99,
            "yarn.nodemanager.env-whitelist": "JAVA_HOME,PATH,LANG,TMPDIR,SPARK_LOCAL_IP",
        },
        "capacity-scheduler.xml": {
            f"{SCHEDULER}.queues": "default",
            f"{SCHEDULER}.default.capacity": 100,
            "yarn.scheduler.capacity.maximum-am-resource-percent": 1,
        },
    }
    for folder in ("conf", "tmp"):
        (state / folder).mkdir()
    for name, values in files.items():
        (state / "conf" / name).write_text(as_xml(values))
    (state / "conf/log4j.properties").write_text(LOGGING)
    return {"url": f"hdfs://{hdfs}", "web": f"http://{names}", "yarn": f"http://{resources}"}


def of_data_node(folder: Path) -> list[str]:
    """A DataNode's own settings, as options of its command."""
    ports = {f"dfs.datanode.{kind}address": f"{HOST}:{free_port()}" for kind in ("", "http.", "ipc.")}
    return as_options(ports | {"dfs.datanode.data.dir": f"file://{folder}/blocks"})


def of_node_manager(folder: Path, number: int) -> tuple[str, list[str]]:
    """A NodeManager's host, an address of its own where the system has them, and its settings as options."""
    host = host_of(number)
    kinds = ("", "localizer.", "webapp.", "collector-service.")
    addresses = {f"yarn.nodemanager.{kind}address": f"{host}:{free_port()}" for kind in kinds}
    return host, as_options(
        addresses
        | {
            "yarn.nodemanager.hostname": host,
            "yarn.nodemanager.local-dirs": f"{folder}/local",
            "yarn.nodemanager.log-dirs": f"{folder}/logs",
        }
    )


def write_spark(state: Path, nodes: int = NODES) -> None:
    """conf/spark-yarn.conf with what fits this machine, for ``spark-submit --properties-file``."""
    (state / "spark.conf").write_text(
        (ROOT / "conf/spark-yarn.conf").read_text()
        + f"\nspark.yarn.jars local:{os.environ['SPARK_HOME']}/jars/*\n"  # all nodes have them: this machine
        f"spark.executor.instances {nodes}\n"
        "spark.executor.cores 1\nspark.executor.memory 640m\n"
        "spark.executor.memoryOverhead 1g\nspark.driver.memory 640m\n"
        "spark.ui.enabled false\n"
        "spark.yarn.am.waitTime 600s\nspark.network.timeout 600s\n"  # where other work has the cores
         + "".join(f"spark.{of}.extraJavaOptions {SMALL}\n" for of in ("driver", "executor", "yarn.am"))
    )


def as_options(values: Mapping[str, object]) -> list[str]:
    """-D key=value, as all of Hadoop's daemons take them."""
    return [part for key, value in values.items() for part in ("-D", f"{key}={value}")]


def as_xml(values: Mapping[str, object]) -> str:
    """A configuration file of Hadoop's."""
    properties = "".join(
        f"  <property><name>{key}</name><value>{escape(str(value))}</value></property>\n"
        for key, value in values.items()
    )
    return f'<?xml version="1.0"?>\n<configuration>\n{properties}</configuration>\n'
