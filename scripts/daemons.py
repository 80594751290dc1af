"""The processes of scripts/cluster: what was started, in which state folder, whether it runs and answers.

``processes.json`` in the state folder names them; ``spark.conf`` there holds the secret.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import hosts

ROOT = Path(__file__).resolve().parents[1]
STATE = Path(os.environ.get("CLUSTER_STATE") or ROOT / ".venv/cluster").resolve()
HOST = "127.0.0.1"
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "JAVA_HOME", "SPARK_HOME", "SPARK_CONF_DIR",
        "SPARK_DAEMON_JAVA_OPTS")  # fmt: skip
MASTER = 0  # its host; the workers' follow, then the driver's
SECONDS = 240  # until all are there
FETCH = """import sys, urllib.request as web
with web.build_opener(web.ProxyHandler({})).open(sys.argv[1], timeout=5) as answer:
    print(answer.read().decode())"""


def host_of(worker: int) -> str:
    """An address of its own for each worker, where the system has them: to Spark they are other hosts.

    It starts a second attempt of a slow task, for one, only on another host.
    """
    address = f"127.0.0.{worker % 250 + 1}"
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return HOST
    return address


def start(name: str, role: str, host: str, *options: str, at: int = MASTER) -> None:
    """Start a daemon of Spark in a session of its own, with little of this environment, ``at`` a host."""
    folder = STATE / name
    (folder / "local").mkdir(parents=True, exist_ok=True)
    environment = {key: os.environ[key] for key in KEPT if key in os.environ}
    environment |= {
        "SPARK_LOCAL_IP": host,  # its web page too
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_DAEMON_MEMORY": "512m",
        "SPARK_WORKER_OPTS": "-Dspark.worker.cleanup.enabled=true",
    }
    program = Path(os.environ["SPARK_HOME"], "bin/spark-class")
    command = [
        *on(at),
        program,
        f"org.apache.spark.deploy.{role}",
        "--properties-file",
        STATE / "spark.conf",
        *("--host", host),
        *options,
    ]
    launch(name, command, environment, role=role, host=host, options=options, at=at)


def start_wire(count: int, owner: int) -> None:
    """Start the process that connects so many hosts, and wait for it; it ends with its owner, if any."""
    (STATE / "wire").mkdir()
    command = [sys.executable, hosts.__file__, str(STATE), str(count), str(owner)]
    launch("wire", command, dict(os.environ), role="hosts.py")
    deadline = time.monotonic() + 60
    while not (STATE / "wire/control").exists():
        if time.monotonic() > deadline or not all(alive(process) for process in started()):
            said = (STATE / "wire/log").read_text(errors="replace")[-2000:]
            stop()
            raise SystemExit(f"{said}\ncluster: the hosts did not start; what was logged is above")
        time.sleep(0.1)


def on(host: int) -> list[str]:
    """What to put before a command that is to run on a host; nothing where all are on loopback."""
    wires = [process["pid"] for process in started() if process["name"] == "wire"]
    return hosts.inside(*wires, host) if wires else []


def launch(name: str, command: list[Any], environment: dict[str, str], **about_it: Any) -> None:
    """Start a process that logs to its folder, and keep what is known of it."""
    with (STATE / name / "log").open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    state = about()
    state["processes"].append({"pid": process.pid, "name": name, **about_it})
    describe(state)


def wait_for(workers: int, what: str) -> None:
    """Until the master counts that many workers; stops everything and leaves if that takes long."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and all(alive(process) for process in started()):
        seen = ask()
        if seen and sum(worker["state"] == "ALIVE" for worker in seen["workers"]) >= workers:
            return
        time.sleep(0.2)
    logs = "".join(path.read_text(errors="replace")[-2000:] for path in sorted(STATE.glob("*/log")))
    stop()
    raise SystemExit(f"{logs}\ncluster: {what} did not start; what was logged is above")


def stop() -> None:
    """End what was started, the newest first, and delete the state folder."""
    processes = started()[::-1]
    for sent in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            if alive(process):
                os.kill(process["pid"], sent)
        deadline = time.monotonic() + 15
        while any(alive(process) for process in processes) and time.monotonic() < deadline:
            time.sleep(0.1)
    shutil.rmtree(STATE, ignore_errors=True)


def ask() -> Any:
    """The master's state, asked for on its own host, or None if it does not answer."""
    command = [*on(MASTER), sys.executable, "-IS", "-c", FETCH, f"{about()['web']}/json/"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return json.loads(asked.stdout)
    except ValueError:  # nothing, or, of one that starts, an empty page
        return None


def alive(process: dict[str, Any]) -> bool:
    """Whether it runs, and is what was started rather than another process that got its number."""
    seen = subprocess.run(
        ["ps", "-o", "stat=,command=", "-p", str(process["pid"])], capture_output=True, text=True, check=False
    ).stdout
    return not seen.startswith("Z") and process["role"] in seen and str(STATE) in seen


def started() -> list[dict[str, Any]]:
    """The processes that were started."""
    processes: list[dict[str, Any]] = about()["processes"]
    return processes


def about() -> dict[str, Any]:
    """What is known of the running cluster."""
    path = STATE / "processes.json"
    return json.loads(path.read_text()) if path.exists() else {"url": "?", "web": "?", "processes": []}


def describe(state: dict[str, Any]) -> None:
    """Keep what is known of the running cluster."""
    (STATE / "processes.json").write_text(json.dumps(state, indent=2))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
