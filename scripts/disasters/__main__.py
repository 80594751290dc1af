"""Train while things break, and compare with a run in peace.

Every fault's run has to end with the weights, history and metrics of the run that was left alone.
"""

import argparse
import random
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from disasters import cluster, disks, drivers, hosts, spark_drivers, yarn
from disasters.runs import Outcome

SCENARIOS: dict[str, Callable[[Path, random.Random, int], Iterator[Outcome]]] = {
    "drivers": drivers.kill_drivers,
    "spark-drivers": spark_drivers.kill_spark_drivers,
    "uri": spark_drivers.use_a_uri,
    "bits": disks.flip_bits,
    "disk": disks.fill_the_disk,
    "executors": cluster.kill_executors,
    "executors-of-others": cluster.kill_executors_of_others,
    "python-workers": cluster.kill_python_workers,
    "workers": cluster.restart_workers,
    "wipe": cluster.wipe_disks,
}
ON_YARN: dict[str, Callable[[Path, random.Random, int], Iterator[Outcome]]] = {
    "yarn-nodes": yarn.lose_nodes,
    "yarn-masters": yarn.kill_application_masters,
    "yarn-data-nodes": yarn.lose_data_nodes,
    "yarn-name-node": yarn.restart_the_name_node_in_a_checkpoint,
}
ON_HOSTS: dict[str, Callable[[Path, random.Random, int], Iterator[Outcome]]] = {"hosts": hosts.disturb_hosts}
ALL = SCENARIOS | ON_YARN | ON_HOSTS


def main() -> int:
    """Print the table; 0 if every run ended as in peace."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=int, default=20, help="driver kills a method; fewer of others")
    parser.add_argument("--yarn", action="store_true", help="only what happens on YARN and HDFS")
    parser.add_argument("--hosts", action="store_true", help="only what happens between hosts; needs root")
    parser.add_argument("--only", choices=ALL, action="append", help="leave out the others")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # stops clusters and deletes folders, as ^C does
    print(f"seed {args.seed}\n{'fault':34} {'method, engine':36} {'times':>5}  outcome", flush=True)
    good = True
    chosen = (ON_YARN if args.yarn else {}) | (ON_HOSTS if args.hosts else {}) or SCENARIOS
    for name in args.only or chosen:
        with tempfile.TemporaryDirectory(prefix="nnspark-chaos-") as folder:
            for outcome in ALL[name](Path(folder), random.Random(f"{args.seed} {name}"), args.faults):
                good &= not outcome.problems
                result = "; ".join(outcome.problems) or "the same weights, history and metrics"
                notes = f" ({outcome.notes})" if outcome.notes else ""
                print(f"{outcome.fault:34} {outcome.where:36} {outcome.times:5}  {result}{notes}", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
