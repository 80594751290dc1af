"""The two files that carry nnspark to a cluster: its wheel under a name Spark takes, and an environment.

The environment is a copy of the driver's own NumPy, pyarrow and so on, so that driver and executors
run the same build, which "the same bits" needs. Its ``bin/python`` finds its packages from where it is
and runs the node's own Python of the same minor version: it can be unpacked anywhere.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# What they need comes with them. The driver, in cluster mode a container, is asked for pandas by mapInArrow.
PACKAGES = ("numpy", "pyarrow", "threadpoolctl", "safetensors", "tqdm", "pandas")
LEFT_OUT = {"tests", "include", "src", "__pycache__"}
UNUSED = ("libarrow_flight", "libarrow_python_flight", "libarrow_s3", "_flight", "_s3fs")
LEFT_OUT_SUFFIXES = {".h", ".hpp", ".pxd", ".pyi", ".pyx", ".pyc", ".a"}
VERSION = "{}.{}".format(*sys.version_info)

PYTHON = """#!/bin/sh
# The node's Python {version} with the packages of this folder, wherever it was unpacked.
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
for python in ${{NNSPARK_PYTHON:-}} python{version} python3 /usr/bin/python{version}; do
  if "$python" -c 'import sys; sys.exit(sys.version_info[:2] != ({comma}))' 2>/dev/null; then
    PYTHONPATH="$here/lib/site-packages${{PYTHONPATH:+:$PYTHONPATH}}" PYTHONNOUSERSITE=1 exec "$python" "$@"
  fi
done
echo "nnspark: this environment needs Python {version} on every node, found $(python3 --version 2>&1);" \\
  "install it, name it in NNSPARK_PYTHON, or package with the nodes' version: scripts/package --python" >&2
exit 1
"""


def main() -> None:
    """Build both; print the paths."""
    parser = argparse.ArgumentParser(prog="package", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", default=ROOT / "dist", type=Path, help="folder to write to, default dist/")
    parser.add_argument(
        "--python",
        help="take the packages from this Python's environment instead of .venv's; set its version",
    )
    parser.add_argument(
        "--prefix", type=Path, help="also unpack the environment here: a shared disk, or a container image"
    )
    parser.add_argument("--no-zip", action="store_true", help="the environment only")
    args = parser.parse_args()
    if not args.no_zip:
        print(build_zip(args.out), flush=True)
    if args.python:
        rest = ["--no-zip", "--out", args.out, *(["--prefix", args.prefix] if args.prefix else [])]
        sys.exit(subprocess.call([args.python, __file__, *map(str, rest)]))
    archive = build_environment(args.out)
    if args.prefix:
        args.prefix.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as tar:
            tar.extractall(args.prefix, filter="data")
        print(args.prefix / "bin/python")
    print(archive)


def build_zip(out: Path) -> Path:
    """The wheel of this checkout, built by pip, as a .zip: Spark ignores --py-files that end in .whl.

    Of a copy: setuptools leaves a build/ behind, and what lies there gets into the next wheel.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source")
        shutil.copytree(ROOT / "nnspark", source / "nnspark", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, source)
        options = ("-q", "--disable-pip-version-check", "--no-deps", "--no-build-isolation")
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", folder, source],
            check=True,
            stdout=sys.stderr,
            env={**os.environ, "SOURCE_DATE_EPOCH": "315532800"},  # 1980: equal sources, equal bytes
        )
        (wheel,) = Path(folder).glob("*.whl")
        name, version, *_ = wheel.stem.split("-")
        return replace(out / f"{name}-{version}.zip", wheel.read_bytes())


def build_environment(out: Path) -> Path:
    """The environment archive; kept as it is while versions and this file stay the same."""
    state = hashlib.sha256(Path(__file__).read_bytes())
    state.update(
        repr([(name, distribution(name).version) for name in all_packages()]).encode() + VERSION.encode()
    )
    final, stamp = out / "environment.tar.gz", out / ".environment"
    if final.exists() and stamp.exists() and stamp.read_text() == state.hexdigest():
        return final
    out.mkdir(parents=True, exist_ok=True)
    partial = final.with_name(f".{final.name}.{os.getpid()}")
    with tempfile.TemporaryDirectory() as folder:
        launcher = Path(folder, "python")
        launcher.write_text(PYTHON.format(version=VERSION, comma=VERSION.replace(".", ", ")))
        launcher.chmod(0o755)
        with tarfile.open(partial, "w:gz", compresslevel=4) as archive:
            archive.add(launcher, "bin/python", filter=anonymous)
            for path, name in installed_files():
                archive.add(path, f"lib/site-packages/{name}", filter=anonymous)
    partial.replace(final)
    replace(stamp, state.hexdigest().encode())
    return final


def all_packages() -> list[str]:
    """``PACKAGES`` and what they require, as far as it is installed: what is for other systems is not."""
    found, wanted = [], list(PACKAGES)
    while wanted:
        name = wanted.pop(0)
        if name in found:
            continue
        try:
            requirements = distribution(name).requires or []
        except PackageNotFoundError:
            if name in PACKAGES:
                raise
            continue
        found.append(name)
        plain = [one.partition(";") for one in requirements]
        wanted += [re.split(r"[^\w.-]", one.strip())[0] for one, _, marker in plain if "extra" not in marker]
    return found


def installed_files() -> Iterator[tuple[Path, str]]:
    """Every file of the packages that runs, and its name below site-packages."""
    for package in all_packages():
        about = distribution(package)
        for file in about.files or []:
            if ".." in file.parts or LEFT_OUT & set(file.parts) or file.suffix in LEFT_OUT_SUFFIXES:
                continue
            if file.name.startswith(UNUSED):  # half of pyarrow's bytes: files are read by Spark, not by it
                continue
            yield Path(str(about.locate_file(file))), file.as_posix()


def anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nothing of this machine in the archive: no owner, no time."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def replace(path: Path, content: bytes) -> Path:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    return partial.replace(path)


if __name__ == "__main__":
    main()
