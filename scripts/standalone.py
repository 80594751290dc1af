"""A standalone Spark master and its workers on loopback: start, list, use, stop.

The state folder (mode 0700) holds the secret in ``spark.conf`` (mode 0600), which processes read with
``--properties-file``: it is on no command line and in no log. ``processes.json`` names what was started.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import bundle

ROOT = Path(__file__).resolve().parents[1]
STATE = Path(os.environ.get("CLUSTER_STATE") or ROOT / ".venv/cluster").resolve()
SETTINGS = ROOT / "conf/spark-standalone.conf"
HOST = "127.0.0.1"
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "JAVA_HOME", "SPARK_HOME", "SPARK_CONF_DIR")


def main() -> int:
    """Run one of the subcommands."""
    if sys.argv[1:2] == ["submit"]:
        return submit(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="cluster", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up", help="start the master and the workers; prints the spark:// URL")
    starting.add_argument("--workers", type=int, default=2, help="how many, default 2")
    starting.add_argument("--cores", type=int, default=1, help="of each worker, default 1")
    starting.add_argument("--memory", default="1g", help="of each worker, default 1g")
    starting.add_argument("--port", type=int, default=0, help="the master's; default: a free one")
    commands.add_parser("status", help="what runs, as the master sees it")
    again = commands.add_parser(
        "restart", help="kill a worker, whose executors go with it, and start it again"
    )
    again.add_argument("worker", help="its name, such as worker-0")
    commands.add_parser("submit", help="[SPARK-SUBMIT OPTIONS] JOB ARGS...: run a job on the cluster")
    commands.add_parser("down", help="stop everything and delete the state folder")
    args = parser.parse_args()
    if args.command == "up":
        return up(args.workers, args.cores, args.memory, args.port)
    if args.command == "restart":
        return restart(args.worker)
    return status() if args.command == "status" else down()


def up(workers: int, cores: int, memory: str, port: int) -> int:
    """Start everything, wait until every worker has registered, print the URL."""
    if STATE.exists() and any(alive(process) for process in started()):
        print(
            f"cluster: one is running already at {about()['url']}; scripts/cluster down stops it",
            file=sys.stderr,
        )
        return 1
    shutil.rmtree(STATE, ignore_errors=True)
    STATE.mkdir(parents=True, mode=0o700)
    STATE.chmod(0o700)
    ports = [port or free_port(), free_port()]
    url = f"spark://{HOST}:{ports[0]}"
    write_settings(url, memory, cores)
    describe({"url": url, "web": f"http://{HOST}:{ports[1]}", "processes": []})
    start("master", "master.Master", HOST, "--port", str(ports[0]), "--webui-port", str(ports[1]))
    wait_for(0, "the master")
    for number in range(workers):
        work = STATE / f"worker-{number}" / "work"
        options = ["--webui-port", "0", "--cores", str(cores), "--memory", memory]
        start(work.parent.name, "worker.Worker", host_of(number), *options, "--work-dir", str(work), url)
    wait_for(workers, f"{workers} workers")
    print(url)
    return 0


def restart(name: str) -> int:
    """SIGKILL a worker and start it again with the options it had."""
    state = about()
    known = {process["name"]: process for process in state["processes"]}
    if name not in known:
        print(f"cluster: no '{name}' was started; there are {', '.join(known) or 'none'}", file=sys.stderr)
        return 1
    process = known[name]
    if alive(process):
        os.kill(process["pid"], signal.SIGKILL)
    state["processes"].remove(process)
    describe(state)
    start(name, process["role"], process["host"], *process["options"])
    return 0


def submit(arguments: list[str]) -> int:
    """spark-submit with this cluster's master, secret and packages; its exit code is the job's."""
    if not STATE.exists():
        print("cluster: none is running; scripts/cluster up starts one", file=sys.stderr)
        return 1
    dist = ROOT / "dist"
    command = [
        str(Path(os.environ["SPARK_HOME"], "bin/spark-submit")),
        *("--properties-file", str(STATE / "spark.conf")),
        *("--py-files", str(bundle.build_zip(dist))),
        *("--archives", f"{bundle.build_environment(dist)}#environment"),
    ]
    environment = {key: value for key, value in os.environ.items() if key != "PYSPARK_PYTHON"}
    return subprocess.call([*command, *arguments], env=environment)


def status() -> int:
    """Print the master's view; 0 if it answers."""
    if not STATE.exists():
        print("cluster: none is running")
        return 1
    seen = ask()
    if seen is None:
        print(f"cluster: {about()['url']} does not answer; its logs are in {STATE}")
        return 1
    print(f"{about()['url']}  {seen['status']}  web page {about()['web']}")
    for worker in seen["workers"]:
        cores, memory = (f"{worker[key + 'used']}/{worker[key]}" for key in ("cores", "memory"))
        print(f"  {worker['id']}  {worker['state']}  cores {cores}  memory {memory} MB")
    for app in seen["activeapps"]:
        print(f"  {app['id']}  {app['state']}  {app['name']}")
    return 0


def down() -> int:
    """Stop workers, then the master; delete secret, logs and scratch space."""
    if not STATE.exists():
        print("cluster: none is running")
        return 0
    processes = started()[::-1]
    for sent in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            if alive(process):
                os.kill(process["pid"], sent)
        deadline = time.monotonic() + 15
        while any(alive(process) for process in processes) and time.monotonic() < deadline:
            time.sleep(0.1)
    shutil.rmtree(STATE, ignore_errors=True)
    print("cluster: stopped")
    return 0


def write_settings(url: str, memory: str, cores: int) -> None:
    """conf/spark-standalone.conf, this cluster's master and its fresh secret, in a file of mode 0600."""
    settings = SETTINGS.read_text() + (
        f"\nspark.master {url}\nspark.authenticate.secret {secrets.token_hex(32)}\n"
        f"spark.driver.host {HOST}\nspark.driver.bindAddress {HOST}\n"
        f"spark.executor.memory {memory}\nspark.executor.cores {cores}\n"
        f"spark.pyspark.driver.python {sys.executable}\n"
    )
    with os.fdopen(os.open(STATE / "spark.conf", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(settings)


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
    down()
    raise SystemExit(f"{logs}\ncluster: {what} did not start; what was logged is above")


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


if __name__ == "__main__":
    sys.exit(main())
