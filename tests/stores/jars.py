"""What these tests fetch, once, into a cache outside the checkout: jars by Maven, another Spark by pip.

Each jar must have the SHA-256 of ``SHA256SUMS``, whatever the registry says.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from stores.s3 import FOR_DELTA, has_delta

__all__ = ["jars", "spark_for_delta"]

POM = Path(__file__).with_name("pom.xml")
SUMS = Path(__file__).with_name("SHA256SUMS")


def jars() -> Path:
    """The folder with the jars of pom.xml; skips the test where there is no Maven, or none that has them.

    Other bytes than SHA256SUMS has fail it.
    """
    if shutil.which("mvn") is None and not _place(_stores()).exists():
        pytest.skip("needs Maven, which brings hadoop-aws and others: apt-get install maven")
    copy = ["mvn", "-B", "-q", "--strict-checksums", "-f", str(POM), "dependency:copy-dependencies"]
    found = _brought(_stores(), lambda into: [*copy, f"-DoutputDirectory={into}"])
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found.iterdir()}
    wanted = {name: digest for digest, name in map(str.split, SUMS.read_text().splitlines())}
    if sums != wanted:
        other = sorted(name for name in {**sums, **wanted} if sums.get(name) != wanted.get(name))
        pytest.fail(f"{found} is not what {SUMS.name} says; delete it and try again: {', '.join(other)}")
    return found


def spark_for_delta() -> dict[str, str]:
    """What the environment has to say for the Spark that Delta is for; skips where pip has none."""
    if has_delta():
        return {}
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-cache-dir", f"pyspark=={FOR_DELTA}"]
    found = _brought(f"pyspark-{FOR_DELTA}", lambda into: [*install, "--target", str(into)])
    return {"PYTHONPATH": str(found), "SPARK_HOME": str(found / "pyspark")}


def _stores() -> str:
    return f"stores-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"


def _place(name: str) -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "nnspark", name)


def _brought(name: str, command: Callable[[Path], Sequence[str]]) -> Path:
    """A folder of the cache, which the command fills the first time."""
    found = _place(name)
    if not found.exists():
        partial = found.with_name(f"{name}.partial-{os.getpid()}")
        done = subprocess.run(command(partial), capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(partial, ignore_errors=True)
            pytest.skip(f"{name} could not be fetched: {(done.stdout + done.stderr)[-300:]}")
        partial.rename(found)
    return found
