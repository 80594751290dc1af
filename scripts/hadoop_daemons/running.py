"""Start a daemon of Hadoop, ask whether all are there, kill one and start it again."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from daemons import STATE, about, alive, describe, started, stop

from hadoop_daemons.jars import class_path
from hadoop_daemons.settings import NODES

__all__ = ["JVM", "PACKAGE", "again", "format_names", "kill", "live_nodes", "of_tmp", "start",
           "wait_for_all"]  # fmt: skip

PACKAGE = "org.apache.hadoop."
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "JAVA_HOME")
SECONDS = 300  # until all are there
# What Hadoop reflects on in the JDK, as its own scripts open it; and JVMs as small as they come.
JVM = (
    *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"),
    *(
        f"--add-opens=java.base/{name}=ALL-UNNAMED"
        for name in ("java.lang", "java.io", "java.util", "java.net")
    ),
)


def start(name: str, role: str, host: str, heap: str, options: list[str]) -> None:
    """Start a daemon, such as ``hdfs.server.namenode.NameNode``, in a session of its own."""
    folder = STATE / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command(role, heap, *options),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=environment(host),
            start_new_session=True,
        )
    state = about()
    state["processes"] = [one for one in state["processes"] if one["name"] != name]
    state["processes"].append(
        {"pid": process.pid, "name": name, "role": role, "host": host, "heap": heap, "options": options}
    )
    describe(state)


def format_names() -> None:
    """Make an empty file system."""
    run = command("hdfs.server.namenode.NameNode", "128m", "-format", "-nonInteractive", "-force")
    with (STATE / "format.log").open("wb") as log:
        code = subprocess.call(
            run, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment("127.0.0.1")
        )
    if code:
        raise SystemExit(
            f"{tail('format.log')}\nhadoop: the NameNode could not make a file system; see above"
        )


def kill(name: str) -> None:
    """SIGKILL a daemon and all that it started: a NodeManager's containers go with their node."""
    for process in started():
        if process["name"] == name and alive(process):
            for pid in descendants(process["pid"]):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            until = time.monotonic() + 10
            while alive(process) and time.monotonic() < until:
                time.sleep(0.1)


def descendants(pid: int) -> list[int]:
    """A process, its children, theirs, and so on."""
    lines = subprocess.check_output(["ps", "-e", "-o", "pid=,ppid="], text=True).splitlines()
    parents = {int(child): int(parent) for child, parent in map(str.split, lines)}
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def again(name: str) -> None:
    """Start a daemon with the options that it had."""
    (process,) = (one for one in started() if one["name"] == name)
    start(*(process[key] for key in ("name", "role", "host", "heap", "options")))


def wait_for_all() -> None:
    """Until every node is known and blocks may be written; stops everything and leaves if that takes long."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and all(alive(process) for process in started()):
        if live_nodes() == (NODES, NODES):
            return
        time.sleep(0.3)
    known, ended = live_nodes(), [process["name"] for process in started() if not alive(process)]
    logs = "\n".join(tail(f"{name}/log") for name in ended or ["namenode", "resourcemanager"])
    stop()
    raise SystemExit(
        f"{logs}\nhadoop: did not start ({known[0]} DataNodes, {known[1]} NodeManagers, ended: "
        f"{', '.join(ended) or 'none'}); what was logged is above"
    )


def live_nodes() -> tuple[int, int]:
    """DataNodes and NodeManagers that live, as NameNode and ResourceManager see them; 0 in safe mode."""
    found = ask("web", "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState")
    (names,) = (found or {}).get("beans") or [{}]
    data = names.get("NumLiveDataNodes", 0) if names.get("FSState") == "Operational" else 0
    nodes = ((ask("yarn", "/ws/v1/cluster/nodes?states=RUNNING") or {}).get("nodes") or {}).get("node", [])
    return data, len(nodes)


def ask(whom: str, path: str) -> Any:
    """What a daemon's web address answers, as JSON; None if it does not."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{about()[whom]}{path}", timeout=5) as answer:
            return json.load(answer)
    except (OSError, ValueError, KeyError):
        return None


def command(role: str, heap: str, *options: str) -> list[str]:
    """A Java command that runs one of Hadoop's classes; the state folder's conf comes first."""
    java = os.path.join(os.environ["JAVA_HOME"], "bin/java") if os.environ.get("JAVA_HOME") else "java"
    classes = os.pathsep.join([str(STATE / "conf"), class_path()])
    return [java, f"-Xmx{heap}", *JVM, of_tmp(STATE), "-cp", classes, PACKAGE + role, *options]


def of_tmp(state: Path) -> str:
    """The option that has what a daemon puts into a temporary folder, and leaves there, go with the state."""
    return f"-Djava.io.tmpdir={state / 'tmp'}"


def environment(host: str, state: Path = STATE) -> dict[str, str]:
    """Little of this environment; a node's containers take Spark's address from it."""
    kept = {key: os.environ[key] for key in KEPT if key in os.environ}
    return kept | {"SPARK_LOCAL_IP": host, "HADOOP_CONF_DIR": str(state / "conf")}


def tail(name: str) -> str:
    """The end of a log."""
    path = STATE / name
    return path.read_text(errors="replace")[-4000:] if path.exists() else ""
