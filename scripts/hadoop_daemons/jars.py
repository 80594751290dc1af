"""Apache Hadoop's released jars: fetched once by Maven, checked, kept in this user's cache.

``pom.xml`` pins versions; Maven checks what it fetches against the registry's checksums, and each file must
have the SHA-256 of ``SHA256SUMS``, whatever the registry says.
"""

import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["VERSION", "class_path", "is_there", "version_of_spark"]

HERE = Path(__file__).parent
SUMS = HERE / "SHA256SUMS"
WANTED = {name: digest for digest, name in map(str.split, SUMS.read_text().splitlines())}
(VERSION,) = re.findall(r"hadoop-client-minicluster-(.+)\.jar", SUMS.read_text())


@functools.cache
def class_path() -> str:
    """The jars' paths, fetched if they are not in the cache yet; SystemExit if they cannot be."""
    folder = cache() / f"hadoop-{VERSION}"
    if not is_there():
        fetch(folder)
    bad = [name for name, digest in WANTED.items() if sha256(folder / name) != digest]
    if bad:
        raise SystemExit(
            f"hadoop: {folder} is damaged ({', '.join(bad)}): delete it, and it is fetched again"
        )
    return os.pathsep.join(str(folder / name) for name in WANTED)


def is_there() -> bool:
    """Whether they are in the cache."""
    return (cache() / f"hadoop-{VERSION}").exists()


def fetch(folder: Path) -> None:
    """Have Maven copy the jars into the folder, which is there whole or not at all."""
    if shutil.which("mvn") is None:
        raise SystemExit(
            f"hadoop: needs Maven to fetch Apache Hadoop {VERSION}, found no mvn on the PATH: install it "
            "(Debian: apt-get install maven) and try again"
        )
    print(f"hadoop: fetching Apache Hadoop {VERSION} (108 MB) into {folder}", file=sys.stderr)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
        where = ("-f", HERE / "pom.xml", "dependency:copy-dependencies", f"-DoutputDirectory={partial}")
        command = ["mvn", "--quiet", "--batch-mode", "--strict-checksums", *where]
        if subprocess.call(command, stdin=subprocess.DEVNULL, stdout=sys.stderr):
            raise SystemExit(f"hadoop: Maven could not fetch Apache Hadoop {VERSION}; its reason is above")
        found = {path.name: sha256(path) for path in Path(partial).iterdir()}
        if found != WANTED:
            other = sorted(name for name in {**found, **WANTED} if found.get(name) != WANTED.get(name))
            raise SystemExit(f"hadoop: what Maven fetched is not what {SUMS.name} says: {', '.join(other)}")
        whole = Path(partial).with_suffix(".whole")
        shutil.move(partial, whole)
        Path(partial).mkdir()  # for the context to delete
    try:
        whole.rename(folder)
    except OSError:  # another process was faster
        shutil.rmtree(whole)


def version_of_spark() -> str:
    """The version of Hadoop's client in this Spark."""
    jars = Path(os.environ["SPARK_HOME"], "jars").glob("hadoop-client-api-*.jar")
    return ", ".join(path.stem.removeprefix("hadoop-client-api-") for path in jars)


def cache() -> Path:
    """This user's cache, by the XDG Base Directory Specification."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "nnspark")


def sha256(path: Path) -> str:
    """A file's checksum; empty if there is no such file."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
