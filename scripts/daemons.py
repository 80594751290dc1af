"""The processes of scripts/cluster: what was started, in which state folder, whether it runs and answers.

``processes.json`` in the state folder names them; ``spark.conf`` there holds the secret.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
STATE = Path(os.environ.get("CLUSTER_STATE") or ROOT / ".venv/cluster").resolve()
HOST = "127.0.0.1"
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "JAVA_HOME", "SPARK_HOME", "SPARK_CONF_DIR",
        "SPARK_DAEMON_JAVA_OPTS")  # fmt: skip


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


def start(name: str, role: str, host: str, *options: str) -> None:
    """Start a daemon of Spark in a session of its own, with little of this environment."""
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
        program,
        f"org.apache.spark.deploy.{role}",
        "--properties-file",
        STATE / "spark.conf",
        *("--host", host),
        *options,
    ]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    state = about()
    state["processes"].append(
        {"pid": process.pid, "name": name, "role": role, "host": host, "options": options}
    )
    describe(state)


def wait_for(workers: int, what: str) -> None:
    """Until the master counts that many workers; stops everything and leaves after a minute."""
    deadline = time.monotonic() + 90
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
    """The master's state, or None if it does not answer."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{about()['web']}/json/", timeout=5) as answer:
            return json.load(answer)
    except (OSError, ValueError):
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
