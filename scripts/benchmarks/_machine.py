"""What the figures were measured on: machine and versions."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks._common import CORES

__all__ = ["heading", "machine", "processes_below", "processor_times", "used_since"]

PACKAGES = ("numpy", "pyspark", "scikit-learn", "pyarrow", "torch")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    packages = {}
    for package in PACKAGES:
        try:
            packages[package] = version(package)
        except PackageNotFoundError:
            continue
    java = subprocess.run(
        [f"{os.environ['JAVA_HOME']}/bin/java" if os.environ.get("JAVA_HOME") else "java", "-version"],
        capture_output=True,
        text=True,
        check=False,
    ).stderr.splitlines()
    return {
        "cpu": _line_of("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": CORES,
        "memory_gb": round(int((_line_of("/proc/meminfo", "MemTotal") or "0").split()[0]) / 2**20, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "java": java[0] if java else "unknown",
        "blas": _blas(),
        "packages": packages,
        "load_before": os.getloadavg()[0],
    }


def heading(about: dict[str, Any]) -> str:
    """Machine and versions, for the top of a table."""
    packages = ", ".join(f"{name} {number}" for name, number in about["packages"].items())
    return (
        f"{about['cpu']}, {about['cores']} cores, {about['memory_gb']} GB, {about['system']}\n"
        f"Python {about['python']}, {packages}, {about['blas']}\n{about['java']}; "
        f"load average {about['load_before']:.1f} at the start"
    )


def processes_below(root: int) -> list[int]:
    """The process and all below it."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path("/proc", entry, "stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def processor_times() -> dict[int, float]:
    """Seconds of the processor used so far by this process and each below it, the JVM and its workers."""
    seconds = {}
    for pid in processes_below(os.getpid()):
        try:
            fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        seconds[pid] = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    return seconds


def used_since(before: dict[int, float]) -> float:
    """Seconds of the processor used since, by the processes that are there now.

    On a machine that others share it says more than the clock. What ended in between is left out.
    """
    return sum(now - before.get(pid, 0.0) for pid, now in processor_times().items())


def _line_of(path: str, key: str) -> str:
    with open(path) as lines:
        return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def _blas() -> str:
    import numpy as np  # noqa: F401  (loads the BLAS)
    from threadpoolctl import threadpool_info

    found = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return ", ".join(f"{pool['internal_api']} {pool['version']} {pool.get('architecture')}" for pool in found)
