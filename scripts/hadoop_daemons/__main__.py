"""HDFS and YARN on loopback: start, list, use, stop.

No Kerberos: whoever has an account on this machine can use them. ``processes.json`` in the state folder names
what was started, ``conf`` there is a HADOOP_CONF_DIR, ``spark.conf`` is conf/spark-yarn.conf made to fit.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import bundle
from daemons import HOST, ROOT, STATE, about, alive, describe, started, stop

from hadoop_daemons import settings
from hadoop_daemons.jars import VERSION, class_path, version_of_spark
from hadoop_daemons.running import (
    again,
    ask,
    command,
    environment,
    format_names,
    kill,
    live_nodes,
    start,
    wait_for_all,
)


def main() -> int:
    """Run one of the subcommands."""
    if sys.argv[1:2] == ["submit"]:
        return submit(sys.argv[2:])
    if sys.argv[1:2] == ["fs"]:
        return shell(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="hadoop", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start all; prints the hdfs:// URL")
    commands.add_parser("status", help="what runs, as NameNode and ResourceManager see it")
    for name, what in (("kill", "SIGKILL a daemon; its containers go with a NodeManager"),
                       ("restart", "the same, and start it again")):  # fmt: skip
        one = commands.add_parser(name, help=what)
        one.add_argument("daemon", help="its name, such as nodemanager-0")
    commands.add_parser("submit", help="[SPARK-SUBMIT OPTIONS] JOB ARGS...: run a job on YARN")
    commands.add_parser("fs", help="a command of Hadoop's file system shell, such as -ls /")
    commands.add_parser("down", help="stop all and delete the state folder, the files in HDFS among it")
    args = parser.parse_args()
    if args.command in ("kill", "restart"):
        return lose(args.daemon, back=args.command == "restart")
    return {"up": up, "status": status, "down": down}[args.command]()


def up() -> int:
    """Start everything, wait until every node has registered, print the URL."""
    if STATE.exists() and any(alive(process) for process in started()):
        print(f"hadoop: runs already at {about()['url']}; scripts/hadoop down stops it", file=sys.stderr)
        return 1
    class_path()
    if version_of_spark() != VERSION:
        print(
            f"hadoop: the daemons are of {VERSION}, Spark's client is of {version_of_spark()}",
            file=sys.stderr,
        )
    shutil.rmtree(STATE, ignore_errors=True)
    STATE.mkdir(parents=True, mode=0o700)
    STATE.chmod(0o700)
    describe({**settings.write(STATE), "processes": []})
    settings.write_spark(STATE)
    format_names()
    start("namenode", "hdfs.server.namenode.NameNode", HOST, "192m", [])
    start("resourcemanager", "yarn.server.resourcemanager.ResourceManager", HOST, "256m", [])
    for number in range(settings.NODES):
        name = f"datanode-{number}"
        start(name, "hdfs.server.datanode.DataNode", HOST, "128m", settings.of_data_node(STATE / name))
    for number in range(settings.NODES):
        name = f"nodemanager-{number}"
        host, options = settings.of_node_manager(STATE / name, number)
        start(name, "yarn.server.nodemanager.NodeManager", host, "192m", options)
    wait_for_all()
    print(about()["url"])
    return 0


def submit(arguments: list[str]) -> int:
    """spark-submit to YARN with this cluster's settings and packages; its exit code is the job's."""
    if not running():
        return 1
    dist = ROOT / "dist"
    program = [
        str(Path(os.environ["SPARK_HOME"], "bin/spark-submit")),
        *("--properties-file", str(STATE / "spark.conf")),
        *("--py-files", str(bundle.build_zip(dist))),
        *("--archives", f"{bundle.build_environment(dist)}#environment"),
    ]
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYSPARK_")}
    env |= {"HADOOP_CONF_DIR": str(STATE / "conf"), "SPARK_LOCAL_IP": HOST}
    return subprocess.call([*program, *arguments], env=env)


def shell(arguments: list[str]) -> int:
    """Hadoop's file system shell."""
    if not running():
        return 1
    return subprocess.call(command("fs.FsShell", "128m", *arguments), env=environment(HOST))


def lose(name: str, *, back: bool) -> int:
    """Kill a daemon, and start it again if it is to come back."""
    names = [process["name"] for process in started()]
    if name not in names:
        print(f"hadoop: no '{name}' was started; there are {', '.join(names) or 'none'}", file=sys.stderr)
        return 1
    kill(name)
    if back:
        again(name)
    return 0


def status() -> int:
    """Print what the daemons know; 0 if all are there."""
    if not running():
        return 1
    data, nodes = live_nodes()
    print(f"{about()['url']}  {data} of {settings.NODES} DataNodes live  web page {about()['web']}")
    print(f"YARN  {nodes} of {settings.NODES} NodeManagers run  web page {about()['yarn']}")
    for process in started():
        print(f"  {process['name']}  {'runs' if alive(process) else 'ended'}  process {process['pid']}")
    found = ((ask("yarn", "/ws/v1/cluster/apps") or {}).get("apps") or {}).get("app", [])
    for app in found:
        print(f"  {app['id']}  {app['state']}  {app['name']}")
    return 0 if (data, nodes) == (settings.NODES, settings.NODES) else 1


def running() -> bool:
    """Whether one was started; says so if not."""
    if not STATE.exists():
        print("hadoop: none is running; scripts/hadoop up starts one", file=sys.stderr)
    return STATE.exists()


def down() -> int:
    """Stop all; delete configuration, logs, scratch space and the file system."""
    if running():
        for name in [process["name"] for process in started() if process["name"].startswith("nodemanager")]:
            kill(name)  # with its containers
        stop()
        print("hadoop: stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
