"""What an epoch costs on a cluster: t tasks on k cores, n rows, w weights.

    T = job + t launch + t/k task + n/k row + w (broadcast + aggregation · merges)

``launch`` is what the driver takes to hand out a task and take its result in: the processor's seconds of the
busiest of the driver's threads in a job of 10,000 tasks that never leave the JVM. ``merges`` is the
number of results added one after the other on the way to the driver: t at depth 1, 2 ceil(sqrt(t)) at
depth 2. A broadcast goes out once and spreads from executor to executor.

Tasks of c cores (``spark.task.cpus``) are fewer, and work with c threads, which takes ``threads`` times as
long a row: an epoch of one task of all cores over one of a task a core. Left out are stragglers, and a
network slower than this machine's loopback.
"""

import itertools
import math
from typing import Any

import numpy as np

from benchmarks._common import CORES, Contestant

__all__ = ["fit", "predict"]

CORES_EACH = 4
ROWS = 100_000_000


def fit(
    idle: dict[tuple[int, int], Contestant],
    launch: float,
    moved: dict[int, Contestant],
    sent: dict[int, Contestant],
    rows: dict[int, Contestant],
) -> dict[str, float]:
    """The model's constants, seconds, by least squares (of medians)."""
    at_1 = {count: one.median for (count, depth), one in idle.items() if depth == 1}
    task, job_seconds = np.polyfit([count / CORES for count in at_1], list(at_1.values()), 1)
    broadcast = np.polyfit(list(sent), [one.median for one in sent.values()], 1)[0]
    both = np.polyfit(list(moved), [one.median for one in moved.values()], 1)[0]
    (few, cheap), (many, dear) = ((count, one.median) for count, one in sorted(rows.items()))
    return {
        "job": max(float(job_seconds), min(at_1.values()) - float(task)),
        "launch": launch,
        "task": max(float(task) - CORES * launch, 0.0),  # its slope holds both
        "row": (dear - cheap) / (many - few) * CORES,
        "broadcast": float(broadcast),
        "aggregation": max(float(both - broadcast), 0.0) / CORES,
        f"depth 2 / depth 1, {max(at_1)} tasks": idle[max(at_1), 2].median / idle[max(at_1), 1].median,
    }


def predict(constants: dict[str, float], executors: int, layers: tuple[int, ...]) -> dict[str, Any]:
    """An epoch of 100 million rows of the shape on that many executors.

    At the better depth, of tasks of 1, 2 or all of an executor's cores, whichever are quickest.
    """
    cores = executors * CORES_EACH
    seconds = {
        (cpus, depth): epoch_of(constants, cores, cpus, depth, weights_of(layers))
        for cpus in (1, CORES_EACH // 2, CORES_EACH)
        for depth in (1, 2)
    }
    cpus, depth = best = min(seconds, key=lambda key: seconds[key])
    tasks = cores // cpus
    return {
        "executors": executors,
        "cores": cores,
        "task_cpus": cpus,
        "tasks": tasks,
        "depth": depth,
        "epoch_s": round(seconds[best], 3),
        "a_task_a_core_s": round(min(seconds[1, 1], seconds[1, 2]), 3),
        "compute_s": round(compute_of(constants, cores, cpus), 3),
        "launch_s": round(tasks * constants["launch"], 3),
        "moved_s": round(moved_of(constants, tasks, depth, weights_of(layers)), 3),
        "efficiency": round(compute_of(constants, cores, 1) / seconds[best], 3),
    }


def epoch_of(constants: dict[str, float], cores: int, cpus: int, depth: int, weights: int) -> float:
    """Seconds of an epoch of all rows by tasks of so many cores each, all at a time."""
    tasks = cores // cpus
    # Depth 2 adds a stage of sqrt(t) tasks: a second job's worth of scheduling and a wave of tasks.
    fixed = constants["job"] if depth == 1 else 2 * constants["job"] + constants["task"]
    here = tasks * constants["launch"] + constants["task"] + compute_of(constants, cores, cpus)
    return fixed + here + moved_of(constants, tasks, depth, weights)


def compute_of(constants: dict[str, float], cores: int, cpus: int) -> float:
    """Seconds that the rows take."""
    return ROWS / cores * constants["row"] * (constants["threads"] if cpus > 1 else 1.0)


def moved_of(constants: dict[str, float], tasks: int, depth: int, weights: int) -> float:
    """Seconds that the weights take on their way out, and the sums on their way back."""
    merges = tasks if depth == 1 else 2 * math.ceil(math.sqrt(tasks))
    return weights * (constants["broadcast"] + constants["aggregation"] * merges)


def weights_of(layers: tuple[int, ...]) -> int:
    """Weights of a network, biases included."""
    return sum((1 + fan_in) * units for fan_in, units in itertools.pairwise(layers))
