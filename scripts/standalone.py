"""A standalone Spark master and its workers, on loopback or on hosts of their own: start, list, use, stop.

The state folder (mode 0700) holds the secret in ``spark.conf`` (mode 0600), which processes read with
``--properties-file``: it is on no command line and in no log. ``processes.json`` names what was started.
"""

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import bundle
import hosts
from daemons import (
    HOST,
    MASTER,
    STATE,
    about,
    alive,
    ask,
    describe,
    free_port,
    host_of,
    on,
    start,
    start_wire,
    started,
    stop,
    wait_for,
)

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = ROOT / "conf/spark-standalone.conf"


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
    starting.add_argument(
        "--hosts",
        type=int,
        metavar="N",
        help="N workers, each on a host of its own with an address of its own, as master and driver are: "
        "network namespaces, which need root",
    )
    starting.add_argument(
        "--owner", type=int, default=0, metavar="PID", help="of hosts: all ends when that process has ended"
    )
    commands.add_parser("status", help="what runs, as the master sees it")
    again = commands.add_parser(
        "restart", help="kill a worker, whose executors go with it, and start it again"
    )
    again.add_argument("worker", help="its name, such as worker-0")
    commands.add_parser("submit", help="[SPARK-SUBMIT OPTIONS] JOB ARGS...: run a job on the cluster")
    commands.add_parser("down", help="stop everything and delete the state folder")
    args = parser.parse_args()
    if args.command == "up":
        for name in ("workers", "cores", "hosts"):
            value = getattr(args, name)
            if value is not None and value < 1:
                starting.error(f"--{name}: expected 1 or more, got {value}")
        return up(args)
    if args.command == "restart":
        return restart(args.worker)
    return status() if args.command == "status" else down()


def up(args: argparse.Namespace) -> int:
    """Start everything, wait until every worker has registered, print the URL."""
    if args.hosts and hosts.why_not():
        print(f"cluster: --hosts {hosts.why_not()}", file=sys.stderr)
        return 1
    if STATE.exists() and any(alive(process) for process in started()):
        print(
            f"cluster: one is running already at {about()['url']}; scripts/cluster down stops it",
            file=sys.stderr,
        )
        return 1
    shutil.rmtree(STATE, ignore_errors=True)
    STATE.mkdir(parents=True, mode=0o700)
    STATE.chmod(0o700)
    workers = args.hosts or args.workers
    ports = [args.port or free_port(), free_port()]
    master, *of_workers, driver = (
        map(hosts.address, range(workers + 2)) if args.hosts else (HOST, *map(host_of, range(workers)), HOST)
    )
    url = f"spark://{master}:{ports[0]}"
    write_settings(url, args.memory, args.cores, driver)
    web = f"http://{master}:{ports[1]}"
    describe({"url": url, "web": web, "driver": [workers + 1, driver], "processes": []})
    if args.hosts:
        start_wire(workers + 2, args.owner)
    start("master", "master.Master", master, "--port", str(ports[0]), "--webui-port", str(ports[1]))
    wait_for(0, "the master")
    for number, host in enumerate(of_workers):
        work = STATE / f"worker-{number}" / "work"
        options = ["--webui-port", "0", "--cores", str(args.cores), "--memory", args.memory]
        options += ["--work-dir", str(work), url]
        start(work.parent.name, "worker.Worker", host, *options, at=MASTER + 1 + number)
    wait_for(workers, f"{workers} workers")
    print(url)
    return 0


def restart(name: str) -> int:
    """SIGKILL a worker and start it again with the options it had."""
    state = about()
    known = {process["name"]: process for process in state["processes"] if process["name"] != "wire"}
    if name not in known:
        print(f"cluster: no '{name}' was started; there are {', '.join(known) or 'none'}", file=sys.stderr)
        return 1
    process = known[name]
    if alive(process):
        os.kill(process["pid"], signal.SIGKILL)
    state["processes"].remove(process)
    describe(state)
    start(name, process["role"], process["host"], *process["options"], at=process["at"])
    return 0


def submit(arguments: list[str]) -> int:
    """spark-submit with this cluster's master, secret and packages; its exit code is the job's."""
    if not STATE.exists():
        print("cluster: none is running; scripts/cluster up starts one", file=sys.stderr)
        return 1
    dist = ROOT / "dist"
    host, address = about()["driver"]
    command = [
        *on(host),
        str(Path(os.environ["SPARK_HOME"], "bin/spark-submit")),
        *("--properties-file", str(STATE / "spark.conf")),
        *("--py-files", str(bundle.build_zip(dist))),
        *("--archives", f"{bundle.build_environment(dist)}#environment"),
    ]
    environment = {key: value for key, value in os.environ.items() if key != "PYSPARK_PYTHON"}
    return subprocess.call([*command, *arguments], env=environment | {"SPARK_LOCAL_IP": address})


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
    stop()
    print("cluster: stopped")
    return 0


def write_settings(url: str, memory: str, cores: int, driver: str) -> None:
    """conf/spark-standalone.conf, this cluster's master and its fresh secret, in a file of mode 0600."""
    settings = SETTINGS.read_text() + (
        f"\nspark.master {url}\nspark.authenticate.secret {secrets.token_hex(32)}\n"
        f"spark.driver.host {driver}\nspark.driver.bindAddress {driver}\n"
        f"spark.executor.memory {memory}\nspark.executor.cores {cores}\n"
        f"spark.pyspark.driver.python {sys.executable}\n"
    )
    with os.fdopen(os.open(STATE / "spark.conf", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(settings)


if __name__ == "__main__":
    sys.exit(main())
